"""Every benchmark's layout is recognised from little files in its true form, and every fault in one is explained."""

from __future__ import annotations

import os
import pickle
import time
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

from mt_core.contract import Classification, Example
from mt_core.errors import DatasetError, DataWarning, InputError, MissingSplitError, OptionError
from mt_plugin_pointcloud.dataset import PointCloudDataset
from mt_plugin_pointcloud.reading import read_cloud

OFF = "OFF\n4 1 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 1 2\n"


def put(path: Path, text: str = OFF) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def names_of(dataset: PointCloudDataset) -> list[tuple[str, str]]:
    return [(Path(str(example.sample)).name, dataset.task.classes[example.target]) for example in dataset]


def write_h5(path: Path, labels: list[int], points: int = 2048, *, column: bool = True) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    clouds = np.random.default_rng(len(labels)).normal(size=(len(labels), points, 3)).astype(np.float32)
    with h5py.File(path, "w") as file:
        file["data"] = clouds
        file["label"] = np.array(labels, np.uint8)[:, None] if column else np.array(labels)
        file["mask"] = np.zeros((len(labels), points), np.int32)
    return clouds


def modelnet_hdf5(root: Path) -> dict[str, np.ndarray]:
    written = {
        "train0": write_h5(root / "ply_data_train0.h5", [1, 0]),
        "train1": write_h5(root / "ply_data_train1.h5", [2]),
        "test0": write_h5(root / "ply_data_test0.h5", [2, 2, 0, 1]),
    }
    elsewhere = "data/modelnet40_ply_hdf5_2048"
    (root / "train_files.txt").write_text(f"{elsewhere}/ply_data_train1.h5\n{elsewhere}/ply_data_train0.h5\n")
    (root / "test_files.txt").write_text(f"{elsewhere}/ply_data_test0.h5\n")
    (root / "shape_names.txt").write_text("airplane\nbathtub\nbed\n")
    return written


def points_of(example: Example) -> np.ndarray:
    cloud = read_cloud(example.sample)
    return cloud.points + cloud.origin


# layouts


def test_a_folder_per_class_is_train_and_all(tmp_path):
    for name in ("chair/b.off", "chair/a.ply", "bed/c.xyz", "bed/notes.md", ".git/d.off"):
        put(tmp_path / name)
    expected = [("c.xyz", "bed"), ("a.ply", "chair"), ("b.off", "chair")]
    assert names_of(PointCloudDataset.open(tmp_path)) == expected
    assert names_of(PointCloudDataset.open(tmp_path, "all")) == expected
    with pytest.raises(MissingSplitError, match="no splits of its own"):
        PointCloudDataset.open(tmp_path, "test")


def test_splits_above_the_classes_share_their_classes(tmp_path):
    for name in ("train/chair/a.off", "val/chair/b.off", "test/bed/c.off"):
        put(tmp_path / name)
    with pytest.warns(DataWarning, match="classes of test of which train has nothing: bed"):
        opened = {split: PointCloudDataset.open(tmp_path, split) for split in ("train", "val", "test", "all")}
    assert [names_of(each) for each in opened.values()] == [
        [("a.off", "chair")],
        [("b.off", "chair")],
        [("c.off", "bed")],
        [("a.off", "chair"), ("b.off", "chair"), ("c.off", "bed")],
    ]
    assert {each.task.classes for each in opened.values()} == {("bed", "chair")}


def test_modelnet_has_its_splits_below_the_classes(tmp_path):
    for name in (
        "night_stand/train/night_stand_0001.off",
        "night_stand/test/night_stand_0201.off",
        "bed/train/bed_0001.off",
    ):
        put(tmp_path / name)
    assert names_of(PointCloudDataset.open(tmp_path, "train")) == [
        ("bed_0001.off", "bed"),
        ("night_stand_0001.off", "night_stand"),
    ]
    assert names_of(PointCloudDataset.open(tmp_path, "test")) == [("night_stand_0201.off", "night_stand")]


