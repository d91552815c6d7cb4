"""Pixels that belong together: squares of a scene, fields that an array numbers, whole scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from mt_core.data.training_data import open_training_data
from mt_core.errors import DatasetError, DataWarning, MissingSplitError, OptionError
from mt_plugin_hyperspectral.dataset import HyperspectralDataset
from mt_plugin_hyperspectral.tokenizer import HyperspectralTokenizer

foreign = pytest.mark.foreign_file
HEIGHT, WIDTH, BANDS = 14, 10, 6
CUBE = np.arange(HEIGHT * WIDTH * BANDS, dtype=np.uint16).reshape(HEIGHT, WIDTH, BANDS)
TRUTH = np.random.default_rng(0).integers(0, 4, (HEIGHT, WIDTH)).astype(np.uint8)
FIELDS = np.repeat(np.arange(1, 8), 2)[:, None] * np.ones(WIDTH, int)
"""Two rows each: 1 to 7."""


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    scipy.io.savemat(tmp_path / "scene.mat", {"scene": CUBE})
    scipy.io.savemat(tmp_path / "scene_gt.mat", {"scene_gt": TRUTH})
    return tmp_path


def opened(root: Path, split: str = "train", **options: Any) -> HyperspectralDataset:
    return HyperspectralDataset.open(root, split, options=HyperspectralDataset.Options(**options))


def places_of(dataset: HyperspectralDataset) -> list[tuple[int, int]]:
    return [(dataset[at].sample.row, dataset[at].sample.column) for at in range(len(dataset))]


def test_over_all_folds_each_labelled_pixel_is_tested_once_and_no_square_is_on_both_sides(scene: Path):
    tested = []
    for fold in (1, 2, 3):
        train, test = (opened(scene, split, group="block4", folds=3, fold=fold) for split in ("train", "test"))
        squares = [{(row // 4, column // 4) for row, column in places_of(part)} for part in (train, test)]
        assert not squares[0] & squares[1]
        assert not {*(train.groups() or ())} & {*(test.groups() or ())}
        tested += places_of(test)
    assert sorted(tested) == [(row, column) for row, column in np.argwhere(TRUTH > 0).tolist()]


def test_a_square_is_called_by_its_first_pixel(scene: Path):
    test = opened(scene, "test", group="block4", test_group="4-8,12-0")
    expected = [(row, column) for row, column in np.argwhere(TRUTH > 0).tolist()
                if (row in range(4, 8) and column >= 8) or (row >= 12 and column < 4)]  # fmt: skip
    assert places_of(test) == expected and {*(test.groups() or ())} == {"4-8", "12-0"}


@foreign("a raster of fields beside the ground truth", "field campaigns", "read, with group: never on both sides")
@pytest.mark.parametrize("write", ["npy", "mat", "same file"])
def test_numbers_of_an_array_are_groups(scene: Path, write: str):
    if write == "npy":
        np.save(scene / "fields.npy", FIELDS)
    elif write == "mat":
        scipy.io.savemat(scene / "fields.mat", {"anything": FIELDS})
    else:
        scipy.io.savemat(scene / "scene.mat", {"scene": CUBE, "fields": FIELDS})
    test = opened(scene, "test", group="fields", test_group="2,7")
    assert places_of(test) == [
        place for place in map(tuple, np.argwhere(TRUTH > 0).tolist()) if place[0] in (2, 3, 12, 13)
    ]
    train = opened(scene, "train", group="fields", test_group="2,7")
    assert {*(train.groups() or ())} == {"1", "3", "4", "5", "6"}


def test_pixels_of_no_field_are_one_each_and_told(scene: Path):
    np.save(scene / "fields.npy", np.where(FIELDS == 3, 0, FIELDS))
    lacking = int((TRUTH[4:6] > 0).sum())
    with pytest.warns(DataWarning, match=f"{lacking} of {(TRUTH > 0).sum()} samples have no group"):
        assert (opened(scene, group="fields").groups() or []).count(None) == lacking


@foreign("several scenes in a folder", "ABU and other collections", "read, with group=scene: each a group")
def test_scenes_of_a_folder_are_groups(tmp_path: Path):
    for number, name in enumerate(("lake", "town", "wood")):
        scipy.io.savemat(tmp_path / f"{name}.mat", {"data": CUBE + 1000 * number, "map": (TRUTH > 2).astype(np.uint8)})
    train, test = (opened(tmp_path, split, group="scene", test_group="town") for split in ("train", "test"))
    assert {*(train.groups() or ())} == {"lake", "wood"} and len(train) == 2 * HEIGHT * WIDTH
    read = HyperspectralTokenizer(8).read
    spectra = np.array([read(test[at].sample).spectrum for at in range(len(test))])
    assert np.array_equal(spectra, CUBE.reshape(-1, BANDS) + 1000)
    assert list(test.targets()) == (TRUTH > 2).astype(int).ravel().tolist()
    assert [sample.path for sample in train.samples[-2:]] == [str(tmp_path / "wood.mat")] * 2
    with pytest.raises(DatasetError, match=r"several scenes: lake, town, wood[\s\S]*group=scene"):
        opened(tmp_path)
    scipy.io.savemat(tmp_path / "hill.mat", {"data": CUBE[..., :5], "map": (TRUTH > 2).astype(np.uint8)})
    with pytest.raises(DatasetError, match=r"different numbers of bands: hill\.mat 5, lake\.mat 6"):
        opened(tmp_path, group="scene")


def test_what_is_held_out_is_whole_groups(scene: Path):
    options = HyperspectralDataset.Options(group="block4")
    parts = open_training_data(HyperspectralDataset, scene, options, val_fraction=0.2, test_fraction=0.2, seed=0)
    assert parts.test is not None
    groups = [{*(part.groups() or ())} for part in (parts.train, parts.val, parts.test)]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 4 * 3
    with pytest.raises(MissingSplitError):
        opened(scene, "test", group="block4")


@pytest.mark.parametrize("names", [("X.npy", "y.npy", "plot.npy"), ("X_train.npy", "y_train.npy", "plot_train.npy")])
def test_spectra_have_a_number_each(tmp_path: Path, names: tuple[str, str, str]):
    draw = np.random.default_rng(1)
    spectra, labels, plots = draw.normal(size=(40, 7)), draw.integers(0, 3, 40), draw.integers(0, 5, 40)
    for name, array in zip(names, (spectra, labels, plots), strict=True):
        np.save(tmp_path / name, array)
    for fold in (1, 2):
        parts = [opened(tmp_path, split, group="plot", folds=2, fold=fold) for split in ("train", "test")]
        assert not {*(parts[0].groups() or ())} & {*(parts[1].groups() or ())} and sum(map(len, parts)) == 40
        plot_of = {tuple(row): str(plot) for row, plot in zip(spectra.astype(np.float32).tolist(), plots, strict=True)}
        for part in parts:
            assert [plot_of[tuple(sample.tolist())] for sample in part.samples] == list(part.groups() or ())
    np.save(tmp_path / names[2], plots[:30])
    with pytest.raises(OptionError, match="no array called plot with a number for each of 40 spectra"):
        opened(tmp_path, group="plot")
    with pytest.raises(OptionError, match="no array called field with a number for each of its spectra"):
        opened(tmp_path, group="field")


@foreign("plots in both X_train and X_test", "random splits of spectra", "read, told, with group")
def test_groups_of_both_tables_are_told(tmp_path: Path):
    for part, plots in {"train": [1, 1, 2, 2, 3, 3], "test": [3, 3, 4, 4]}.items():
        np.save(tmp_path / f"X_{part}.npy", np.random.default_rng(2).normal(size=(len(plots), 5)))
        np.save(tmp_path / f"y_{part}.npy", np.arange(len(plots)) % 2)
        np.save(tmp_path / f"plot_{part}.npy", np.array(plots))
    options = HyperspectralDataset.Options(group="plot")
    with pytest.warns(DataWarning, match="1 of 2 groups of test are in train too, as parts of both: 3"):
        open_training_data(HyperspectralDataset, tmp_path, options, val_fraction=0.3, test_fraction=0.3, seed=0)
    assert {*(opened(tmp_path, "test", group="plot", test_group="3").groups() or ())} == {"3"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": "block"}, r"how large the squares are[\s\S]*block16"),
        ({"group": "fields"}, r"no array of 14 x 10 numbers; there is none called so[\s\S]*fields\.npy"),
        ({"group": "scene.mat"}, r"no array of 14 x 10 numbers"),
        ({"group": "small"}, r"no array of 14 x 10 numbers; it is small\.npy \(7, 10\)"),
        ({"group": "block4", "test_group": "1-1"}, r"no group '1-1'[\s\S]*0-0, 0-4"),
        ({"group": "block7", "folds": 5}, "4 groups are too few for 5 folds"),
    ],
)
def test_groups_that_there_are_not_are_refused(scene: Path, options: dict[str, Any], said: str):
    np.save(scene / "small.npy", FIELDS[::2])
    with pytest.raises(OptionError, match=said):
        opened(scene, **options)


def test_a_fixed_table_of_pixels_tells_no_groups(tmp_path: Path):
    scipy.io.savemat(tmp_path / "Train_X.mat", {"Train_X": np.random.default_rng(3).normal(size=(12, 5))})
    scipy.io.savemat(tmp_path / "TrLabel.mat", {"TrLabel": np.arange(12)[:, None] % 3 + 1})
    with pytest.raises(OptionError, match=r"\(pixel table\) have no group=block4[\s\S]*leave the option group out"):
        opened(tmp_path, group="block4")
