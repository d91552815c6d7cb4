"""The folders that public data sets of radiographs ship in, and what is said where a folder is none of them."""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from mt_core.contract import Classification, Multilabel, Regression
from mt_core.errors import DatasetError, DataWarning, InputError, MissingSplitError, MtError, OptionError
from mt_plugin_xray.dataset import XrayDataset
from mt_plugin_xray.tokenizer import XrayTokenizer


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 6), 99).save(path)


def listed(dataset: XrayDataset, root: Path) -> dict[str, Any]:
    """The name of the class, or the names of the labels that a film has, by its path below the root."""
    found = {}
    for index in range(len(dataset)):
        example = dataset[index]
        path = Path(example.sample).relative_to(root).as_posix()
        if isinstance(dataset.task, Multilabel):
            found[path] = {name for name, has in zip(dataset.task.labels, example.target, strict=True) if has == 1}
        else:
            found[path] = dataset.task.classes[example.target]
    return found


# NIH ChestX-ray14

FOURTEEN = (
    "Atelectasis|Cardiomegaly|Effusion|Infiltration|Mass|Nodule|Pneumonia|Pneumothorax|Consolidation|Edema|Emphysema|"
    "Fibrosis|Pleural_Thickening|Hernia"
)

ENTRIES = """\
Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,Height],\
OriginalImagePixelSpacing[x,y],
00000001_000.png,Cardiomegaly,0,1,58,M,PA,2682,2749,0.143,0.143,
00000001_001.png,Cardiomegaly|Emphysema,1,1,58,M,PA,2894,2729,0.143,0.143,
00000002_000.png,No Finding,0,2,81,M,PA,2500,2048,0.171,0.171,
00000003_000.png,Hernia,0,3,81,F,PA,2582,2991,0.143,0.143,
"""


@pytest.fixture
def nih(tmp_path: Path) -> Path:
    (tmp_path / "Data_Entry_2017.csv").write_text(ENTRIES)
    (tmp_path / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png\n00000002_000.png")
    (tmp_path / "test_list.txt").write_text("00000003_000.png\n")
    for name in ("001/images/00000001_000", "001/images/00000001_001", "001/images/00000002_000"):
        put(tmp_path / f"images_{name}.png")
    put(tmp_path / "images_012/images/00000003_000.png")
    return tmp_path


def test_chestxray14(nih: Path):
    dataset = XrayDataset.open(nih)
    assert dataset.task == Multilabel(labels=tuple(FOURTEEN.split("|")))
    assert listed(dataset, nih) == {
        "images_001/images/00000001_000.png": {"Cardiomegaly"},
        "images_001/images/00000001_001.png": {"Cardiomegaly", "Emphysema"},
        "images_001/images/00000002_000.png": set(),
    }
    assert dataset[2].target == [0.0] * 14
    test = XrayDataset.open(nih, "test", task=dataset.task)
    assert listed(test, nih) == {"images_012/images/00000003_000.png": {"Hernia"}}
    assert len(XrayDataset.open(nih, "all")) == 4
    with pytest.raises(MissingSplitError, match="train, test"):
        XrayDataset.open(nih, "val")


def test_chestxray14_without_lists_is_all_of_its_table(nih: Path):
    (nih / "train_val_list.txt").unlink()
    (nih / "test_list.txt").unlink()
    assert len(XrayDataset.open(nih)) == 4


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", r"Data_Entry_2017\.csv has no rows"),
        ("a,b\n1,2\n", "Image Index"),
        ("Image Index,Finding Labels\nx.png\n", "line 2: 1 fields"),
        ("Image Index,Finding Labels\nx.png,Cough\n", "'Cough' is not a finding"),
        ("Image Index,Finding Labels\n00000001_000.png,Mass\n", r"2 films of 3 are not in Data_Entry_2017\.csv"),
    ],
)
def test_damaged_chestxray14_table_is_refused(nih: Path, table: str, said: str):
    (nih / "Data_Entry_2017.csv").write_text(table)
    with pytest.raises(DatasetError, match=said) as caught:
        XrayDataset.open(nih)
    assert caught.value.fix


def test_missing_films_are_counted(nih: Path):
    (nih / "images_001/images/00000002_000.png").unlink()
    with pytest.raises(DatasetError, match=r"1 films of 3 .*00000002_000\.png"):
        XrayDataset.open(nih)


# CheXpert

COLUMNS = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,"
    "Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices\n"
)


@pytest.fixture
def chexpert(tmp_path: Path) -> Path:
    root = tmp_path / "CheXpert-v1.0-small"
    for name in (
        "train/patient00001/study1/view1_frontal.jpg",
        "train/patient00002/study2/view1_frontal.jpg",
        "valid/patient64541/study1/view1_frontal.jpg",
    ):
        put(root / name)
    (root / "train.csv").write_text(
        f"{COLUMNS}CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,,,,,,,0.0"
        ",,,,1.0\nCheXpert-v1.0-small/train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,AP,,,-1.0,1.0,,-1.0"
        ",-1.0,,-1.0,,-1.0,,1.0,\n"
    )
    (root / "valid.csv").write_text(
        f"{COLUMNS}CheXpert-v1.0-small/valid/patient64541/study1/view1_frontal.jpg,Male,73,Frontal,AP,0.0,1.0,1.0,1.0"
        ",0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
    )
    return root