def test_lidarnet_follows_its_table(tmp_path):
    for name in ("Car/car1.csv", "Car/car2.csv", "Trunk/pole1.csv", "Trunk/pole2.csv"):
        put(tmp_path / name, "relative_x,relative_y,relative_z,object\n0,0,0,car\n1,2,3,car\n")
    put(
        tmp_path / "splits.csv",
        "file,label,split\nTrunk/pole1.csv,Trunk,test\nCar/car2.csv,Car,train\nCar/car1.csv,Car,test\nTrunk/pole2.csv,Trunk,train\n",
    )
    train, test = (PointCloudDataset.open(tmp_path, split) for split in ("train", "test"))
    assert names_of(train) == [("car2.csv", "Car"), ("pole2.csv", "Trunk")]
    assert names_of(test) == [("pole1.csv", "Trunk"), ("car1.csv", "Car")]
    assert train.task.classes == test.task.classes == ("Car", "Trunk")
    assert len(PointCloudDataset.open(tmp_path / "splits.csv", "all")) == 4


def test_modelnet40_in_hdf5_keeps_the_order_of_its_lists(tmp_path):
    written = modelnet_hdf5(tmp_path)
    train, test = (PointCloudDataset.open(tmp_path, split) for split in ("train", "test"))
    assert train.task.classes == ("airplane", "bathtub", "bed")
    assert (train.targets(), test.targets()) == ([2, 1, 0], [2, 2, 0, 1])
    assert len(PointCloudDataset.open(tmp_path, "all")) == 7
    for index, cloud in enumerate([written["train1"][0], *written["train0"]]):
        np.testing.assert_allclose(points_of(train[index]), cloud, atol=1e-6)


@pytest.mark.parametrize("folder", ["", "main_split", "h5_files/main_split"])
def test_scanobjectnn_is_found_in_its_folders_and_variants(tmp_path, folder):
    for variant, labels in {"": [14, 0], "_augmentedrot_scale75": [3, 4, 5]}.items():
        write_h5(tmp_path / folder / f"training_objectdataset{variant}.h5", labels, 64, column=False)
        write_h5(tmp_path / folder / f"test_objectdataset{variant}.h5", [7], 64, column=False)
    plain = PointCloudDataset.open(tmp_path)
    hardest = PointCloudDataset.open(tmp_path, options=PointCloudDataset.Options(variant="_augmentedrot_scale75"))
    assert [plain.task.classes[target] for target in plain.targets()] == ["toilet", "bag"]
    assert hardest.targets() == [3, 4, 5]
    assert PointCloudDataset.open(tmp_path, "test").targets() == [7]
    assert len(plain.task.classes) == 15
    with pytest.raises(DatasetError, match="variants '', '_augmentedrot_scale75'"):
        PointCloudDataset.open(tmp_path, options=PointCloudDataset.Options(variant="_noise"))


def test_hdf5_is_read_anew_in_another_process_after_it_was_read_here(tmp_path, monkeypatch):
    modelnet_hdf5(tmp_path)
    dataset = PointCloudDataset.open(tmp_path, "test")
    here = [points_of(example) for example in dataset]
    sent = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal([points_of(example) for example in sent], here)
    opened = []
    monkeypatch.setattr(
        h5py, "File", lambda path, mode, original=h5py.File: opened.append(path) or original(path, mode)
    )
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as after a fork
    np.testing.assert_array_equal([points_of(example) for example in dataset], here)
    assert len(opened) == 1


def test_the_classes_of_an_earlier_run_keep_their_indices(tmp_path):
    put(tmp_path / "chair" / "a.off")
    task = Classification(classes=("bed", "chair", "sofa"))
    assert PointCloudDataset.open(tmp_path, task=task).targets() == [1]
    with pytest.raises(OptionError, match="chair"):
        PointCloudDataset.open(tmp_path, task=Classification(classes=("bed",)))


# faults


