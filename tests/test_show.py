"""`mt show` of every modality, and of pictures, tables and items with faults that were planted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mt_core as mt
from mt_core.cli import main
from mt_core.data.subsets import Subset
from mt_core.inspection.data_check import check_parts
from mt_core.inspection.looking import look_at
from mt_core.inspection.sample_lines import sample_lines
from mt_core.plugins import get
from mt_core.plugins.official import OFFICIAL

SMALL = "random/test_vit"


@pytest.mark.parametrize("modality", OFFICIAL)
def test_copies_in_two_parts_and_what_samples_hold_are_found_in_every_modality(modality):
    dataset = get(modality).dataset
    train = dataset.demo("train", size=8)
    model = mt.load(modality, encoder=SMALL, purpose="train", **dataset.demo_options)
    check = check_parts(model, {"train": train, "test": Subset(train, [1, 3], "copies")}, num_workers=0)
    leaks = [each for each in check.leaks if len(each.members) == 2]
    assert {check.member(number).part for each in leaks for number in each.members} == {"train", "test"}
    assert [each.members for each in leaks] == [(1, 8), (3, 9)]
    assert check.num_read == 10 and not check.unreadable and not check.conflicts
    assert check.ranges and all(str(each) for each in check.ranges.values())


@pytest.mark.parametrize("modality", OFFICIAL)
def test_a_sample_of_every_modality_is_shown_in_characters(modality):
    dataset = get(modality).dataset
    model = mt.load(modality, encoder=SMALL, **dataset.demo_options)
    looked = look_at(model, [dataset.demo("train", size=2)[0].sample], 1)
    lines = sample_lines(looked[0], 80)
    assert looked[0].error is None and any("encoder gets" in line for line in lines)
    assert len(lines) > 2 and all(len(line) < 200 for line in lines)


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 16, 3), np.uint8))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number, place in enumerate(f"{split}/{name}" for split in ("train", "test") for name in ("cat", "dog")):
        (tmp_path / place).mkdir(parents=True)
        for each in range(4):
            picture(10 * number + each).save(tmp_path / place / f"{each}.png")
    return tmp_path


def shown(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> dict:
    capsys.readouterr()
    assert main(["show", *arguments, "--encoder", SMALL, "--json", "-q"]) == 0
    return json.loads(capsys.readouterr().out)


def pairs(told: dict, what: str) -> list[set[str]]:
    return [
        {"/".join(Path(each["name"]).parts[-3:]) for each in copies["members"]}
        for copies in told["copies"]
        if copies[what]
    ]


def test_the_same_picture_as_png_and_bmp_in_two_parts_is_a_leak(photos, capsys):
    picture(0).save(photos / "test" / "cat" / "again.bmp")
    told = shown(["image", str(photos)], capsys)
    assert pairs(told, "is_leak") == [{"train/cat/0.png", "test/cat/again.bmp"}] and not pairs(told, "is_conflict")


def test_a_picture_that_was_compressed_again_is_no_copy(photos, capsys):
    picture(0).save(photos / "test" / "cat" / "again.jpg")
    assert shown(["image", str(photos)], capsys)["counts"]["leaks"] == 0


def test_one_picture_with_two_labels_is_a_conflict_and_half_a_file_cannot_be_read(photos, capsys):
    picture(0).save(photos / "train" / "dog" / "wrong.bmp")
    half = (photos / "train" / "cat" / "1.png").read_bytes()[:300]
    (photos / "train" / "cat" / "half.png").write_bytes(half)
    told = shown(["image", str(photos)], capsys)
    assert {"train/cat/0.png", "train/dog/wrong.bmp"} in pairs(told, "is_conflict")
    assert [Path(each["source"]).name for each in told["unreadable"]] == ["half.png"]


def test_a_row_of_a_table_that_was_copied_is_found_and_one_with_two_answers(tmp_path, capsys):
    rows = [f"{number},{number * 7 % 13},{'yes' if number % 2 else 'no'}" for number in range(40)]
    rows += [rows[3], rows[4].replace("no", "yes")]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,label", *rows]))
    told = shown(["tabular", "--data", str(tmp_path / "table.csv"), "-D", "target=label"], capsys)
    assert told["counts"]["duplicates"] == 2 and told["counts"]["conflicts"] == 1
    assert told["samples"]["a"] == "numbers from 0 to 39"
    assert {each["text"] for each in told["copies"][0]["members"]} <= {"a: 3, b: 8", "a: 4, b: 2"}


def test_items_of_several_inputs_are_looked_at_without_a_modality(photos, capsys):
    rows = [f"train/{name}/{each}.png,a {name} no {each},{name}" for name in ("cat", "dog") for each in range(4)]
    rows.append(rows[0])
    table = photos / "items.csv"
    table.write_text("\n".join(["photo,text,label", *rows]))
    told = shown(["--data", str(table)], capsys)
    assert told["modality"] == "fused" and told["counts"]["duplicates"] == 1 and told["read"] == 9


def test_a_table_without_a_target_is_refused_as_by_a_training(tmp_path, capsys):
    (tmp_path / "items.csv").write_text("photo,words\na.png,one\nb.png,two\n")
    assert main(["show", "--data", str(tmp_path / "items.csv"), "--encoder", SMALL, "-q"]) == 2
    assert "has no column called target or label" in capsys.readouterr().err
