"""Clouds whose points have classes: where the labels come from, what the tokenizer passes on, what is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import laspy
import numpy as np
import pytest
import torch

from mt_core.contract import Classification, Segmentation
from mt_core.errors import DatasetError, InputError, MissingSplitError, OptionError
from mt_plugin_pointcloud.dataset import PointCloudDataset
from mt_plugin_pointcloud.reading import read_cloud
from mt_plugin_pointcloud.tokenizer import PointCloudOptions, PointCloudTokenizer
from mt_plugin_pointcloud.views import COLOURS, write


@pytest.fixture
def shapenet(tmp_path) -> Path:
    """Two models of two categories, in the benchmark's own layout."""
    (tmp_path / "synsetoffset2category.txt").write_text("Cap\t02954340\nChair\t03001627\n")
    lists = tmp_path / "train_test_split"
    lists.mkdir()
    for split, models in (("train", ["02954340/a", "03001627/b"]), ("val", ["03001627/c"]), ("test", ["02954340/d"])):
        (lists / f"shuffled_{split}_file_list.json").write_text(json.dumps([f"shape_data/{name}" for name in models]))
        for name in models:
            first = 6 if name.startswith("02954340") else 12
            draw = np.random.default_rng(len(name))
            rows = np.c_[draw.normal(size=(40, 3)), np.tile([0, 0, 1.0], (40, 1)), first + np.arange(40) % 2]
            path = tmp_path / f"{name}.txt"
            path.parent.mkdir(exist_ok=True)
            np.savetxt(path, rows, fmt="%.6f")
    return tmp_path


def survey(path: Path, classes: np.ndarray, offset: float = 500_000.0) -> np.ndarray:
    las = laspy.LasData(laspy.LasHeader(point_format=3, version="1.2"))
    places = np.random.default_rng(0).uniform(0, 50, (len(classes), 3)) + offset
    las.header.offsets, las.header.scales = places.min(0), [0.001] * 3
    las.x, las.y, las.z = places.T
    las.classification = classes
    las.write(path)
    return places


def test_the_parts_of_one_category_are_counted_from_zero(shapenet):
    dataset = PointCloudDataset.open(shapenet, "train", options=PointCloudDataset.Options(category="Chair"))
    assert dataset.task == Segmentation(classes=("chair 1", "chair 2", "chair 3", "chair 4"))
    (example,) = dataset
    assert example.target.tolist() == [0, 1] * 20
    assert len(example.sample.points) == 40 and "normals" in example.sample.channels


@pytest.mark.parametrize("table", ["Cap 02954340\nChair\n", "", "Cap 02954340\nShip 04530566\n"])
@pytest.mark.parametrize("category", ["Chair", "Ship"])
def test_a_category_that_the_list_does_not_have_is_refused(shapenet, table, category):
    (shapenet / "synsetoffset2category.txt").write_text(table)
    with pytest.raises(OptionError, match=category):
        PointCloudDataset.open(shapenet, "train", options=PointCloudDataset.Options(category=category))


def test_all_categories_have_fifty_parts_together(shapenet):
    dataset = PointCloudDataset.open(shapenet, "all")
    assert dataset.task.num_outputs == 50 and len(dataset) == 4
    assert [set(example.target.tolist()) for example in dataset] == [{6, 7}, {12, 13}, {12, 13}, {6, 7}]
    assert len(PointCloudDataset.open(shapenet, "val")) == 1


def test_a_category_that_there_is_not_names_those_there_are(shapenet):
    with pytest.raises(OptionError, match=r"'Boat'\n.*Cap, Chair"):
        PointCloudDataset.open(shapenet, options=PointCloudDataset.Options(category="Boat"))


def test_a_damaged_list_of_models_is_told(shapenet):
    (shapenet / "train_test_split" / "shuffled_train_file_list.json").write_text("[")
    with pytest.raises(DatasetError, match="shuffled_train_file_list"):
        PointCloudDataset.open(shapenet)


def test_a_model_without_its_column_of_parts_is_told(shapenet):
    (shapenet / "03001627" / "b.txt").write_text("1 2 3\n4 5 6\n")
    dataset = PointCloudDataset.open(shapenet, options=PointCloudDataset.Options(category="Chair"))
    with pytest.raises(InputError, match=r"b\.txt has 3 columns"):
        dataset[0]


def test_surveys_carry_the_classes_of_their_specification(tmp_path):
    (tmp_path / "train").mkdir()
    survey(tmp_path / "train" / "a.las", np.array([2] * 30 + [6] * 20, np.uint8))
    dataset = PointCloudDataset.open(tmp_path, options=PointCloudDataset.Options(labels="points"))
    (example,) = dataset
    assert [dataset.task.classes[label] for label in (example.target[0], example.target[-1])] == ["ground", "building"]
    with pytest.raises(MissingSplitError, match="'test'"):
        PointCloudDataset.open(tmp_path, "test", options=PointCloudDataset.Options(labels="points"))


@pytest.mark.parametrize("name", ["label", "class", "scalar_Label"])
def test_columns_of_other_formats_are_labels_by_name(tmp_path, name):
    (tmp_path / "a.csv").write_text(f"x,y,z,{name}\n0,0,0,1\n1,0,0,0\n0,1,0,2\n")
    dataset = PointCloudDataset.open(tmp_path, options=PointCloudDataset.Options(labels="points"))
    assert dataset.task.classes == ("0", "1", "2")
    assert dataset[0].target.tolist() == [1, 0, 2]
    named = PointCloudDataset.open(
        tmp_path, options=PointCloudDataset.Options(labels="points", classes=["car", "tree", "pole"])
    )
    assert named.task.classes == ("car", "tree", "pole")


