"""The layouts that public scenes ship in, the division of their pixels, and the demonstration."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile

from mt_core.contract import Classification
from mt_core.errors import DatasetError, InputError, MissingSplitError, OptionError
from mt_plugin_hyperspectral.dataset import HyperspectralDataset
from mt_plugin_hyperspectral.tokenizer import HyperspectralTokenizer

HEIGHT, WIDTH, BANDS = 12, 10, 6
CUBE = np.arange(HEIGHT * WIDTH * BANDS, dtype=np.uint16).reshape(HEIGHT, WIDTH, BANDS)
TRUTH = np.random.default_rng(0).integers(0, 4, (HEIGHT, WIDTH)).astype(np.uint8)

FIXED_COUNTS = [50] * 13 + [15] * 3


def spectra(dataset: HyperspectralDataset) -> np.ndarray:
    read = HyperspectralTokenizer(8).read
    return np.array([read(dataset[index].sample).spectrum for index in range(len(dataset))])


def names(dataset: HyperspectralDataset) -> list[str]:
    return [dataset.task.classes[target] for target in dataset.targets()]


def pair(folder: Path, stem: str = "scene", truth: np.ndarray = TRUTH, truth_stem: str = "") -> Path:
    scipy.io.savemat(folder / f"{stem}.mat", {stem: CUBE})
    name = truth_stem or f"{stem}_gt"
    scipy.io.savemat(folder / f"{name}.mat", {name: truth})
    return folder


def pixel_table(folder: Path, *, mask: bool = True, test: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """As the fixed division of Indian Pines ships: 145 x 145 masks, 695 rows column by column."""
    draw = np.random.default_rng(1)
    labels = np.repeat(np.arange(1, 17), FIXED_COUNTS)
    image = np.zeros(145 * 145, np.uint8)
    image[draw.choice(145 * 145, 695, replace=False)] = draw.permutation(labels)
    image = image.reshape(145, 145)
    labels = image.T[image.T > 0]
    table = draw.uniform(size=(695, 200))
    scipy.io.savemat(folder / "Train_X.mat", {"Train_X": table})
    scipy.io.savemat(folder / "TrLabel.mat", {"TrLabel": labels[:, None]})
    if mask:
        tifffile.imwrite(folder / "IndianTR123_temp123.tif", image)
        tifffile.imwrite(folder / "IndianTE123_temp123.tif", np.where(image, 0, 3).astype(np.uint8))
    if test:
        scipy.io.savemat(folder / "Test_X.mat", {"Test_X": table[:20] + 1})
        scipy.io.savemat(folder / "TeLabel.mat", {"TeLabel": labels[:20, None]})
    return table, labels


# scene and ground truth


def test_scene_and_ground_truth_in_two_files(tmp_path: Path):
    dataset = HyperspectralDataset.open(pair(tmp_path), "all")
    is_labelled = TRUTH > 0
    assert np.array_equal(spectra(dataset), CUBE[is_labelled])
    assert names(dataset) == [str(label) for label in TRUTH[is_labelled]]
    assert dataset.task.classes == ("1", "2", "3")


@pytest.mark.parametrize("write_truth", ["mat", "npy", "tif", "new", "envi"])
@pytest.mark.parametrize("write_cube", ["new", "npy", "envi"])
def test_other_formats_of_scene_and_truth(tmp_path: Path, write_cube: str, write_truth: str):
    if write_cube == "new":
        with h5py.File(tmp_path / "scene.mat", "w", userblock_size=512) as file:
            file["scene"] = CUBE.T
    elif write_cube == "npy":
        np.save(tmp_path / "scene.npy", CUBE)
    else:
        CUBE.tofile(tmp_path / "scene.img")
        (tmp_path / "scene.hdr").write_text(
            f"ENVI\nlines = {HEIGHT}\nsamples = {WIDTH}\nbands = {BANDS}\ndata type = 12\nbyte order = 0\n"
            "interleave = bip\n"
        )
    if write_truth == "mat":
        scipy.io.savemat(tmp_path / "gt.mat", {"gt": TRUTH.astype(float)})
    elif write_truth == "npy":
        np.save(tmp_path / "gt.npy", TRUTH)
    elif write_truth == "envi":
        TRUTH.tofile(tmp_path / "gt")
        (tmp_path / "gt.hdr").write_text(
            f"ENVI\nlines = {HEIGHT}\nsamples = {WIDTH}\nbands = 1\ndata type = 1\ninterleave = bsq\n"
            "file type = ENVI Classification\n"
        )
    elif write_truth == "tif":
        tifffile.imwrite(tmp_path / "gt.tif", TRUTH)
    else:
        with h5py.File(tmp_path / "gt.mat", "w", userblock_size=512) as file:
            file["gt"] = TRUTH.T
    dataset = HyperspectralDataset.open(tmp_path, "all")
    assert np.array_equal(spectra(dataset), CUBE[TRUTH > 0])
    assert names(dataset) == [str(label) for label in TRUTH[TRUTH > 0]]


@pytest.mark.parametrize(
    ("stem", "truth_stem", "count", "first", "last"),
    [
        ("Indian_pines_corrected", "Indian_pines_gt", 16, "Alfalfa", "Stone-Steel-Towers"),
        ("PaviaU", "PaviaU_gt", 9, "Asphalt", "Shadows"),
        ("Salinas_corrected", "Salinas_gt", 16, "Brocoli_green_weeds_1", "Vinyard_vertical_trellis"),
    ],
)
def test_public_scenes_have_the_names_of_their_classes(
    tmp_path: Path, stem: str, truth_stem: str, count: int, first: str, last: str
):
    truth = (np.arange(HEIGHT * WIDTH) % (count + 1)).reshape(HEIGHT, WIDTH)
    pair(tmp_path, stem, truth, truth_stem)
    classes = HyperspectralDataset.open(tmp_path).task.classes
    assert len(classes) == count and (classes[0], classes[-1]) == (first, last)


def test_labels_with_gaps_keep_their_numbers_as_names(tmp_path: Path):
    truth = np.array([0, 1, 10, 14])[TRUTH]
    assert HyperspectralDataset.open(pair(tmp_path, "SalinasA", truth)).task.classes == ("1", "10", "14")


def test_several_scenes_need_one_to_be_named(tmp_path: Path):
    pair(tmp_path, "first")
    pair(tmp_path, "second")
    with pytest.raises(DatasetError, match=r"several scenes: first, second[\s\S]*scene=first"):
        HyperspectralDataset.open(tmp_path)
    by_name = HyperspectralDataset.open(tmp_path, "all", options=HyperspectralDataset.Options(scene="second"))
    by_file = HyperspectralDataset.open(tmp_path / "second.mat", "all")
    assert by_name[0].sample.path == by_file[0].sample.path == str(tmp_path / "second.mat")
    with pytest.raises(DatasetError, match=r"called third; its scenes: first\.mat"):
        HyperspectralDataset.open(tmp_path, options=HyperspectralDataset.Options(scene="third"))


def test_scene_without_ground_truth_is_told(tmp_path: Path):
    np.save(tmp_path / "scene.npy", CUBE)
    np.save(tmp_path / "other_gt.npy", TRUTH[:5])
    with pytest.raises(DatasetError, match=r"no ground truth; its scenes: scene\.npy \(12 x 10\)[\s\S]*scene_gt"):
        HyperspectralDataset.open(tmp_path)


@pytest.mark.parametrize("value", [-1, 0.5, np.nan, 1e9])
def test_ground_truth_of_other_than_class_numbers_is_refused(tmp_path: Path, value: float):
    truth = TRUTH.astype(float)
    truth[0, 0] = value
    with pytest.raises(DatasetError, match=r"scene_gt\.mat: scene_gt is not a ground truth"):
        HyperspectralDataset.open(pair(tmp_path, truth=truth))


def test_ground_truth_without_a_label_is_refused(tmp_path: Path):
    with pytest.raises(DatasetError, match="no label above 0"):
        HyperspectralDataset.open(pair(tmp_path, truth=TRUTH * 0))


def test_damaged_file_in_the_folder_is_told(tmp_path: Path):
    pair(tmp_path)
    (tmp_path / "scene_gt.mat").write_bytes(b"MATLAB 5.0".ljust(126) + b"IM" + b"nonsense" * 9)
    with pytest.raises(InputError, match=r"scene_gt\.mat"):
        HyperspectralDataset.open(tmp_path)


# one file


def test_anomalies_and_their_scene_in_one_file(tmp_path: Path):
    anomalies = (TRUTH == 1).astype(np.uint8)
    scipy.io.savemat(tmp_path / "abu-airport-2.mat", {"data": CUBE, "map": anomalies}, do_compression=True)
    for root in (tmp_path, tmp_path / "abu-airport-2.mat"):
        dataset = HyperspectralDataset.open(root, "all")
        assert dataset.task.classes == ("background", "anomaly")
        assert list(dataset.targets()) == anomalies.ravel().tolist()
        assert np.array_equal(spectra(dataset), CUBE.reshape(-1, BANDS))


def test_unmixing_scene_has_the_classes_of_its_dominant_materials(tmp_path: Path):
    side = WIDTH
    cube = CUBE[:side].astype(float)
    abundances = np.random.default_rng(2).dirichlet(np.ones(3), (side, side))
    columns = [(row, column) for column in range(side) for row in range(side)]
    scipy.io.savemat(
        tmp_path / "samson_dataset.mat",
        {
            "Y": np.stack([cube[place] for place in columns], axis=1),
            "A": np.stack([abundances[place] for place in columns], axis=1),
            "M": np.ones((BANDS, 3)),
        },
    )
    dataset = HyperspectralDataset.open(tmp_path, "all")
    assert dataset.task.classes == ("1", "2", "3")
    assert list(dataset.targets()) == abundances.argmax(-1).ravel().tolist()
    assert np.array_equal(spectra(dataset), cube.reshape(-1, BANDS))


# pixel table


def test_rows_of_a_pixel_table_follow_its_mask_column_by_column(tmp_path: Path):
    table, labels = pixel_table(tmp_path)
    dataset = HyperspectralDataset.open(tmp_path)
    assert np.array_equal(spectra(dataset), table.astype(np.float32))
    assert list(dataset.targets()) == (labels - 1).tolist()
    assert dataset.task.classes[0] == "Corn Notill" and dataset.task.classes[-1] == "Oats"
    (tmp_path / "TrLabel.mat").unlink()  # the mask has them too
    assert list(HyperspectralDataset.open(tmp_path).targets()) == (labels - 1).tolist()


def test_labels_that_are_not_those_of_the_mask_are_refused(tmp_path: Path):
    _, labels = pixel_table(tmp_path)
    scipy.io.savemat(tmp_path / "TrLabel.mat", {"TrLabel": np.sort(labels)[:, None]})
    with pytest.raises(DatasetError, match=r"TrLabel\.mat are not those of the mask"):
        HyperspectralDataset.open(tmp_path)
    scipy.io.savemat(tmp_path / "TrLabel.mat", {"TrLabel": labels[:9, None]})
    with pytest.raises(DatasetError, match="695 spectra and 9 labels"):
        HyperspectralDataset.open(tmp_path)


def test_test_spectra_that_are_not_there_are_told_with_the_way_out(tmp_path: Path):
    pixel_table(tmp_path)
    with pytest.raises(MissingSplitError, match=r"Test_X\.mat[\s\S]*folds=5 fold=1"):
        HyperspectralDataset.open(tmp_path, "test")
    assert len(HyperspectralDataset.open(tmp_path, "all")) == 695


def test_test_spectra_are_read_where_they_are(tmp_path: Path):
    table, labels = pixel_table(tmp_path, test=True)
    dataset = HyperspectralDataset.open(tmp_path, "test")
    assert np.array_equal(spectra(dataset), (table[:20] + 1).astype(np.float32))
    assert list(dataset.targets()) == (labels[:20] - 1).tolist()
    assert len(HyperspectralDataset.open(tmp_path, "all")) == 715


def test_tables_that_are_empty_or_of_other_bands_are_refused(tmp_path: Path):
    table, _ = pixel_table(tmp_path, test=True)
    scipy.io.savemat(tmp_path / "Test_X.mat", {"Test_X": table[:20, 1:]})
    with pytest.raises(DatasetError, match="other numbers of bands"):
        HyperspectralDataset.open(tmp_path, "all")
    scipy.io.savemat(tmp_path / "Train_X.mat", {"Train_X": table[:0]})
    with pytest.raises(InputError, match=r"Train_X\.mat: Train_X is empty"):
        HyperspectralDataset.open(tmp_path)


def test_folds_of_a_pixel_table_hold_each_pixel_once(tmp_path: Path):
    table, labels = pixel_table(tmp_path, mask=False)
    tests = [
        HyperspectralDataset.open(tmp_path, "test", options=HyperspectralDataset.Options(folds=5, fold=fold))
        for fold in range(1, 6)
    ]
    assert sorted(np.concatenate([spectra(dataset)[:, 0] for dataset in tests])) == sorted(
        table[:, 0].astype(np.float32)
    )
    for fold, test in enumerate(tests, start=1):
        train = HyperspectralDataset.open(tmp_path, "train", options=HyperspectralDataset.Options(folds=5, fold=fold))
        assert len(test) == 139 and len(train) == 556
        assert not set(spectra(test)[:, 0]) & set(spectra(train)[:, 0])
        expected = dict(enumerate(count // 5 for count in FIXED_COUNTS))
        assert Counter(test.targets()) == expected
    assert len(set(labels)) == 16


# division


Options = HyperspectralDataset.Options

LABELS = [0] * 100 + [1] * 30 + [2] * 2


def test_train_fraction_holds_in_each_class():
    train = Options(train_fraction=0.1).pixels_of("train", LABELS, Path())
    assert Counter(LABELS[index] for index in train) == {0: 10, 1: 3, 2: 1}


@pytest.mark.parametrize("options", [{}, {"train_fraction": 0.5}, {"folds": 3, "fold": 2}])
def test_train_and_test_are_disjoint_and_all_there_is(options: dict[str, Any]):
    train, test, both = (Options(**options).pixels_of(split, LABELS, Path()) for split in ("train", "test", "all"))
    assert sorted([*train, *test]) == list(both) == list(range(len(LABELS)))


def test_folds_are_of_equal_size():
    sizes = [len(Options(folds=3, fold=fold).pixels_of("test", [0, 1, 2, 3] * 4, Path())) for fold in (1, 2, 3)]
    assert sorted(sizes) == [5, 5, 6]


def test_division_depends_on_its_seed_alone():
    first, again, other = (Options(seed=seed).pixels_of("train", LABELS, Path()).tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_scene_has_no_val_split(tmp_path: Path):
    with pytest.raises(MissingSplitError, match="no 'val' split; it has train, test"):
        HyperspectralDataset.open(pair(tmp_path), "val")


@pytest.mark.parametrize(
    "options",
    [{"train_fraction": 0}, {"train_fraction": 1.5}, {"folds": 1}, {"folds": 5, "fold": 6}, {"fold": 0, "folds": 2},
     {"seed": -1}, {"colour": 1}],
)  # fmt: skip
def test_bad_data_option_is_refused(tmp_path: Path, options: dict[str, Any]):
    with pytest.raises(OptionError, match=next(iter(options))):
        HyperspectralDataset.open(pair(tmp_path), options=HyperspectralDataset.Options(**options))


# in general


def test_no_known_layout_says_what_was_looked_for(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("a")
    with pytest.raises(DatasetError) as caught:
        HyperspectralDataset.open(tmp_path)
    assert all(layout in caught.value.fix for layout in HyperspectralDataset.layouts.values())
    with pytest.raises(DatasetError, match="is not a scene"):
        HyperspectralDataset.open(tmp_path / "notes.txt")


def test_classes_of_an_earlier_task_keep_their_indices(tmp_path: Path):
    task = Classification(classes=("3", "2", "1", "0"))
    dataset = HyperspectralDataset.open(pair(tmp_path), "all", task=task)
    assert names(dataset) == [str(label) for label in TRUTH[TRUTH > 0]]


def test_dataset_survives_pickling_and_holds_no_spectra():
    dataset = HyperspectralDataset.demo(size=1000)
    packed = pickle.dumps(dataset)
    assert len(packed) < spectra(dataset).nbytes / 10
    assert np.array_equal(spectra(pickle.loads(packed)), spectra(dataset))


# demonstration


def test_demonstration_is_the_same_for_the_same_seed_and_says_that_it_is_synthetic():
    first, again, other = (HyperspectralDataset.demo(size=20, seed=seed) for seed in (3, 3, 4))
    assert len(first) == 20 and "(synthetic)" in first.source
    assert np.array_equal(spectra(first), spectra(again)) and list(first.targets()) == list(again.targets())
    assert not np.array_equal(spectra(first), spectra(other))


def test_splits_of_the_demonstration_share_no_pixel():
    splits = [HyperspectralDataset.demo(split, size=400) for split in ("train", "val", "test")]
    assert len({dataset.task for dataset in splits}) == 1
    rows = np.concatenate([spectra(dataset) for dataset in splits])
    assert len(np.unique(rows, axis=0)) == len(rows) == 1200
    assert all(len(Counter(dataset.targets())) == len(dataset.task.classes) == 6 for dataset in splits)


def test_demonstration_has_few_tokens_at_known_wavelengths():
    dataset = HyperspectralDataset.demo(size=20)
    tokenizer = HyperspectralTokenizer(8, HyperspectralTokenizer.Options.parse(dataset.demo_options))  # type: ignore[arg-type]
    tokenizer.calibrate(dataset[index] for index in range(20))
    tokens = tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(dataset[0].sample))]))
    assert tokens.values.shape[1] <= 12
    assert 400 < tokens.coords[0, 0, 0] < tokens.coords[0, -1, 0] < 2450


def test_unknown_split_of_the_demonstration_is_refused():
    with pytest.raises(OptionError, match="dev"):
        HyperspectralDataset.demo("dev")


# real data

needs_data = pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data")


@needs_data
def test_indian_pines_pixels():
    dataset = HyperspectralDataset.open(Path(os.environ["MT_DATA"]) / "hyperspectral" / "IndianPines_pixels")
    assert [Counter(dataset.targets())[index] for index in range(16)] == FIXED_COUNTS
    assert spectra(dataset).shape == (695, 200)


@needs_data
def test_samson():
    dataset = HyperspectralDataset.open(Path(os.environ["MT_DATA"]) / "hyperspectral" / "Samson", "all")
    assert [Counter(dataset.targets())[index] for index in range(3)] == [3015, 3666, 2344]
    # neighbours in a scene are alike, which they are not if rows and columns are confused
    lattice = np.array(dataset.targets()).reshape(95, 95)
    assert (lattice[1:] == lattice[:-1]).mean() > 0.9 and (lattice[:, 1:] == lattice[:, :-1]).mean() > 0.9


@needs_data
@pytest.mark.parametrize(("number", "bands", "anomalies"), [(2, 205, 87), (4, 191, 60)])
def test_abu_scenes(number: int, bands: int, anomalies: int):
    root = Path(os.environ["MT_DATA"]) / "hyperspectral" / "ABU"
    dataset = HyperspectralDataset.open(
        root, "all", options=HyperspectralDataset.Options(scene=f"abu-airport-{number}")
    )
    assert Counter(dataset.targets()) == {0: 10_000 - anomalies, 1: anomalies}
    assert HyperspectralTokenizer(8).read(dataset[0].sample).spectrum.shape == (bands,)
