"""`mt show` of files and of folders, on the toy modality, with faults that were planted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mt_core.cli import main

pytestmark = pytest.mark.usefixtures("toy")

A_CLASS = 6


@pytest.fixture
def encoder(small_encoder_file) -> list[str]:
    return ["--encoder", str(small_encoder_file)]


@pytest.fixture
def data(tmp_path) -> Path:
    """Series in train, val and test, a folder a class, no two alike."""
    folder, number = tmp_path / "data", 0
    for split in ("train", "val", "test"):
        for label in ("falling", "rising"):
            (folder / split / label).mkdir(parents=True)
            for each in range(A_CLASS):
                number += 1
                save(folder / split / label / f"{each}.npy", np.linspace(number, 1, 12))
    return folder


def save(path: Path, series: np.ndarray, kind: type = np.float32) -> None:
    np.save(path, series.astype(kind))


def found(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def members(copies: dict) -> list[str]:
    return ["/".join(Path(each["name"]).parts[-3:]) for each in copies["members"]]


# folders


def test_a_folder_in_order_is_fine(data, encoder, capsys):
    assert main(["show", "toy", str(data), *encoder, "--strict", "--num-workers", "0", "-q"]) == 0
    out = capsys.readouterr().out
    assert "train: 12 samples" in out and "test: 12 samples, the data's own" in out
    assert "read: all 36 samples" in out
    assert re.search(r"falling +6 +6 +6 +█+", out) and re.search(r"together +12 +12 +12\n", out)
    assert "12 float32, 1 to 36" in out
    assert out.splitlines()[-1].startswith("fine: everything can be read, no sample is in two parts")


def test_a_sample_in_two_parts_is_found_whatever_type_its_numbers_have(data, encoder, capsys):
    save(data / "test" / "rising" / "other.npy", np.linspace(1, 1, 12) * 5)
    save(data / "train" / "rising" / "copy.npy", np.linspace(1, 1, 12) * 5, np.float64)
    command = ["show", "toy", "--data", str(data), *encoder, "-q"]
    told = found(command, capsys)
    (leak,) = (each for each in told["copies"] if each["is_leak"])
    assert members(leak) == ["train/rising/copy.npy", "test/rising/other.npy"]
    assert (leak["how"], leak["is_conflict"], told["counts"]["leaks"]) == ("the same once read", False, 1)
    assert main([*command, "--strict"]) == 1
    assert "train train/rising/copy.npy = test test/rising/other.npy  (the same once read)" in capsys.readouterr().out


def test_the_same_sample_with_two_labels_is_named_with_both(data, encoder, capsys):
    (data / "train" / "rising" / "9.npy").write_bytes((data / "train" / "falling" / "0.npy").read_bytes())
    assert main(["show", "toy", str(data), *encoder, "-q"]) == 0  # it is said, and is an error with --strict alone
    out = capsys.readouterr().out
    assert "conflicts: the same sample with two labels: 1" in out
    assert "train train/falling/0.npy [falling] = train train/rising/9.npy [rising]  (the same bytes)" in out
    assert out.splitlines()[-1] == "found: 1 sample with two labels"


def test_every_file_that_cannot_be_read_is_named_with_the_readers_message(data, encoder, capsys):
    (data / "val" / "falling" / "broken.npy").write_bytes(b"\x93NUMPY nothing")
    save(data / "train" / "rising" / "short.npy", np.ones(3))
    command = ["show", "toy", str(data), *encoder, "--seconds-a-sample", "60", "-q"]
    told = found(command, capsys)
    assert [(each["part"], Path(each["source"]).name) for each in told["unreadable"]] == [
        ("train", "short.npy"),
        ("val", "broken.npy"),
    ]
    assert "not a series of at least 4 numbers" in told["unreadable"][0]["problem"] and not told["is_fine"]
    assert main([*command, "--strict"]) == 1
    assert "found: 2 samples that cannot be read" in capsys.readouterr().out


def test_an_imbalance_and_a_class_that_a_part_lacks_are_said(data, encoder, capsys):
    for number in range(100, 170):
        save(data / "train" / "rising" / f"{number}.npy", np.linspace(0, number, 12))
    for file in (data / "test" / "falling").glob("*.npy"):
        file.unlink()
    remarks = found(["show", "toy", str(data), *encoder, "-q"], capsys)["remarks"]
    assert remarks == [
        "test has no samples of 1 of the classes: falling",
        "imbalanced: rising has 76 samples of train, falling has 6",
    ]


def test_of_many_samples_some_are_read_and_the_output_says_so(data, encoder, capsys):
    assert main(["show", "toy", str(data), *encoder, "--samples", "12", "-q"]) == 0
    assert "read: 12 of 36 samples, drawn at random" in capsys.readouterr().out


def test_files_without_labels_are_all_read_too(tmp_path, encoder, capsys):
    (tmp_path / "files").mkdir()
    for name in ("one", "two"):
        save(tmp_path / "files" / f"{name}.npy", np.arange(8))
    (tmp_path / "files" / "zero.npy").write_bytes(b"no")
    told = found(["show", "toy", str(tmp_path / "files"), *encoder, "-q"], capsys)
    assert members(told["copies"][0])[0].endswith("one.npy") and told["parts"] == {"files": 3}
    assert [Path(each["source"]).name for each in told["unreadable"]] == ["zero.npy"]
    assert "no folder per class" in told["lines"][1]


def test_files_that_are_not_to_be_trained_on_are_not_called_fine(tmp_path, encoder, capsys):
    (tmp_path / "files").mkdir()
    for number in range(2):
        save(tmp_path / "files" / f"{number}.npy", np.arange(number, number + 8))
    command = ["show", "toy", str(tmp_path / "files"), *encoder, "-q"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "found: not to be trained on as it is, see above"
    assert main([*command, "--strict"]) == 1


def test_the_page_of_a_folder_shows_examples_of_each_class(data, encoder, tmp_path, capsys):
    (data / "val" / "rising" / "0.npy").write_bytes((data / "train" / "falling" / "0.npy").read_bytes())
    assert main(["show", "toy", str(data), *encoder, "-o", str(tmp_path / "new" / "page.html"), "-q"]) == 0
    page = (tmp_path / "new" / "page.html").read_text("utf-8")
    assert "<h3>falling</h3>" in page and "<h3>rising</h3>" in page
    assert "Leaks: the same sample in two parts: 1" in page and "http" not in page
    assert "train train/falling/0.npy [falling]</p>" in page  # a card of it, beside that of val
    assert main(["show", "toy", str(data), *encoder, "-o", str(tmp_path / "sheet.png"), "-q"]) == 2
    assert "cannot be drawn" in capsys.readouterr().err


def test_a_run_checks_data_as_it_was_trained_on_them(data, encoder, tmp_path, capsys):
    run = str(tmp_path / "run")
    settings = ["--epochs", "1", "--num-workers", "0", "-q", "-O", "noise=0.1"]
    assert main(["train", "toy", "--data", str(data), "--out", run, *encoder, *settings]) == 0
    told = found(["show", run, str(data), "-q"], capsys)
    assert told["parts"] == {"train": 12, "val": 12, "test": 12} and told["is_fine"]
    assert found(["show", run, "-q"], capsys)["parts"] == told["parts"]  # the data that it was trained on
    assert main(["show", run, str(data), "-O", "noise=0.1"]) == 2
    assert "a run has its own options" in capsys.readouterr().err


def test_options_of_the_data_are_those_of_the_dataset(data, encoder, capsys):
    assert main(["show", "toy", str(data), *encoder, "-D", "colour=red"]) == 2
    assert "colour" in capsys.readouterr().err


# files


def test_files_are_shown_by_what_was_read_and_as_the_encoder_gets_them(data, encoder, tmp_path, capsys):
    files = sorted(str(path) for path in (data / "train").rglob("*.npy"))
    out = tmp_path / "new" / "tokens.png"
    assert main(["show", "toy", *files, "--samples", "2", *encoder, "-O", "noise=0.1", "-o", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{files[0]} (") and lines.count("  encoder gets  3 tokens") == 2
    assert lines[1].split(maxsplit=1) == ["sample", "12 float32, 1, all of one value"]  # from 1 to 1
    assert any(set("▁█") <= set(line) for line in lines)  # a series of 12 steps as a sparkline
    with Image.open(out) as sheet:
        assert sheet.width == 2 * 64 + 2 * 8  # two pixels a number of width 64, and white around


def test_files_are_shown_without_writing_anything(data, encoder, capsys):
    file = str(data / "train" / "falling" / "3.npy")
    assert main(["show", "toy", file, "--encoder", encoder[1], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == [
        {
            "source": file,
            "row": 0,
            "facts": {"sample": "12 float32, 1 to 4", "encoder gets": "3 tokens"},
            "notices": [],
            "error": None,
        }
    ]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(data, encoder, tmp_path, capsys):
    (data / "broken.npy").write_bytes(b"no")
    files = [str(data / "broken.npy"), str(data / "train" / "rising" / "0.npy")]
    assert main(["show", "toy", *files, *encoder, "-o", str(tmp_path / "page.html")]) == 1
    out = capsys.readouterr().out
    assert "cannot be read:" in out and "12 float32" in out
    assert "cannot be read:" in (tmp_path / "page.html").read_text("utf-8")
    assert main(["show", "toy", files[0], *encoder]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toy", "x.npy", "-o", "x.jpg"], "ends in .html or .png"),
        (["toy"], "name the modality, and files or a folder"),
        (["toy", "x.npy", "--data", "."], "name the modality, and files or a folder"),
        (["toy", "x.npy", "--strict"], "--strict is of a folder"),
        (["toy", "--data", "nowhere"], "nowhere does not exist"),
        (["toy", "x.npy", "--view", "picture"], "this modality has one view"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments, message, capsys):
    assert main(["show", *arguments]) == 2
    assert message in capsys.readouterr().err
