"""The map of a scene: every pixel at its place, in the colour of its class, with a legend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from mt_core.contract import Classification, Regression
from mt_core.errors import InputError, RunError
from mt_plugin_hyperspectral.layouts.names import numbers_of_classes
from mt_plugin_hyperspectral.views import _numbered, drawn, write

TASK = Classification(classes=("water", "grass", "roof"))
EXPECTED = np.array([[0, 1, 2, 1], [2, 2, 0, 1]])


def predicted(indices: np.ndarray = EXPECTED) -> list[dict[str, Any]]:
    return [{"prediction": TASK.classes[index], "probability": 0.9} for index in indices.ravel()]


def scene(folder: Path, cube: np.ndarray | None = None) -> Path:
    np.save(folder / "scene.npy", np.ones((2, 4, 5)) if cube is None else cube)
    return folder / "scene.npy"


def test_map_holds_the_class_of_every_pixel_at_its_place(tmp_path: Path):
    picture, array, *_ = write(scene(tmp_path), predicted(), TASK, tmp_path)
    assert (picture.name, array.name) == ("scene_map.png", "scene_map.npy")
    indices = np.load(array)
    assert indices.dtype == np.int16 and np.array_equal(indices, EXPECTED)


def test_each_class_has_a_colour_of_its_own_in_map_and_legend():
    seen = np.asarray(drawn(EXPECTED.astype(np.int16), TASK.classes))
    scale = 480 // 4
    colours = seen[12 + scale // 2 :: scale, 12 + scale // 2 :: scale][:2, :4].reshape(-1, 3)
    of_class = {index: {tuple(colour) for colour in colours[EXPECTED.ravel() == index]} for index in range(3)}
    assert all(len(each) == 1 for each in of_class.values()) and len(set.union(*of_class.values())) == 3
    legend = seen[:, 12 + 4 * scale :].reshape(-1, 3)
    for each in of_class.values():
        assert (legend == each.pop()).all(-1).sum() > 100


def test_twenty_classes_have_twenty_colours():
    seen = np.asarray(drawn(np.arange(20, dtype=np.int16).reshape(4, 5), tuple(map(str, range(20)))))
    scale = 480 // 5
    colours = seen[12 + scale // 2 :: scale, 12 + scale // 2 :: scale][:4, :5].reshape(-1, 3)
    assert len({tuple(colour) for colour in colours}) == 20


def test_pixel_without_data_is_white_and_marked(tmp_path: Path):
    cube = np.ones((2, 4, 5))
    cube[1, 3] = np.nan
    picture, array, *_ = write(scene(tmp_path, cube), predicted(), TASK, tmp_path)
    assert np.load(array)[1, 3] == -1 and (np.load(array) >= 0).sum() == 7
    with Image.open(picture) as seen:
        assert seen.convert("RGB").getpixel((12 + 3 * 120 + 60, 12 + 120 + 60)) == (255, 255, 255)


def test_scene_larger_than_the_picture_keeps_a_dot_a_pixel():
    indices = np.zeros((700, 600), np.int16)
    picture = drawn(indices, TASK.classes)
    assert picture.height == 700 + 24 and picture.width > 600


def test_predictions_for_a_part_of_the_scene_give_no_map(tmp_path: Path):
    with pytest.raises(InputError, match=r"scene\.npy has 2 x 4 pixels and 7 predictions"):
        write(scene(tmp_path), predicted()[:-1], TASK, tmp_path)
    assert not list(tmp_path.glob("*.png"))


def test_folder_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(RunError, match="cannot be written"):
        write(scene(tmp_path), predicted(), TASK, tmp_path / "nowhere")


def test_task_without_classes_has_no_map(tmp_path: Path):
    assert write(scene(tmp_path), [{"prediction": 1.0}], Regression(names=("depth",)), tmp_path) == []


def test_mask_holds_the_numbers_of_the_ground_truth_and_0_where_there_are_no_data(tmp_path: Path):
    cube = np.ones((2, 4, 5))
    cube[1, 3] = np.nan
    pines = Classification(classes=("Corn", "Oats", "Woods"))
    records = [{"prediction": pines.classes[index]} for index in EXPECTED.ravel()]
    written = write(scene(tmp_path, cube), records, pines, tmp_path)
    assert [path.name for path in written[2:]] == ["scene_mask.png", "scene_overlay.png"]
    with Image.open(written[2]) as seen:  # 4 Corn, 9 Oats and 14 Woods, as Indian Pines counts them
        assert seen.mode == "P"
        assert np.asarray(seen).tolist() == [[4, 9, 14, 9], [14, 14, 4, 0]]


@pytest.mark.parametrize(
    ("classes", "numbers", "empty"),
    [
        (("2", "3", "10"), (2, 3, 10), 0),
        (("background", "anomaly"), (0, 1), 255),
        (("0", "255"), (0, 255), 256),
        (("rock", "sand"), (1, 2), 0),
    ],
)
def test_a_class_has_the_number_that_it_has_in_the_ground_truth(classes, numbers, empty):
    task = _numbered(Classification(classes=classes))
    assert task.numbers == (*numbers, empty) and task.classes[-1] == "no data"


def test_map_of_a_geotiff_lies_where_the_scene_lies(tmp_path: Path):
    place = [(33550, "d", 3, (10.0, 10.0, 0.0), True), (33922, "d", 6, (0.0, 0.0, 0.0, 500.0, 700.0, 0.0), True)]
    path = tmp_path / "scene.tif"
    tifffile.imwrite(
        path, np.ones((2, 4, 5), np.uint16), photometric="minisblack", planarconfig="contig", extratags=place
    )
    *_, mask = write(path, predicted(), TASK, tmp_path)
    with tifffile.TiffFile(mask) as file:
        tags = file.pages[0].tags
        assert tags[33922].value == (0.0, 0.0, 0.0, 500.0, 700.0, 0.0)
        assert (file.asarray() == EXPECTED + 1).all()


def test_scene_under_its_classes_is_as_bright_as_its_pixels(tmp_path: Path):
    cube = np.zeros((2, 4, 5))
    cube[:, 2:] = 100.0
    one = np.zeros((2, 4), int)
    write(scene(tmp_path, cube), predicted(one), TASK, tmp_path)
    with Image.open(tmp_path / "scene_overlay.png") as seen:
        levels = np.asarray(seen.convert("L")).astype(int)
    assert len(set(levels[:, :2].ravel())) == len(set(levels[:, 2:].ravel())) == 1
    assert levels[0, 2] - levels[0, 0] > 80


@pytest.mark.parametrize(
    ("classes", "numbers"),
    [(("3", "7"), (3, 7)), (("70000", "2"), (1, 2)), (("1", "01"), (1, 2)), (("oak", "fir"), (1, 2))],
)
def test_the_numbers_of_a_mask_are_those_that_classes_are_called_by_where_a_mask_can_hold_them(classes, numbers):
    assert numbers_of_classes(classes) == numbers
