"""Scores of features on labelled pictures."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from mt_core.errors import DatasetError, PluginError
from mt_pretrain.formulas import scoring
from mt_pretrain.formulas.scoring import balanced_subset, knn_classes, open_pictures, ridge_classes, scores


def clusters(spread, classes=3, each=30, width=5):
    """Features around a point a class, and the classes."""
    generator = torch.Generator().manual_seed(0)
    middles = torch.randn(classes, width, generator=generator) * 4
    labels = torch.arange(classes).repeat_interleave(each)
    return middles[labels] + spread * torch.randn(len(labels), width, generator=generator), labels


@pytest.mark.parametrize("tell", [knn_classes, ridge_classes])
def test_classes_that_lie_apart_are_told(tell):
    features, labels = clusters(spread=0.1)
    assert torch.equal(tell(features[::2], labels[::2], features[1::2]), labels[1::2])


@pytest.mark.parametrize("tell", [knn_classes, ridge_classes])
def test_features_without_classes_tell_nothing(tell):
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(600, 20, generator=generator), torch.arange(600) % 3
    right = tell(features[:300], labels[:300], features[300:]) == labels[300:]
    assert 0.2 < float(right.float().mean()) < 0.47


@pytest.mark.parametrize("tell", [knn_classes, ridge_classes])
def test_where_all_features_lie_changes_no_answer(tell):
    features, labels = clusters(spread=3)
    near, far = (tell(moved[::2], labels[::2], moved[1::2]) for moved in (features, features + 50))
    assert float((near == far).float().mean()) > 0.95


def test_the_probe_uses_a_direction_that_neighbours_do_not_see():
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(400, 60, generator=generator), torch.arange(400) % 2
    features[:, 0] = labels - 0.5 + 0.05 * features[:, 0]
    parts = features[:200], labels[:200], features[200:]
    right = [float((tell(*parts) == labels[200:]).float().mean()) for tell in (ridge_classes, knn_classes)]
    assert right[0] > 0.95 > 0.8 > right[1]


def test_a_choice_has_of_each_class_as_many_as_there_are():
    targets = [0] * 50 + [1] * 4 + [2] * 50 + [None] * 5
    chosen = [targets[index] for index in balanced_subset(targets, 24)]
    assert [chosen.count(target) for target in (0, 1, 2, None)] == [10, 4, 10, 0]
    assert balanced_subset(targets, 24) == balanced_subset(targets, 24)


@pytest.fixture
def two_colours(tmp_path):
    """A folder of red and of blue pictures."""
    pytest.importorskip("mt_plugin_image")
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        (tmp_path / "colours" / name).mkdir(parents=True)
        for number in range(9):
            noise = np.random.default_rng(number).integers(-20, 20, (20, 24, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "colours" / name / f"{number}.png")
    return tmp_path / "colours"


def test_pictures_of_a_folder_are_resized_and_held_apart(two_colours):
    (pictures,) = open_pictures([two_colours], 16)
    assert pictures.name == "colours"
    assert pictures.train.shape[1:] == pictures.test.shape[1:] == (3, 16, 16)
    assert len(pictures.train) + len(pictures.test) == 18
    told = scores(pictures, lambda pixels: pixels.mean((2, 3)))
    assert told == {"knn": 1.0, "probe": 1.0}


def test_folders_of_one_name_are_told_apart_by_those_above_them(two_colours, tmp_path):
    copies = [tmp_path / where for where in ("a/new/colours", "b/new/colours", "greys")]
    for copy in copies:
        shutil.copytree(two_colours, copy)
    told = open_pictures([*copies, copies[0]], 16)
    assert [pictures.name for pictures in told] == ["a/new/colours", "b/new/colours", "greys"]
    assert [pictures.source.partition(" (")[0] for pictures in told] == [str(copy) for copy in copies]


def test_without_a_folder_it_is_the_digits():
    pytest.importorskip("mt_plugin_image")
    pytest.importorskip("sklearn")
    (pictures,) = open_pictures([], 16)
    assert "scikit-learn" in pictures.source
    told = scores(pictures, lambda pixels: pixels.mean(1).flatten(1))
    assert told["knn"] > 0.9 and told["probe"] > 0.8


def test_without_the_image_plugin_nothing_is_scored_unless_asked_for(monkeypatch, two_colours):
    def absent(name):
        raise PluginError("the modality image is not installed", "pip install mt-plugin-image")

    monkeypatch.setattr(scoring, "get", absent)
    assert open_pictures([], 16) == []
    with pytest.raises(PluginError, match="not installed"):
        open_pictures([two_colours], 16)


def test_one_class_is_refused(two_colours):
    for picture in (two_colours / "red").iterdir():
        picture.unlink()
    with pytest.raises(DatasetError, match="one class only"):
        open_pictures([two_colours], 16)
