"""auto takes the fastest way of computing whose vectors stay those of float32, and remembers it."""

import json
import logging
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import mt_core as mt
from mt_core.cli import main
from mt_core.data import precision_choice, precision_probe
from mt_core.data.backed_model import with_precision
from mt_core.data.pooled_vectors import PooledVectors, vector_identity
from mt_core.data.precision import has_bf16
from mt_core.data.precision_choice import choice_line, fastest, remembered_choices, resolve_precision
from mt_core.data.precision_probe import Measured, measure
from mt_core.embedding.vectors import metadata_of
from mt_core.encoder import load_encoder
from mt_core.encoder.controls import no_encoder_control
from mt_core.errors import EncoderError, OptionError

pytestmark = pytest.mark.usefixtures("feature_cache", "nothing_known")

FOUND = [
    Measured("32", 0.080, 1.0),
    Measured("bf16", 0.030, 0.99998),
    Measured("onednn-32", 0.040, 1.0),
    Measured("openvino-int8", 0.010, 0.99899),
    Measured("openvino", problem="not installed"),
]


@pytest.fixture
def nothing_known(monkeypatch):
    """As in a new process."""
    monkeypatch.setattr(precision_choice, "_kept", {})


@pytest.fixture
def measured_as(monkeypatch):
    """What a measurement finds; a list of what was asked of it."""

    def set_to(found):
        asked = []
        monkeypatch.setattr(precision_choice, "measure", lambda encoder, names: asked.append(names) or list(found))
        return asked

    return set_to


@pytest.fixture
def model(toy, small_encoder):
    return mt.load("toy", encoder=small_encoder)


def kept_file() -> Path:
    [path] = precision_choice._folder().glob("*.json")
    return path


def forget_in_process():
    precision_choice._kept.clear()


def test_the_fastest_of_those_that_are_exact_enough_is_taken_and_no_faster_one():
    assert fastest(FOUND).precision == "bf16"
    assert fastest(FOUND, "int8") is None
    assert fastest([FOUND[0], Measured("bf16", 0.09, 1.0)]).precision == "32"


def test_the_line_has_the_times_and_cosines_of_all_and_does_not_round_one_up_to_enough():
    line = choice_line(FOUND, fastest(FOUND))
    assert line.startswith("precision bf16: 2.7 times as fast as 32")
    assert "openvino-int8 10 ms, 0.99899 (too low)" in line and "openvino skipped: not installed" in line
    assert "\n" not in line


def test_a_choice_is_measured_once_and_remembered_by_the_next_process(small_encoder, measured_as):
    asked = measured_as(FOUND)
    assert resolve_precision(small_encoder, "auto") == "bf16"
    forget_in_process()
    assert resolve_precision(small_encoder, "auto") == "bf16"
    assert len(asked) == 1
    assert [choice["chosen"] for choice in remembered_choices()] == ["bf16"]


def test_clearing_the_cache_forgets_what_was_chosen(small_encoder, measured_as):
    asked = measured_as(FOUND)
    resolve_precision(small_encoder, "auto")
    assert main(["cache", "clear"]) == 0
    assert remembered_choices() == []
    resolve_precision(small_encoder, "auto")
    assert len(asked) == 2


@pytest.mark.parametrize("what", ["threads", "layers", "weights", "version", "processor"])
def test_what_the_choice_depends_on_makes_another(small_encoder, measured_as, monkeypatch, what):
    asked = measured_as(FOUND)
    resolve_precision(small_encoder, "auto")
    encoder = small_encoder
    if what == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    elif what == "layers":
        encoder = small_encoder.with_layers((1,))
    elif what == "weights":
        encoder = load_encoder("random/test_vit")
    elif what == "version":
        monkeypatch.setattr(precision_choice, "_version", lambda name: "0.0")
    else:
        monkeypatch.setattr(precision_choice, "_processor", lambda: "another")
    resolve_precision(encoder, "auto")
    assert len(asked) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b'{"format": 1}',
        b'{"format": 1, "key": {}, "measured": [{"precision": "bf16", "seconds": 1.0, "cosine": 1.0}]}',
        b'{"format": 1, "key": {}, "measured": [{"precision": "32", "seconds": "fast", "cosine": 1.0}]}',
        b'{"format": 1, "key": {"encoder": "x"}, "measured": [{"precision": "32", "seconds": 1.0, "cosine": 1.0}]}',
    ],
)
def test_a_damaged_or_foreign_file_is_measured_over_and_written_again(small_encoder, measured_as, content):
    asked = measured_as(FOUND)
    resolve_precision(small_encoder, "auto")
    sound = kept_file().read_bytes()
    kept_file().write_bytes(content)
    forget_in_process()
    assert resolve_precision(small_encoder, "auto") == "bf16"
    assert len(asked) == 2 and kept_file().read_bytes() == sound


