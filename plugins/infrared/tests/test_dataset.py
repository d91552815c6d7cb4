"""The folders that public data sets of thermal pictures ship in, and what is said where a folder is none of them."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mt_core.contract import Classification, Retrieval, Role
from mt_core.errors import DatasetError, DataWarning, MissingSplitError, OptionError
from mt_plugin_infrared.dataset import InfraredDataset
from mt_plugin_infrared.tokenizer import InfraredTokenizer

QUERY, GALLERY = int(Role.QUERY), int(Role.GALLERY)


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 6), 99).save(path)


def listed(dataset: InfraredDataset, root: Path) -> dict[str, Any]:
    """The target of each sample, by its path below the root."""
    found = {}
    for index in range(len(dataset)):
        example = dataset[index]
        path = Path(example.sample).relative_to(root).as_posix()
        is_class = isinstance(dataset.task, Classification) and example.target is not None
        found[path] = dataset.task.classes[example.target] if is_class else example.target
    return found


# InfraredSolarModules


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    classes = {"13357": "No-Anomaly", "13356": "Cell", "2": "Hot-Spot", "10": "No-Anomaly"}
    records = {
        name: {"image_filepath": f"images/{name}.jpg", "anomaly_class": label} for name, label in classes.items()
    }
    (tmp_path / "module_metadata.json").write_text(json.dumps(records))
    for name in classes:
        put(tmp_path / f"images/{name}.jpg")
    return tmp_path


def test_solar_modules(modules: Path):
    dataset = InfraredDataset.open(modules)
    assert dataset.task == Classification(classes=("Cell", "Hot-Spot", "No-Anomaly"))
    assert listed(dataset, modules) == {
        "images/13357.jpg": "No-Anomaly",
        "images/13356.jpg": "Cell",
        "images/2.jpg": "Hot-Spot",
        "images/10.jpg": "No-Anomaly",
    }
    with pytest.raises(MissingSplitError, match="no splits of its own"):
        InfraredDataset.open(modules, "test")


def test_solar_modules_with_a_table_of_splits(modules: Path):
    (modules / "splits.csv").write_text(
        "file,label,split\nimages/2.jpg,Hot-Spot,train\nimages/10.jpg,No-Anomaly,test\nimages/13356.jpg,Cell,train\n"
    )
    told = "classes of test of which train has nothing: No-Anomaly"
    with pytest.warns(DataWarning, match=told):
        train, test = InfraredDataset.open(modules), InfraredDataset.open(modules, "test")
    assert listed(train, modules) == {"images/2.jpg": "Hot-Spot", "images/13356.jpg": "Cell"}
    assert listed(test, modules) == {"images/10.jpg": "No-Anomaly"} and len(test.task.classes) == 3


def test_solar_modules_as_anomaly_or_none(modules: Path):
    dataset = InfraredDataset.open(modules, options=InfraredDataset.Options(binary=True))
    assert dataset.task == Classification(classes=("Anomaly", "No-Anomaly"))
    assert list(dataset.targets()) == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (b"", "not a list of modules"),
        (b"{", "not a list of modules"),
        (b"[1]", "not a list of modules"),
        (b'{"1": {"image_filepath": "images/1.jpg"}}', "anomaly_class"),
        (
            b'{"1": {"image_filepath": "images/1.jpg", "anomaly_class": "Cell"}}',
            r"1 pictures of 1 are not there.*1\.jpg",
        ),
        (b'{"1": "caf\x81"}', "not UTF-8"),
        (b"[" * 100_000, "not a list of modules"),
    ],
)
def test_damaged_metadata_is_refused(tmp_path: Path, metadata: bytes, said: str):
    (tmp_path / "module_metadata.json").write_bytes(metadata)
    with pytest.raises(DatasetError, match=said) as caught:
        InfraredDataset.open(tmp_path)
    assert caught.value.fix


def test_table_that_names_other_modules_is_refused(modules: Path):
    put(modules / "images/7.jpg")
    (modules / "splits.csv").write_text("file,label,split\nimages/7.jpg,Cell,train\n")
    with pytest.raises(DatasetError, match=r"not in module_metadata\.json.*7\.jpg"):
        InfraredDataset.open(modules)


# RegDB

REGDB = {
    "train_visible": ["Visible/3/male_front_v_00011_3.bmp 0", "Visible/12/female_back_v_00033_12.bmp 1"],
    "train_thermal": ["Thermal/3/male_front_t_00111_3.bmp 0", "Thermal/12/female_back_t_00133_12.bmp 1"],
    "test_visible": ["Visible/1/male_front_v_00001_1.bmp 0", "Visible/20/male_back_v_00204_20.bmp 1"],
    "test_thermal": ["Thermal/1/male_front_t_00101_1.bmp 0", "Thermal/20/male_back_t_00224_20.bmp 1"],
}


@pytest.fixture
def regdb(tmp_path: Path) -> Path:
    (tmp_path / "idx").mkdir()
    for trial in (1, 10):
        for name, lines in REGDB.items():
            chosen = lines if trial == 1 else lines[:1]
            (tmp_path / f"idx/{name}_{trial}.txt").write_text("\n".join(chosen) + "\n")
    for line in (line for lines in REGDB.values() for line in lines):
        put(tmp_path / line.split()[0])
    return tmp_path


def test_regdb_queries_thermal_pictures_in_a_visible_gallery(regdb: Path):
    train = InfraredDataset.open(regdb)
    assert train.task == Retrieval(identities=("3", "12"))
    assert listed(train, regdb) == {
        "Visible/3/male_front_v_00011_3.bmp": (0, 1, GALLERY),
        "Visible/12/female_back_v_00033_12.bmp": (1, 1, GALLERY),
        "Thermal/3/male_front_t_00111_3.bmp": (0, 2, QUERY),
        "Thermal/12/female_back_t_00133_12.bmp": (1, 2, QUERY),
    }
    test = InfraredDataset.open(regdb, "test", task=train.task)
    assert test.task == train.task
    # labels begin at 0 in each list, and yet these are other people than those of training
    assert listed(test, regdb) == {
        "Visible/1/male_front_v_00001_1.bmp": (2, 1, GALLERY),
        "Visible/20/male_back_v_00204_20.bmp": (3, 1, GALLERY),
        "Thermal/1/male_front_t_00101_1.bmp": (2, 2, QUERY),
        "Thermal/20/male_back_t_00224_20.bmp": (3, 2, QUERY),
    }
    assert len(InfraredDataset.open(regdb, "all")) == 8
    assert train.task.stack(test.targets()).shape == (4, 3)
    with pytest.raises(MissingSplitError, match="train, test"):
        InfraredDataset.open(regdb, "val")


def test_regdb_has_ten_trials(regdb: Path):
    assert len(InfraredDataset.open(regdb, options=InfraredDataset.Options(trial=10))) == 2
    with pytest.raises(OptionError, match="no trial 2") as caught:
        InfraredDataset.open(regdb, options=InfraredDataset.Options(trial=2))
    assert "1, 10" in caught.value.fix


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nothing", "line 1: 'nothing' is not a picture"),
        ("Visible/9/gone.bmp 3", r"1 files that do not exist.*gone\.bmp"),
    ],
)
def test_damaged_regdb_list_is_refused(regdb: Path, line: str, said: str):
    (regdb / "idx/train_visible_1.txt").write_text(line)
    with pytest.raises(DatasetError, match=said):
        InfraredDataset.open(regdb)


def test_incomplete_regdb_lists_are_refused(regdb: Path):
    (regdb / "idx/test_thermal_1.txt").unlink()
    with pytest.raises(DatasetError, match=r"test_thermal_1\.txt"):
        InfraredDataset.open(regdb)


# SYSU-MM01


@pytest.fixture
def sysu(tmp_path: Path) -> Path:
    (tmp_path / "exp").mkdir()
    for name, identities in {"train": "1,40", "val": "7", "test": "6,333"}.items():
        (tmp_path / f"exp/{name}_id.txt").write_text(identities + "\n")
    for path in (
        "cam1/0001/0001.jpg cam2/0001/0001.jpg cam3/0001/0001.jpg cam6/0040/0001.jpg cam4/0040/0002.jpg "
        "cam1/0007/0001.jpg cam3/0007/0001.jpg "
        "cam2/0006/0001.jpg cam3/0006/0001.jpg cam4/0006/0001.jpg cam1/0333/0020.jpg cam6/0333/0001.jpg"
    ).split():
        put(tmp_path / path)
    return tmp_path


def test_sysu_queries_infrared_cameras_in_a_visible_gallery(sysu: Path):
    train = InfraredDataset.open(sysu)
    assert train.task == Retrieval(identities=("0001", "0040"))
    assert listed(train, sysu) == {
        "cam1/0001/0001.jpg": (0, 1, GALLERY),
        "cam2/0001/0001.jpg": (0, 2, GALLERY),
        "cam3/0001/0001.jpg": (0, 2, QUERY),  # camera 3 stands where camera 2 does
        "cam4/0040/0002.jpg": (1, 4, GALLERY),
        "cam6/0040/0001.jpg": (1, 6, QUERY),
    }
    val, test = InfraredDataset.open(sysu, "val"), InfraredDataset.open(sysu, "test")
    assert val.task == test.task == train.task
    assert listed(test, sysu) == {
        "cam2/0006/0001.jpg": (2, 2, GALLERY),
        "cam3/0006/0001.jpg": (2, 2, QUERY),
        "cam4/0006/0001.jpg": (2, 4, GALLERY),
        "cam1/0333/0020.jpg": (4, 1, GALLERY),
        "cam6/0333/0001.jpg": (4, 6, QUERY),
    }
    assert {target[0] for target in val.targets()} == {3}


def test_sysu_indoor_search_has_a_smaller_gallery(sysu: Path):
    assert sorted(
        listed(InfraredDataset.open(sysu, "test", options=InfraredDataset.Options(search="indoor")), sysu)
    ) == [
        "cam1/0333/0020.jpg",
        "cam2/0006/0001.jpg",
        "cam3/0006/0001.jpg",
        "cam6/0333/0001.jpg",
    ]
    assert len(InfraredDataset.open(sysu, options=InfraredDataset.Options(search="indoor"))) == 5  # training sees all
    with pytest.raises(OptionError, match="outdoor"):
        InfraredDataset.open(sysu, options=InfraredDataset.Options(search="outdoor"))


@pytest.mark.parametrize(
    ("identities", "said"),
    [("", "lists nothing"), ("1,two", "'two' is not a number"), ("9" * 5000, "is not a number"), ("999", "no camera")],
)
def test_damaged_sysu_list_is_refused(sysu: Path, identities: str, said: str):
    (sysu / "exp/test_id.txt").write_text(identities)
    with pytest.raises(DatasetError, match=said):
        InfraredDataset.open(sysu)


def test_run_of_another_kind_is_refused(sysu: Path):
    with pytest.raises(OptionError, match="retrieval"):
        InfraredDataset.open(sysu, task=Classification(classes=("a",)))


# folders and tables


def test_folder_per_class_and_table(tmp_path: Path):
    for name in ("crack/2.tiff", "crack/1.PNG", "ok/deep/3.tif", "ok/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked at yet")
    assert listed(InfraredDataset.open(tmp_path), tmp_path) == {
        "crack/1.PNG": "crack",
        "crack/2.tiff": "crack",
        "ok/deep/3.tif": "ok",
    }
    (tmp_path / "labels.csv").write_text("path,label,split\ncrack/2.tiff,bad,train\nok/deep/3.tif,good,test\n")
    for root in (tmp_path, tmp_path / "labels.csv"):
        with pytest.warns(DataWarning, match="train has nothing: good"):
            assert listed(InfraredDataset.open(root, "test"), tmp_path) == {"ok/deep/3.tif": "good"}


def test_no_known_layout_says_what_was_looked_for(tmp_path: Path):
    with pytest.raises(DatasetError) as caught:
        InfraredDataset.open(tmp_path)
    assert all(layout in caught.value.fix for layout in InfraredDataset.layouts.values())
    put(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="not a table"):
        InfraredDataset.open(tmp_path / "a.png")


# demonstration


def test_every_class_of_the_demonstration_is_in_every_kind_of_file():
    dataset = InfraredDataset.demo(size=100)
    kinds = {(example.target, Path(example.sample).suffix) for example in (dataset[at] for at in range(100))}
    assert len(kinds) == len(dataset.task.classes) * 4
    read = InfraredTokenizer(8).read
    types = {Path(dataset[at].sample).suffix: read(dataset[at].sample).dtype.name for at in range(100)}
    assert types == {".png": "uint16", ".tiff": "uint16", ".tif": "float32", ".jpg": "uint8"}


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data")
def test_infrared_solar_modules():
    root = Path(os.environ["MT_DATA"]) / "infrared" / "InfraredSolarModules"
    for split, size in {"train": 4698, "test": 1175}.items():
        dataset = InfraredDataset.open(root, split)
        assert len(dataset) == size and len(dataset.task.classes) == 12
        assert (
            len(Counter(InfraredDataset.open(root, split, options=InfraredDataset.Options(binary=True)).targets())) == 2
        )
    frame = InfraredTokenizer(8).read(dataset[0].sample)
    assert frame.shape == (40, 24, 1) and frame.dtype == np.uint8
