"""Frames of videos and their masks, a folder a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mt_core.contract import Segmentation
from mt_core.errors import DataWarning, MissingSplitError
from mt_core.sdk import Listing, MaskOptions, find_masks

SUFFIXES = (".png", ".jpg")


def frame(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (3, 2), (90, 90, 90)).save(path)


def mask(path: Path, rows: list[list[int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(rows, np.uint8)).save(path)


def davis(root: Path, rows: list[list[int]], lists: dict[str, str]) -> None:
    """Two frames of bear, bus and cow in two resolutions, all with the same mask."""
    for size in ("480p", "Full-Resolution"):
        for name in ("bear/00000", "bear/00001", "bus/00000", "bus/00001", "cow/00000", "cow/00001"):
            frame(root / f"JPEGImages/{size}/{name}.jpg")
            mask(root / f"Annotations/{size}/{name}.png", rows)
    for path, text in lists.items():
        (root / "ImageSets" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "ImageSets" / path).write_text(text)


def found(root: Path, split: str = "train", **options: object) -> Listing:
    listing = find_masks(root, split, SUFFIXES, MaskOptions(**options))
    assert listing is not None and listing.layout == "clips"
    return listing


def test_numbers_of_objects_become_one_class_and_lists_name_clips(tmp_path):
    lists = {"2016/train.txt": "cow\n", "2017/train.txt": "bear\nbus\n", "2017/val.txt": "cow\n"}
    davis(tmp_path, [[0, 1, 2], [255, 0, 7]], lists)
    with pytest.warns(DataWarning, match="taken for objects, all of the class object"):
        listing = found(tmp_path)
    assert listing.task == Segmentation(classes=("background", "object"), of="pixels", numbers=(0, 1), void=(255,))
    assert np.asarray(listing.labels[0]).tolist() == [[0, 1, 1], [-1, 0, 1]]
    assert listing.groups == ["bear", "bear", "bus", "bus"]
    assert [Path(each).parent.parent.name for each in listing.samples] == ["480p"] * 4
    (tmp_path / "Annotations" / ".DS_Store").write_text("")
    with pytest.warns(DataWarning, match="taken for objects"):
        assert found(tmp_path, "val").groups == ["cow", "cow"]
    with pytest.warns(DataWarning, match="taken for objects"), pytest.raises(MissingSplitError):
        found(tmp_path, "test")


def test_lists_of_frames_are_lists_of_their_clips_and_foreground_stays_what_it_is(tmp_path):
    line = "/JPEGImages/480p/bus/00000.jpg /Annotations/480p/bus/00000.png\n"
    davis(tmp_path, [[0, 255, 0], [0, 0, 255]], {"480p/train.txt": line})
    listing = found(tmp_path)
    assert listing.groups == ["bus", "bus"]
    assert listing.task.classes == ("background", "foreground")


def test_numbers_that_are_named_are_classes(tmp_path):
    davis(tmp_path, [[0, 1, 2], [2, 1, 0]], {})
    listing = found(tmp_path, classes=("road", "car", "sky"))
    assert listing.task.classes == ("road", "car", "sky") and len(listing.samples) == 6
    assert np.asarray(listing.labels[0]).tolist() == [[0, 1, 2], [2, 1, 0]]


def test_frames_without_a_mask_are_left_out_of_splits_in_folders(tmp_path):
    for split, clip in (("train", "a1"), ("valid", "b2")):
        for number in ("00000", "00005"):
            frame(tmp_path / split / "JPEGImages" / clip / f"{number}.jpg")
        mask(tmp_path / split / "Annotations" / clip / "00000.png", [[0, 3, 3], [0, 0, 4]])
    with pytest.warns(DataWarning, match="which have no mask"), pytest.warns(DataWarning, match="taken for objects"):
        listing = found(tmp_path, "val")
    assert [Path(each).name for each in listing.samples] == ["00000.jpg"] and listing.groups == ["b2"]
    assert listing.task.classes == ("background", "object")


def test_classes_of_vspw_lie_in_the_folders_of_its_clips(tmp_path):
    for clip in ("10_a", "20_b"):
        frame(tmp_path / f"data/{clip}/origin/00000.jpg")
        mask(tmp_path / f"data/{clip}/mask/00000.png", [[0, 7, 9], [255, 9, 9]])
    (tmp_path / "train.txt").write_text("10_a\n")
    (tmp_path / "val.txt").write_text("20_b\n")
    listing = found(tmp_path)
    assert listing.groups == ["10_a"] and listing.task.numbers == (7, 9)
    assert np.asarray(listing.labels[0]).tolist() == [[-1, 0, 1], [-1, 1, 1]]


def test_pictures_beside_masks_in_no_folders_are_no_clips(tmp_path):
    frame(tmp_path / "JPEGImages/a.jpg")
    mask(tmp_path / "Annotations/a.png", [[0, 1, 1], [0, 0, 1]])
    listing = find_masks(tmp_path, "train", SUFFIXES, MaskOptions())
    assert listing is not None and listing.layout == "masks" and listing.groups is None
