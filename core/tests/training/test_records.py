"""Records and checkpoints of runs, whatever is trained."""

import io
import json
import zipfile

import pytest
import torch

from mt_core.errors import OptionError, RunError
from mt_core.training.checkpoints import check_checkpoint
from mt_core.training.records import check_same, differences, make_folder, read_json, resolve_name, versions, write_json

ABSENT = RunError("there is no run", "train one")


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = {"format": 1, "seconds": 0.25, "loss": float("inf"), "recipe": {"lr": 1e-3}}
    write_json(tmp_path / "run.json", record)
    assert read_json(tmp_path / "run.json", 1, absent=ABSENT) == record
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_record_that_is_not_there_is_the_error_that_was_given(tmp_path):
    with pytest.raises(RunError, match="there is no run"):
        read_json(tmp_path / "run.json", 1, absent=ABSENT)


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"format": "x"}', '{"format": 1', "[" * 100_000, "\udcff"])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / "run.json").write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(RunError, match=r"run\.json cannot be read \("):
        read_json(tmp_path / "run.json", 1, absent=ABSENT)


def test_a_record_that_a_check_refuses_is_named_with_the_reason(tmp_path):
    def check(record):
        raise OptionError("lr is below 0", "raise it")

    write_json(tmp_path / "run.json", {"format": 1})
    with pytest.raises(RunError, match=r"run\.json cannot be read \(OptionError: lr is below 0\)"):
        read_json(tmp_path / "run.json", 1, absent=ABSENT, check=check)


def test_a_record_of_a_newer_format_asks_to_upgrade(tmp_path):
    write_json(tmp_path / "run.json", {"format": 2})
    with pytest.raises(RunError, match="newer mt-core") as caught:
        read_json(tmp_path / "run.json", 1, absent=ABSENT)
    assert caught.value.fix == "pip install -U mt-core"


def test_a_run_goes_on_with_the_settings_it_was_begun_with_whatever_the_versions(tmp_path):
    planned = {"recipe": {"betas": (0.9, 0.98)}, "data": "a", "versions": {"torch": "2.6"}}
    recorded = json.loads(json.dumps({**planned, "status": "training", "versions": {"torch": "2.5"}}))
    check_same(tmp_path, recorded, planned)
    with pytest.raises(
        RunError, match=r"was started with other settings \(recipe, data\): recipe\.betas; data b, was a"
    ):
        check_same(tmp_path, recorded, {**planned, "recipe": {"betas": [1, 2]}, "data": "b"})


@pytest.mark.parametrize(
    ("before", "now", "named"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"a": 1}, []),  # the record says more than is asked
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, ["a.b.c 2, was 1"]),
        ({"a": {"b": 1}}, {"a": {}}, ["a.b not given, was 1"]),
        ({}, {"a": "x"}, ["a x, was not given"]),
        ({"a": "x" * 64}, {"a": "y" * 64}, ["a"]),
        ({"a": [1]}, {"a": None}, ["a"]),
    ],
)
def test_what_differs_is_named_to_the_last_level(before, now, named):
    assert differences(before, now) == named


def test_versions_are_those_that_decide_the_numbers():
    assert list(versions()) == ["python", "mt-core", "torch", "timm", "lightning"]
    assert versions("pytest")["pytest"] == pytest.__version__


def test_an_encoders_file_is_found_again_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.safetensors").touch()
    assert resolve_name("x.safetensors") == str(tmp_path / "x.safetensors")
    assert resolve_name("mt-tiny") == "mt-tiny"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be made"):
        make_folder(tmp_path / "file" / "run")


@pytest.fixture
def checkpoint(tmp_path):
    state = {"global_step": 1, "loops": {}, "callbacks": {}, "optimizer_states": [], "lr_schedulers": []}
    torch.save({**state, "state_dict": {"weight": torch.arange(2000.0)}}, tmp_path / "last.ckpt")
    return tmp_path / "last.ckpt"


def test_a_whole_checkpoint_of_the_expected_tensors_passes(checkpoint):
    assert check_checkpoint(checkpoint) == check_checkpoint(checkpoint, {"weight": torch.zeros(2000)}) == checkpoint


@pytest.mark.parametrize("expected", [{}, {"weight": torch.zeros(1)}, {"bias": torch.zeros(2000)}])
def test_a_checkpoint_of_other_tensors_is_refused(checkpoint, expected):
    with pytest.raises(RunError, match="is no checkpoint of this run"):
        check_checkpoint(checkpoint, expected)


def cut(content):
    return content[:500]


def flip(content):
    return content[:3000] + bytes([content[3000] ^ 1]) + content[3001:]


def code(content):
    buffer = io.BytesIO()
    torch.save({"state_dict": cut}, buffer)
    return buffer.getvalue()


def packed(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", "y")
    return buffer.getvalue()


@pytest.mark.parametrize("damage", [cut, flip, code, packed, lambda content: b""])
def test_a_damaged_checkpoint_is_refused_and_nothing_in_it_is_run(checkpoint, damage):
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(RunError, match=r"last\.ckpt cannot be read as weights alone") as caught:
        check_checkpoint(checkpoint)
    assert "nothing in that file was run" in caught.value.fix


def test_tensors_that_are_no_checkpoint_are_refused(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "x.ckpt")
    with pytest.raises(RunError, match="is no checkpoint of this run"):
        check_checkpoint(tmp_path / "x.ckpt")