def test_a_column_of_words_is_no_label_of_points(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,z,label\n0,0,0,car\n1,0,0,car\n")
    assert read_cloud(tmp_path / "a.csv").labels is None
    with pytest.raises(InputError, match="does not say which class"):
        PointCloudDataset.open(tmp_path, options=PointCloudDataset.Options(labels="points"))


def test_more_classes_than_were_named_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,z,label\n0,0,0,0\n1,0,0,5\n")
    dataset = PointCloudDataset.open(
        tmp_path, options=PointCloudDataset.Options(labels="points", classes=["car", "tree"])
    )
    with pytest.raises(InputError, match="class 5, and there are 2"):
        dataset[0]


def test_labels_below_zero_are_not_known_and_fractions_are_no_labels(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,z,label\n0,0,0,-5\n1,0,0,3\n0,1,0,\n")
    assert read_cloud(tmp_path / "a.csv").labels.tolist() == [-1, 3, -1]
    (tmp_path / "a.csv").write_text("x,y,z,label\n0,0,0,0.5\n1,0,0,0.9\n")
    assert read_cloud(tmp_path / "a.csv").labels is None


def test_a_file_of_another_category_is_refused(shapenet):
    (shapenet / "03001627" / "b.txt").write_text("0 0 0 0 0 1 6\n1 0 0 0 0 1 6\n")
    dataset = PointCloudDataset.open(shapenet, "train", options=PointCloudDataset.Options(category="Chair"))
    with pytest.raises(InputError, match=r"b\.txt has parts from 6"):
        dataset[0]


def test_labels_stay_with_their_points_when_others_are_left_out(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,z,label\n0,0,0,1\nnan,0,0,3\n0,1,0,2\n")
    assert read_cloud(tmp_path / "a.csv").labels.tolist() == [1, 2]


def test_labels_are_no_input():
    tokenizer = PointCloudTokenizer(8)
    las = {"points": np.random.default_rng(0).normal(size=(50, 3))}
    cloud = tokenizer.read(las)
    labelled = type(cloud)(cloud.points, cloud.channels, cloud.origin, cloud.name, np.arange(50))
    for name, tensor in tokenizer.prepare(cloud).items():
        assert torch.equal(tensor, tokenizer.prepare(labelled)[name])


@pytest.mark.parametrize("scale", ["unit", "metres"])
@pytest.mark.parametrize("seed", [None, 0])
def test_every_point_is_a_place_in_the_frame_of_the_centres(scale, seed):
    tokenizer = PointCloudTokenizer(8, PointCloudOptions(labels="points", max_points=64, scale=scale))
    cloud = tokenizer.read(np.random.default_rng(0).normal(size=(200, 3)) * 5)
    item = tokenizer.prepare(cloud, None if seed is None else torch.Generator().manual_seed(seed))
    assert item["places"].shape == (200, 3)
    # a centre is one of the points, moved in training by half a percent of the radius at the most
    radius = 1 if scale == "unit" else item["log_radius"].exp()
    nearest = (item["centres"][:, None] - item["places"]).norm(dim=-1).amin(1) / radius
    assert nearest.max() < (1e-5 if seed is None else 0.04)


def test_places_go_to_the_head_and_their_padding_is_told():
    tokenizer = PointCloudTokenizer(8, PointCloudOptions(labels="points"))
    clouds = [np.random.default_rng(size).normal(size=(size, 3)) for size in (30, 50)]
    tokens = tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(cloud)) for cloud in clouds]))
    assert tokens.side["places"].shape == (2, 50, 3)
    assert tokens.side["places_mask"].sum(1).tolist() == [30, 50]


def test_the_coloured_cloud_lies_where_the_survey_lies(tmp_path):
    places = survey(tmp_path / "a.las", np.zeros(50, np.uint8))
    task = Segmentation(classes=("ground", "building"))
    said = ["ground", "building"] * 25
    (path,) = write(tmp_path / "a.las", [{"prediction": said}], task, tmp_path)
    header, _, body = path.read_bytes().partition(b"end_header\n")
    assert b"comment class 1 building: 255 127 14" in header
    kind = [("place", "<f8", 3), ("colour", "u1", 3), ("label", "<i4")]
    rows = np.frombuffer(body, np.dtype(kind))
    np.testing.assert_allclose(rows["place"], places, atol=0.002)
    assert rows["label"].tolist() == [0, 1] * 25
    assert [tuple(colour) for colour in rows["colour"][:2].tolist()] == [COLOURS[0], COLOURS[1]]
    assert read_cloud(path).labels.tolist() == [0, 1] * 25  # our own reader, and everybody's


def test_nothing_is_coloured_for_a_cloud_of_one_class(tmp_path):
    assert write("a.las", [{"prediction": "car"}], Classification(classes=("car",)), tmp_path) == []


def test_predictions_for_centres_alone_say_which_option_is_missing(tmp_path):
    survey(tmp_path / "a.las", np.zeros(50, np.uint8))
    with pytest.raises(InputError, match=r"labels=points"):
        write(tmp_path / "a.las", [{"prediction": ["g"] * 12}], Segmentation(classes=("g",)), tmp_path)


@pytest.mark.filterwarnings("ignore:.*16-bit colours that are all below 256")
@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of real data")
def test_a_real_survey_has_classes_a_point():
    folder = Path(os.environ["MT_DATA"]) / "point_cloud" / "lidar_scans"
    dataset = PointCloudDataset.open(
        next(folder.rglob("*.las")), "all", options=PointCloudDataset.Options(labels="points")
    )
    (example,) = dataset
    assert len(example.target) == len(example.sample.points) > 1000
    assert len(set(example.target.tolist())) > 1
