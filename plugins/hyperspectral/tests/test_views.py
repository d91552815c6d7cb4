"""The map of a scene: every pixel at its place, in the colour of its class, with a legend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mt_core.contract import Classification, Regression
from mt_core.errors import InputError, RunError
from mt_plugin_hyperspectral.views import drawn, write

TASK = Classification(classes=("water", "grass", "roof"))
EXPECTED = np.array([[0, 1, 2, 1], [2, 2, 0, 1]])


def predicted(indices: np.ndarray = EXPECTED) -> list[dict[str, Any]]:
    return [{"prediction": TASK.classes[index], "probability": 0.9} for index in indices.ravel()]


def scene(folder: Path, cube: np.ndarray | None = None) -> Path:
    np.save(folder / "scene.npy", np.ones((2, 4, 5)) if cube is None else cube)
    return folder / "scene.npy"


def test_map_holds_the_class_of_every_pixel_at_its_place(tmp_path: Path):
    picture, array = write(scene(tmp_path), predicted(), TASK, tmp_path)
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
    picture, array = write(scene(tmp_path, cube), predicted(), TASK, tmp_path)
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
