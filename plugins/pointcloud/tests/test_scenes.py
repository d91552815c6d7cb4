"""Scenes of points: which layouts are found, how they are split, and what their labels mean."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import laspy
import numpy as np
import pytest

from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, InputError, MissingSplitError, OptionError
from mt_core.io.notices import Notices, collecting
from mt_plugin_pointcloud.dataset import PointCloudDataset
from mt_plugin_pointcloud.layouts.s3dis import CLASSES
from mt_plugin_pointcloud.layouts.semantickitti import CLASSES as SWEEP_CLASSES

LINES = {
    "wall_1": [(0, 0, 0, 10, 20, 30), (1, 0, 0, 255, 0, 0)],
    "chair_2": [(2, 0, 0, 1, 2, 3), (4, 0, 0, 1, 2, 3)],
    "clutter_1": [(3, 9, 0, 7, 7, 7), (5, 0, 0, 7, 7, 7)],
}


def room(folder: Path, objects: dict[str, list[tuple[float, ...]]] | None = None) -> Path:
    annotations = folder / "Annotations"
    annotations.mkdir(parents=True)
    for name, lines in (objects or LINES).items():
        (annotations / f"{name}.txt").write_text("".join(" ".join(map(str, line)) + "\n" for line in lines))
    return folder


def opened(root: Path, split: str = "train", **options):
    return PointCloudDataset.open(root, split, options=PointCloudDataset.Options(**options))


def heard(work: Callable[[], object]) -> list[str]:
    notices = Notices()
    with collecting(notices):
        work()
    return [str(notice) for notice in notices]


def survey(path: Path, classes, version: str = "1.2", point_format: int = 3) -> np.ndarray:
    las = laspy.LasData(laspy.LasHeader(point_format=point_format, version=version))
    places = np.random.default_rng(len(classes)).uniform(0, 50, (len(classes), 3)) + 500_000
    las.header.offsets, las.header.scales = places.min(0), [0.001] * 3
    las.x, las.y, las.z = places.T
    las.classification = np.array(classes, np.uint8)
    las.write(path)
    return places


# S3DIS


def test_objects_of_a_room_are_joined_and_each_point_has_the_class_of_its_file(tmp_path):
    root = room(tmp_path / "Area_1" / "office_1").parent.parent
    (dataset,) = [opened(root, "all")]
    (example,) = dataset
    assert dataset.task == Segmentation(classes=CLASSES, of="points")
    assert dataset.tokenizer_options() == {"labels": "scenes"}
    names = [CLASSES[index] for index in example.target]
    assert names == ["chair", "chair", "clutter", "clutter", "wall", "wall"]  # files in the order of their names
    places = example.sample.points + example.sample.origin
    np.testing.assert_allclose(places, [line[:3] for name in sorted(LINES) for line in LINES[name]], atol=1e-6)
    np.testing.assert_allclose(example.sample.channels["colour"][4] * 255, [10, 20, 30], atol=1e-4)


def test_a_joint_file_beside_the_annotations_is_not_read_twice(tmp_path):
    folder = room(tmp_path / "Area_1" / "office_1")
    (folder / "office_1.txt").write_text("0 0 0 1 1 1\n" * 50)
    (example,) = opened(tmp_path, "all")
    assert len(example.sample.points) == 6


def test_area_5_is_the_test_of_several_areas_and_the_last_one_without_it(tmp_path):
    for area in (1, 2, 5, 10):
        room(tmp_path / f"Area_{area}" / "hall_1")
    assert [Path(scene.path).parent.name for scene in opened(tmp_path, "test").samples] == ["Area_5"]
    assert len(opened(tmp_path, "train")) == 3
    for file in (tmp_path / "Area_5").rglob("*.txt"):
        file.unlink()
    (tmp_path / "Area_5" / "hall_1" / "Annotations").rmdir()
    test = opened(tmp_path, "test")
    assert [Path(scene.path).parent.name for scene in test.samples] == ["Area_10"]
    assert "Area_10 is the test" in test.source


def test_options_choose_another_area_for_the_test(tmp_path):
    for area in (1, 2, 5):
        room(tmp_path / f"Area_{area}" / "hall_1")
    test = opened(tmp_path, "test", group="area", test_group="Area_2")
    assert [Path(scene.path).parent.name for scene in test.samples] == ["Area_2"]
    folds = {opened(tmp_path, "test", group="area", folds=3, fold=fold).samples[0].path for fold in (1, 2, 3)}
    assert len(folds) == 3


def test_one_area_is_split_by_whole_rooms(tmp_path):
    for number in range(10):
        room(tmp_path / "Area_1" / f"room_{number}")
    train, test = (opened(tmp_path, split) for split in ("train", "test"))
    of_train, of_test = ({scene.path for scene in part.samples} for part in (train, test))
    assert len(of_train) == 8 and len(of_test) == 2 and not of_train & of_test
    assert "10 rooms: 2 of them are the test" in train.source
    with pytest.raises(MissingSplitError):
        opened(tmp_path, "val")


def test_one_room_is_cut_into_halves_along_its_longer_axis(tmp_path):
    draw = np.random.default_rng(0)
    places = draw.uniform(0, 1, (400, 3)) * (3, 20, 3)  # longer along y
    lines = [(*place, 0, 0, 0) for place in places.round(3).tolist()]
    kinds = {"wall_1": places[:, 1] < 3.75, "floor_1": places[:, 1] >= 3.75}  # the first quarter has no floor
    room(tmp_path, {name: [line for line, is_of in zip(lines, of, strict=True) if is_of] for name, of in kinds.items()})
    parts = {split: opened(tmp_path, split)[0] for split in ("train", "val", "test")}
    assert {split: len(part.target) for split, part in parts.items()} == {"train": 150, "val": 50, "test": 200}
    ends = {split: (part.sample.points + part.sample.origin)[:, 1] for split, part in parts.items()}
    assert max(ends["train"].max(), ends["val"].max()) <= ends["test"].min()
    before, behind = ends["train"] < ends["val"].min(), ends["train"] > ends["val"].max()
    assert (before | behind).all() and before.sum() == 50  # the second of four, which has both as the whole has
    assert "cut along y at half its points" in opened(tmp_path).source
    assert len(opened(tmp_path, "all")[0].target) == 400


def test_of_two_rooms_one_is_the_test_and_the_other_one_is_cut_for_val(tmp_path):
    for number in (1, 2):
        room(tmp_path / f"room_{number}", {name: lines * 4 for name, lines in LINES.items()})
    train, val, test = (opened(tmp_path, split) for split in ("train", "val", "test"))
    assert {train.samples[0].path, test.samples[0].path} == {str(tmp_path / "room_1"), str(tmp_path / "room_2")}
    assert val.samples[0].path == train.samples[0].path
    assert (len(train[0].target), len(val[0].target)) == (18, 6)


def test_an_empty_annotation_is_left_out_and_reported(tmp_path):
    room(tmp_path / "a", {**LINES, "table_1": []})
    said = heard(lambda: opened(tmp_path, "all")[0])
    assert any("table_1.txt is empty" in each for each in said)


def test_stairs_count_as_clutter_and_it_is_said(tmp_path):
    room(tmp_path / "a", {"stairs_1": [(0, 0, 0, 1, 1, 1), (1, 1, 1, 1, 1, 1)]})
    dataset = opened(tmp_path, "all")
    assert [CLASSES[index] for index in dataset[0].target] == ["clutter"] * 2
    assert "stairs count as clutter" in dataset.source


def test_classes_of_other_rooms_are_listed_or_sorted(tmp_path):
    room(tmp_path / "a", {"tree_1": LINES["wall_1"], "big_rock_2": LINES["chair_2"]})
    assert opened(tmp_path, "all").task.classes == ("big_rock", "tree")
    (tmp_path / "class_names.txt").write_text("tree\nbig_rock")
    assert opened(tmp_path, "all").task.classes == ("tree", "big_rock")
    (tmp_path / "class_names.txt").write_text("tree\n")
    with pytest.raises(DatasetError, match="classes big_rock, which are none of tree"):
        opened(tmp_path, "all")


def test_a_file_that_is_not_called_after_a_class_is_refused(tmp_path):
    room(tmp_path / "a", {**LINES, "wall": LINES["wall_1"]})
    with pytest.raises(DatasetError, match=r"wall\.txt is not called after a class"):
        opened(tmp_path, "all")


def test_classes_that_a_run_does_not_have_are_refused(tmp_path):
    room(tmp_path / "a", {"tree_1": LINES["wall_1"], "rock_1": LINES["chair_2"]})
    room(tmp_path / "b" / "a", {"rock_1": LINES["wall_1"]})
    room(tmp_path / "c" / "a", {"hedge_1": LINES["wall_1"]})
    task = opened(tmp_path / "a", "all").task
    again = PointCloudDataset.open(tmp_path / "b", "all", task=task)
    assert again.task.classes == ("rock", "tree") and again[0].target.tolist() == [0, 0]
    with pytest.raises(OptionError, match="classes that the task does not: hedge"):
        PointCloudDataset.open(tmp_path / "c", "all", task=task)


@pytest.mark.parametrize("line", ["1 2 3", "1 2 3 4 5 x"])
def test_a_line_of_other_columns_is_refused_with_its_file(tmp_path, line):
    folder = room(tmp_path / "a")
    (folder / "Annotations" / "wall_1.txt").write_text(f"{line}\n{line}\n")
    with pytest.raises(InputError, match=r"wall_1\.txt"):
        opened(tmp_path, "all")[0]


def test_points_that_are_not_finite_are_left_out_with_their_labels(tmp_path):
    room(tmp_path, {"wall_1": [(0, 0, 0, 1, 1, 1), ("nan", 0, 0, 1, 1, 1)], "floor_1": [(5, 1, 1, 1, 1, 1)] * 2})
    (example,) = opened(tmp_path, "all")
    assert [CLASSES[index] for index in example.target] == ["floor", "floor", "wall"]
    assert example.sample.rows.tolist() == [0, 1, 2] and example.sample.num_rows == 4


def test_a_room_whose_files_have_changed_is_read_again(tmp_path):
    room(tmp_path)
    assert len(opened(tmp_path, "all")[0].target) == 6
    with (tmp_path / "Annotations" / "wall_1.txt").open("a") as file:
        file.write("9 9 9 1 1 1\n")
    assert len(opened(tmp_path, "all")[0].target) == 7


def test_colours_of_16_bits_are_told_from_those_of_8(tmp_path):
    room(tmp_path / "a", {"wall_1": [(0, 0, 0, 65535, 0, 0), (1, 1, 1, 0, 32768, 0)]})
    colours = opened(tmp_path, "all")[0].sample.channels["colour"]
    np.testing.assert_allclose(colours, [[1, 0, 0], [0, 0.5, 0]], atol=1e-4)


# SemanticKITTI


def sequence(root: Path, number: int, labels: list[int] | None, points: np.ndarray | None = None) -> Path:
    folder = root / "sequences" / f"{number:02}"
    (folder / "velodyne").mkdir(parents=True)
    count = 4 if labels is None else len(labels)
    places = np.random.default_rng(number).normal(size=(count, 4)) * (10, 10, 2, 0.1) if points is None else points
    places.astype("<f4").tofile(folder / "velodyne" / "000000.bin")
    if labels is not None:
        (folder / "labels").mkdir()
        instances = np.arange(len(labels), dtype=np.uint32) << 16  # the upper bits are the object
        (instances | np.array(labels, np.uint32)).tofile(folder / "labels" / "000000.label")
    return folder


def test_sweeps_have_the_standard_split_and_the_lower_bits_are_the_class(tmp_path):
    for number in (0, 7, 8, 10):
        sequence(tmp_path, number, [10, 252, 40, 60, 0, 1, 52, 99])
    sequence(tmp_path, 11, None)
    train, val, test = (opened(tmp_path, split) for split in ("train", "val", "test"))
    assert [len(train), len(val), len(test)] == [3, 1, 1]
    assert train.groups() == ["00", "07", "10"]
    names = [SWEEP_CLASSES and (*SWEEP_CLASSES, "void")[index] for index in val[0].target]
    assert names == ["car", "car", "road", "road", "void", "void", "void", "void"]
    assert val.task.num_outputs == 19
    assert test.targets() == [None] and test[0].target is None
    assert np.asarray(train.targets()[0]).tolist() == train[0].target.tolist()


def test_labels_of_another_number_than_points_are_refused(tmp_path):
    folder = sequence(tmp_path, 0, [10, 40, 50])
    np.zeros(2, "<u4").tofile(folder / "labels" / "000000.label")
    with pytest.raises(InputError, match=r"000000\.label has 2 labels, and .*000000\.bin 3 points"):
        opened(tmp_path)[0]


def test_a_number_outside_the_map_is_refused(tmp_path):
    sequence(tmp_path, 0, [10, 40, 77])
    with pytest.raises(InputError, match=r"000000\.label has points of class 77"):
        opened(tmp_path)[0]


def test_a_scan_whose_labels_are_absent_is_refused(tmp_path):
    folder = sequence(tmp_path, 0, [10, 40, 50])
    np.ones((5, 4), "<f4").tofile(folder / "velodyne" / "000001.bin")
    with pytest.raises(DatasetError, match=r"none for 1 of 2 scans: 000001\.bin"):
        opened(tmp_path)


# surveys, and other files with a column of labels


def test_surveys_are_found_and_unclassified_points_are_of_no_class(tmp_path):
    for number in range(5):
        survey(tmp_path / f"{number}.las", [0, 1, 2, 6, 2])
    dataset = opened(tmp_path, "all")
    assert dataset.task.classes == ("ground", "building") and dataset.task.numbers == (2, 6)
    assert dataset[0].target.tolist() == [-1, -1, 0, 1, 0]
    assert "points of class 0 and 1 count as of no class" in dataset.source
    assert len(opened(tmp_path, "train")) == 4 and len(opened(tmp_path, "test")) == 1


def test_void_is_chosen_by_option(tmp_path):
    survey(tmp_path / "a.las", [0, 1, 2, 6, 2])
    dataset = opened(tmp_path, "all", void=[0, 6])
    assert dataset.task.classes == ("unclassified", "ground")
    assert dataset[0].target.tolist() == [-1, 0, 1, -1, 1]
    with pytest.raises(DatasetError, match="the class building alone; 0 and 1 and 2 count as no class"):
        opened(tmp_path, "all", void=[0, 1, 2])


def test_surveys_in_folders_of_splits_have_these(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        survey(tmp_path / split / "a.laz", [2, 5, 2])
    assert [len(opened(tmp_path, split)) for split in ("train", "test", "all")] == [1, 1, 2]


def test_surveys_in_folders_of_classes_stay_whole_clouds(tmp_path):
    for name in ("barn", "tower"):
        (tmp_path / name).mkdir()
        survey(tmp_path / name / "a.las", [2, 6, 2])
    assert opened(tmp_path).task.kind == "classification"


def test_a_number_that_the_first_files_did_not_have_is_refused_with_its_file(tmp_path):
    survey(tmp_path / "a.las", [2, 6, 2])
    run = opened(tmp_path, "all").task
    survey(tmp_path / "b.las", [2, 9, 9, 9])
    with pytest.raises(OptionError, match="water"):
        PointCloudDataset.open(tmp_path, "all", task=run)


def test_any_clouds_with_a_column_of_labels_are_scenes_where_it_is_asked(tmp_path):
    (tmp_path / "a.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
        "property float scalar_Classification\nend_header\n0 0 0 4\n1 0 0 7\n0 2 0 4\n"
    )
    dataset = opened(tmp_path, "all", labels="scenes")
    assert dataset.task.numbers == (4, 7) and dataset[0].target.tolist() == [0, 1, 0]


def test_a_void_number_of_a_text_is_read_as_text(tmp_path):
    assert PointCloudDataset.Options.parse({"void": "0,255"}).void == (0, 255)


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of real data")
def test_a_real_forest_has_every_point_once():
    root = Path(os.environ["MT_DATA"]) / "point_cloud" / "forest_plots"
    whole = opened(root, "all")
    assert whole.task.classes == ("tree", "ground", "clutter")
    assert np.bincount(whole[0].target).tolist() == [36855, 37783, 34534]
    parts = [opened(root, split)[0].sample for split in ("train", "val", "test")]
    every = np.concatenate([part.points for part in parts])
    assert np.array_equal(np.sort(every[:, 0]), np.sort(whole[0].sample.points[:, 0]))
    assert sum(len(part.points) for part in parts) == 109_172


@pytest.mark.filterwarnings("ignore:.*16-bit colours that are all below 256")
@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of real data")
def test_real_surveys_of_one_class_say_what_counts_as_none():
    root = Path(os.environ["MT_DATA"]) / "point_cloud" / "lidar_scans" / "las"
    with pytest.raises(DatasetError, match="the class ground alone; 1 count as no class"):
        opened(root)
    dataset = opened(root, "all", void="")
    assert dataset.task.classes == ("unclassified", "ground")