def test_an_unknown_layout_is_told_what_was_looked_for(tmp_path):
    put(tmp_path / "readme.md", "nothing")
    with pytest.raises(DatasetError, match="no known layout") as caught:
        PointCloudDataset.open(tmp_path)
    for part in ("splits.csv", "ply_data_train", "training_objectdataset", "class/train", "folder per class"):
        assert part in caught.value.fix
    with pytest.raises(DatasetError, match="does not exist"):
        PointCloudDataset.open(tmp_path / "absent")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name,class,height\na,b,c\n", "1 files that do not exist"),
        ("file,label,split\nCar/lost.csv,Car,train\n", "lost.csv"),
        ("file,label\nCar/car1.csv,Car,train\n", "line 2: 3 fields"),
        ("", "no rows"),
    ],
)
def test_a_faulty_table_is_explained(tmp_path, table, said):
    put(tmp_path / "splits.csv", table)
    with pytest.raises(DatasetError, match=said):
        PointCloudDataset.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + bytes(500), b"garbage" * 100])
def test_corrupt_hdf5_is_refused_when_it_is_opened(tmp_path, content):
    modelnet_hdf5(tmp_path)
    (tmp_path / "ply_data_test0.h5").write_bytes(content)
    with pytest.raises(DatasetError, match=r"ply_data_test0\.h5 cannot be read"):
        PointCloudDataset.open(tmp_path, "test")
    assert len(PointCloudDataset.open(tmp_path, "train")) == 3


def test_hdf5_that_is_cut_short_later_is_refused_when_it_is_read(tmp_path):
    modelnet_hdf5(tmp_path)
    dataset = PointCloudDataset.open(tmp_path, "test")
    (tmp_path / "ply_data_test0.h5").write_bytes(b"garbage")
    with pytest.raises(InputError, match=r"ply_data_test0\.h5\[0\]"):
        read_cloud(dataset[0].sample)


def test_hdf5_whose_parts_do_not_belong_together_is_refused(tmp_path):
    modelnet_hdf5(tmp_path)
    (tmp_path / "shape_names.txt").write_text("airplane\n")
    with pytest.raises(DatasetError, match="labels 2 to 2"):
        PointCloudDataset.open(tmp_path)
    (tmp_path / "shape_names.txt").unlink()
    with pytest.raises(DatasetError, match="shape_names"):
        PointCloudDataset.open(tmp_path)


def test_what_the_dataset_does_not_take_is_refused(tmp_path):
    put(tmp_path / "chair" / "a.off")
    with pytest.raises(OptionError, match="split"):
        PointCloudDataset.open(tmp_path, "validation")
    with pytest.raises(OptionError, match="colour"):
        PointCloudDataset.open(tmp_path, options=PointCloudDataset.Options(colour=True))


# the demonstration


def test_the_demonstration_writes_real_files_quickly_in_several_formats():
    began = time.process_time()
    dataset = PointCloudDataset.demo("train", size=256)
    assert time.process_time() - began < 1.5
    assert Counter(dataset.targets()).most_common()[-1][1] >= 51
    assert {Path(sample).suffix for sample in dataset.samples} == {".ply", ".pcd", ".xyz", ".npy", ".bin"}
    counts = [len(read_cloud(example.sample).points) for example in dataset]
    assert min(counts) >= 50
    assert max(counts) <= 2000
    assert len(set(counts)) > 100
    assert "synthetic" in dataset.source


def test_the_demonstration_is_the_same_again_and_its_splits_share_nothing():
    def clouds(*arguments: object, **options: object) -> list[bytes]:
        dataset = PointCloudDataset.demo(*arguments, **options)
        return [read_cloud(example.sample).points.tobytes() for example in dataset]

    train = clouds("train", size=20)
    assert train == clouds("train", size=20)
    assert not set(train) & set(clouds("test", size=20))
    assert not set(train) & set(clouds("train", size=20, seed=1))
    assert len(clouds("all", size=20)) == 60


def test_the_files_of_the_demonstration_outlive_it_and_its_copies():
    dataset = PointCloudDataset.demo("val", size=5)
    examples = list(pickle.loads(pickle.dumps(dataset)))
    del dataset
    assert all(len(read_cloud(example.sample).points) >= 50 for example in examples)
