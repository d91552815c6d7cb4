"""The pictures that the page of detection is drawn from: each shape lies in its box."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def drawing(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import detection_picture

    yield detection_picture
    sys.modules.pop("detection_picture")


@pytest.mark.parametrize("seed", range(4))
def test_a_shape_fills_its_box_and_has_the_colour_of_its_class(drawing, seed):
    picture, found = drawing.drawn(np.random.default_rng(seed))
    pixels, colours = np.asarray(picture).astype(int), tuple(drawing.CLASSES.values())
    assert picture.size == (128, 128) and 2 <= len(found) <= 4
    for kind, *box in found:
        left, top, right, bottom = (round(edge) for edge in box)
        near = np.abs(pixels[top:bottom, left:right] - colours[kind]).max(-1) < 40
        assert near.mean() > 0.4  # a triangle is half of its box
        assert near[:, : near.shape[1] // 3].any() and near[-4:].any()


def test_boxes_are_written_as_yolo_has_them(drawing, tmp_path):
    from mt_plugin_image.dataset import ImageDataset

    drawing.write_data(tmp_path / "data", 3, 0)
    options = ImageDataset.Options(labels="boxes", classes=tuple(drawing.CLASSES))
    dataset = ImageDataset.open(tmp_path / "data", options=options)
    _, found = drawing.drawn(np.random.default_rng(0))
    assert np.allclose(dataset[0].target.xyxy, [box for _, *box in found], atol=1e-3)