def test_an_unknown_precision_in_a_kept_file_is_not_taken(small_encoder, measured_as):
    asked = measured_as(FOUND)
    resolve_precision(small_encoder, "auto")
    record = json.loads(kept_file().read_text())
    record["measured"].append({"precision": "abacus", "seconds": 1e-9, "cosine": 1.0, "problem": ""})
    kept_file().write_text(json.dumps(record))
    forget_in_process()
    assert resolve_precision(small_encoder, "auto") == "bf16"
    assert len(asked) == 2


def test_where_nothing_may_be_kept_nothing_is_written_and_it_is_measured_once_a_process(
    small_encoder, measured_as, monkeypatch
):
    monkeypatch.setenv("MT_CACHE_BYTES", "0")
    asked = measured_as(FOUND)
    assert [resolve_precision(small_encoder, "auto") for _ in range(2)] == ["bf16", "bf16"]
    assert len(asked) == 1 and not precision_choice._folder().exists()


def test_a_folder_that_cannot_be_written_ends_nothing(small_encoder, measured_as, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MT_CACHE", str(tmp_path / "file"))
    measured_as(FOUND)
    assert resolve_precision(small_encoder, "auto") == "bf16"


def test_with_gradients_only_what_has_some_is_looked_at(small_encoder, measured_as):
    asked = measured_as(FOUND[:2])
    resolve_precision(small_encoder, "auto", gradients=True)
    assert set(asked[0]) <= {"bf16"}
    with pytest.raises(OptionError, match="computes no gradients"):
        resolve_precision(small_encoder, "onednn-32", gradients=True)


def test_int8_that_is_not_exact_enough_is_refused_with_its_numbers(small_encoder, measured_as):
    measured_as([FOUND[0], FOUND[3]])
    with pytest.raises(OptionError, match=r"openvino-int8 10 ms, 0\.99899 \(too low\)"):
        resolve_precision(small_encoder, "int8")


def test_fp32_is_another_name_of_32(small_encoder):
    assert resolve_precision(small_encoder, "fp32") == "32"


def test_an_encoder_without_blocks_has_nothing_to_choose(small_encoder, measured_as):
    asked = measured_as(FOUND)
    assert resolve_precision(no_encoder_control(small_encoder), "auto") == "32" and not asked


@pytest.mark.parametrize("fault", ["missing", "crash", "nan", "wrong"])
def test_a_backend_that_does_not_work_is_skipped_and_named(small_encoder, monkeypatch, fault):
    def make(encoder, backend, calibration, *, has_bf16):
        if fault == "missing":
            raise EncoderError("no such thing")
        if fault == "crash":
            raise RuntimeError("illegal instruction")
        factor = float("nan") if fault == "nan" else 1.0
        return lambda values, groups: torch.randn_like(values) * factor

    monkeypatch.setattr(precision_probe, "make_runner", make)
    exact, found = measure(small_encoder, ["onednn-32"])
    assert exact.cosine == 1.0 and exact.seconds > 0
    if fault == "wrong":
        assert found.cosine < 0.9
    else:
        expected = {"missing": "no such thing", "crash": "illegal instruction", "nan": "not finite"}[fault]
        assert expected in found.problem and found.seconds is None
    assert fastest([exact, found]).precision == "32"


def test_a_measurement_leaves_the_number_of_threads_as_it_was(small_encoder):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        measure(small_encoder, [])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_torchs_own_ways_are_measured_as_they_are(small_encoder):
    names = ["onednn-32", *(["bf16"] if has_bf16(torch.device("cpu")) else [])]
    for each in measure(small_encoder, names):
        assert not each.problem and each.seconds > 0 and each.cosine > 0.999


def test_a_cosine_is_the_smallest_of_all_rows_and_not_their_mean():
    right, other = torch.eye(3), torch.eye(3)
    other[2] = torch.tensor([0.0, 3.0, 4.0])
    assert precision_probe.lowest_cosine([right, right], [right, other]) == pytest.approx(0.8)


def items_of(model):
    series = [np.arange(8, dtype=np.float32), np.ones(4, np.float32), np.arange(8, dtype=np.float32) ** 2]
    return [model.tokenizer.prepare(model.tokenizer.read(each)) for each in series]


def test_vectors_of_a_backend_are_those_of_32_and_kept_apart_from_them(model):
    items = items_of(model)
    with PooledVectors(model, "cls+mean", "32") as pooled:
        exact = pooled.of(items)
    with PooledVectors(model, "cls+mean", "onednn-32") as pooled:
        other = pooled.of(items)
        assert pooled.num_computed == len(items)  # those of 32 are not taken for them
    np.testing.assert_allclose(other, exact, atol=1e-4)
    identities = [vector_identity(model, "mean", precision) for precision in ("32", "onednn-32")]
    assert identities[0] != identities[1]
    assert model.encoder.runner is None  # the model itself is as it was


def test_a_backend_whose_vectors_are_others_on_the_data_is_an_error(model, monkeypatch):
    backed = with_precision(model, "onednn-32")
    monkeypatch.setattr(backed.encoder.runner, "runner", lambda values, groups: torch.randn_like(values))
    with torch.inference_mode(), pytest.raises(EncoderError, match="changes the vectors"):
        backed.encode(model.tokenizer.collate(items_of(model)))


def test_what_a_backend_raises_on_the_data_is_an_error_of_ours(model, monkeypatch):
    def crash(values, groups):
        raise RuntimeError("out of something")

    backed = with_precision(model, "onednn-32")
    monkeypatch.setattr(backed.encoder.runner, "runner", crash)
    with torch.inference_mode(), pytest.raises(EncoderError, match="onednn-32 failed: RuntimeError: out of something"):
        backed.encode(model.tokenizer.collate(items_of(model)))


def sources(folder, count):
    paths = [folder / f"{number}.npy" for number in range(count)]
    for number, path in enumerate(paths):
        np.save(path, np.arange(8, dtype=np.float32) + number)
    return paths


ONEDNN = [Measured("32", 0.08, 1.0), Measured("onednn-32", 0.04, 1.0)]


def test_a_file_of_vectors_names_the_precision_that_computed_them_and_is_added_to_with_the_same(
    model, measured_as, tmp_path
):
    measured_as(ONEDNN)
    out, paths = tmp_path / "v.parquet", sources(tmp_path, 5)
    mt.embed_files(model, paths[:2], out, precision="auto", num_workers=0)
    assert metadata_of(out)["precision"] == "onednn-32"
    forget_in_process()
    kept_file().unlink()
    measured_as([ONEDNN[0], Measured("onednn-32", 0.09, 1.0)])  # on this machine, now, 32 is the faster
    mt.embed_files(model, paths, out, precision="auto", num_workers=0)
    assert metadata_of(out)["precision"] == "onednn-32" and pq.read_metadata(out).num_rows == 5


def test_vectors_and_predictions_in_memory_take_it_too(model, measured_as, tmp_path):
    measured_as(ONEDNN)
    paths = sources(tmp_path, 3)
    exact, other = (mt.embed(model, paths, precision=precision) for precision in ("32", "auto"))
    np.testing.assert_allclose(other, exact, atol=1e-4)


def test_a_probe_takes_all_and_a_tokenizer_that_learns_what_has_gradients(toy, small_encoder, measured_as, tmp_path):
    from mt_core.plugins import get

    asked = measured_as(ONEDNN)
    recorded = []
    for tune in ("probe", "frozen"):
        data = get("toy").dataset.demo("train", size=24)
        model = mt.load("toy", encoder=small_encoder)
        mt.fit(model, data, out=tmp_path / tune, tune=tune, precision="auto", epochs=1, num_workers=0)
        recorded.append(json.loads((tmp_path / tune / "run.json").read_text())["recipe"]["precision"])
        measured_as([ONEDNN[0]])
    assert recorded == ["onednn-32", "32"] and "onednn-32" in asked[0]
    metrics = mt.evaluate(mt.load_run(tmp_path / "probe", encoder=small_encoder), data, precision="onednn-32")
    assert metrics["samples"] == 24


def test_the_command_line_says_in_one_line_what_was_chosen(toy, small_encoder_file, measured_as, tmp_path, capsys):
    measured_as(ONEDNN)
    [path] = sources(tmp_path, 1)
    line = ["embed", "toy", str(path), "-o", str(tmp_path / "v.parquet"), "--encoder", str(small_encoder_file), "-q"]
    assert main([*line, "--precision", "auto", "--num-workers", "0"]) == 0
    told = [each for each in capsys.readouterr().err.splitlines() if each.startswith("precision onednn-32: 2.0 times")]
    assert len(told) == 1
    assert not logging.getLogger("mt_core.precision").handlers