def test_chexpert(chexpert: Path):
    dataset = XrayDataset.open(chexpert)
    assert dataset.task == Multilabel(labels=tuple(COLUMNS.strip().split(",")[5:])) and len(dataset.task.labels) == 14
    assert listed(dataset, chexpert) == {
        "train/patient00001/study1/view1_frontal.jpg": {"No Finding", "Support Devices"},
        "train/patient00002/study2/view1_frontal.jpg": {"Lung Opacity", "Fracture"},
    }
    assert listed(XrayDataset.open(chexpert, "val"), chexpert) == {
        "valid/patient64541/study1/view1_frontal.jpg": {"Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity"}
    }
    assert len(XrayDataset.open(chexpert, "all")) == 3


def test_uncertain_observations_are_ignored_absent_or_present(chexpert: Path):
    uncertain = [2, 5, 6, 8, 10]  # -1.0 in the second film's row
    for choice, value in {"ignore": math.nan, "zeros": 0.0, "ones": 1.0}.items():
        dataset = XrayDataset.open(chexpert, options=XrayDataset.Options(uncertain=choice))
        target = dataset[1].target
        assert all(target[at] == value or (math.isnan(value) and math.isnan(target[at])) for at in uncertain)
        known = {dataset.task.labels[at] for at in range(14) if at not in uncertain and target[at] == 1}
        assert known == {"Lung Opacity", "Fracture"}
    with pytest.raises(OptionError, match="maybe") as caught:
        XrayDataset.open(chexpert, options=XrayDataset.Options(uncertain="maybe"))
    assert "ignore | zeros | ones" in caught.value.fix


def test_chexpert_may_be_renamed_or_opened_by_its_table(chexpert: Path):
    renamed = chexpert.rename(chexpert.parent / "films")
    assert len(XrayDataset.open(renamed)) == 2 and len(XrayDataset.open(renamed / "valid.csv")) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("CheXpert-v1.0-small/train/gone.jpg,F,1,Frontal,AP" + "," * 14, r"line 2: '.*gone\.jpg' does not exist"),
        ("x/train/patient00001/study1/view1_frontal.jpg,F,1,Frontal,AP,yes" + "," * 13, "line 2, No Finding: 'yes'"),
        ("x/train/patient00001/study1/view1_frontal.jpg,F,1,Frontal,AP,2.0" + "," * 13, r"'2\.0' is none of"),
        ('"' + "x" * 200_000, r"train\.csv, line 2: .*field"),
        ("", "no rows"),
    ],
    ids=["gone", "yes", "2", "long", "empty"],
)
def test_damaged_chexpert_table_is_refused(chexpert: Path, row: str, said: str):
    (chexpert / "train.csv").write_text(COLUMNS + row)
    with pytest.raises(DatasetError, match=said) as caught:
        XrayDataset.open(chexpert)
    assert caught.value.fix


def test_chexpert_tables_of_other_observations_are_refused(chexpert: Path):
    """An observation that one table has no column for is not known to be absent."""
    text = (chexpert / "valid.csv").read_text()
    (chexpert / "valid.csv").write_text(text.replace("Edema", "Oedema"))
    with pytest.raises(DatasetError, match=r"valid\.csv has no column 'Edema'"):
        XrayDataset.open(chexpert, "val")


def test_chexpert_columns_may_be_quoted(chexpert: Path):
    for name in ("train.csv", "valid.csv"):
        header, rows = (chexpert / name).read_text().split("\n", 1)
        (chexpert / name).write_text(",".join(f'"{cell}"' for cell in header.split(",")) + "\n" + rows)
    assert XrayDataset.open(chexpert).task.labels[0] == "No Finding"


# MedMNIST


def medmnist(path: Path, labels: int = 1, **changes: Any) -> Path:
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, count in {"train": 6, "val": 2, "test": 4}.items():
        arrays[f"{part}_images"] = random.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count * labels).reshape(count, labels) % 2).astype(np.uint8)
    np.savez(path, **{**arrays, **changes})
    return path


def test_medmnist_of_classes(tmp_path: Path):
    path = medmnist(tmp_path / "pneumoniamnist.npz")
    for root in (path, tmp_path):
        dataset = XrayDataset.open(root)
        assert dataset.task == Classification(classes=("normal", "pneumonia"))
        assert list(dataset.targets()) == [0, 1] * 3
        assert [len(XrayDataset.open(root, split)) for split in ("val", "test", "all")] == [2, 4, 12]
    film = XrayTokenizer(8).read(dataset[3].sample)
    with np.load(path, allow_pickle=False) as arrays:
        assert np.array_equal(film[..., 0], arrays["train_images"][3])


def test_medmnist_of_several_labels(tmp_path: Path):
    dataset = XrayDataset.open(medmnist(tmp_path / "chestmnist_64.npz", labels=14))
    assert isinstance(dataset.task, Multilabel) and dataset.task.labels[:2] == ("Atelectasis", "Cardiomegaly")
    assert dataset[0].target == [0.0, 1.0] * 7
    assert XrayDataset.open(medmnist(tmp_path / "other.npz", labels=3)).task == Multilabel(labels=("0", "1", "2"))


@pytest.mark.parametrize(
    "changes",
    [
        {"train_labels": np.zeros((5, 1), np.uint8)},
        {"train_labels": np.zeros((6, 1))},
        {"train_labels": np.zeros((6, 2), np.uint8)},  # and one label in the other splits
        {"train_labels": np.full((6, 2), 3, np.uint8)},
        {"train_labels": np.full((6, 1), -1)},
        {"train_images": np.zeros(6, np.uint8)},
        {"train_labels": np.array([{"a": 1}] * 6, object)},
    ],
    ids=str,
)
def test_damaged_medmnist_is_refused(tmp_path: Path, changes: dict[str, Any]):
    with pytest.raises(InputError, match=r"x\.npz"):
        XrayDataset.open(medmnist(tmp_path / "x.npz", **changes))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\3\4" + bytes(40)])
def test_no_archive_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(MtError, match=r"x\.npz"):
        XrayDataset.open(tmp_path / "x.npz")


# folders and tables


def test_folder_per_class_and_table_with_spaces_in_names(tmp_path: Path):
    for name in ("X-Ray Image DataSet/No_findings/a b.png", "X-Ray Image DataSet/Covid-19/c.jpeg"):
        put(tmp_path / name)
    (tmp_path / "X-Ray Image DataSet/Covid-19/d.dcm").write_bytes(b"not looked at yet")
    assert listed(XrayDataset.open(tmp_path / "X-Ray Image DataSet"), tmp_path / "X-Ray Image DataSet") == {
        "Covid-19/c.jpeg": "Covid-19",
        "Covid-19/d.dcm": "Covid-19",
        "No_findings/a b.png": "No_findings",
    }
    (tmp_path / "splits.csv").write_text(
        "file,label,split\nX-Ray Image DataSet/No_findings/a b.png,none,train\n"
        "X-Ray Image DataSet/Covid-19/c.jpeg,covid,test\n"
    )
    for root in (tmp_path, tmp_path / "splits.csv"):
        with pytest.warns(DataWarning, match="classes of test of which train has nothing: covid"):
            test = XrayDataset.open(root, "test")
        assert listed(test, tmp_path) == {"X-Ray Image DataSet/Covid-19/c.jpeg": "covid"}
        assert test.task == Classification(classes=("covid", "none"))


def test_no_known_layout_says_what_was_looked_for(tmp_path: Path):
    with pytest.raises(DatasetError) as caught:
        XrayDataset.open(tmp_path)
    assert all(layout in caught.value.fix for layout in XrayDataset.layouts.values())
    put(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="neither a table nor an archive"):
        XrayDataset.open(tmp_path / "a.png")


def test_run_of_another_kind_is_refused(nih: Path):
    for task in (Regression(names=("age",)), Classification(classes=("a",))):
        with pytest.raises(OptionError, match=task.kind):
            XrayDataset.open(nih, task=task)


# demonstration


def films(dataset: XrayDataset) -> list[bytes]:
    read = XrayTokenizer(8).read
    return [read(dataset[index].sample).tobytes() for index in range(len(dataset))]


def test_every_class_of_the_demonstration_is_in_every_kind_of_file():
    dataset = XrayDataset.demo(size=48)
    kinds = set()
    for example in (dataset[at] for at in range(48)):
        path = Path(example.sample)
        kind = pydicom.dcmread(path).PhotometricInterpretation if path.suffix == ".dcm" else path.suffix
        kinds.add((example.target, kind))
    assert kinds == {(target, kind) for target in range(4) for kind in ("MONOCHROME1", "MONOCHROME2", ".png")}


def test_lungs_are_darker_than_the_body_in_every_kind_of_file():
    dataset = XrayDataset.demo(size=24)
    for index in range(24):
        film = XrayTokenizer(8).read(dataset[index].sample)
        full = 255 if film.dtype == np.uint8 else 1
        assert film[:3].mean() / full > 0.5, dataset[index].sample  # above the shoulders; MONOCHROME1 is turned over


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data")
def test_covid_19_films():
    root = Path(os.environ["MT_DATA"]) / "xray" / "COVID-19"
    for split, size in {"train": 30, "test": 15}.items():
        dataset = XrayDataset.open(root, split)
        assert dataset.task.classes == ("Covid-19", "No_findings", "Pneumonia")
        assert len(dataset) == size and set(Counter(dataset.targets()).values()) == {size // 3}
        for index in range(0, size, 5):
            film = XrayTokenizer(8).read(dataset[index].sample)
            assert film.shape[2] == 1 and film.dtype == np.uint8
