"""Thermal pictures whose objects are labelled."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mt_core.contract import Boxes, Detection
from mt_core.heads.joining import join_squares
from mt_plugin_infrared.dataset import InfraredDataset
from mt_plugin_infrared.tokenizer import InfraredTokenizer
from mt_plugin_infrared.views import write


@pytest.mark.parametrize("flip_vertical", [False, True])
def test_a_hot_spot_and_its_box_move_alike(flip_vertical: bool):
    chosen = {"size": 32, "patch": 8, "labels": "boxes", "across": 2, "flip_vertical": flip_vertical}
    tokenizer = InfraredTokenizer(8, InfraredTokenizer.Options(levels="full", augment=0.0, **chosen))
    frame = np.zeros((64, 64, 1), np.uint16)
    frame[8:24, 40:60] = 60_000
    tops = set()
    for seed in range(8):
        item, moved = tokenizer.prepare_example(
            frame, Boxes([[40, 8, 60, 24]], [0]), torch.Generator().manual_seed(seed)
        )
        side = {name: item[name][None] for name in ("squares", "resized", "size")}
        (whole,) = join_squares(item["pixels"].float(), side)
        down, across = ((whole[..., 0] > 0.5).any(axis).nonzero()[:, 0] for axis in (1, 0))
        seen = [int(across.min()), int(down.min()), int(across.max()) + 1, int(down.max()) + 1]
        assert moved.xyxy[0].tolist() == pytest.approx(seen, abs=1)
        tops.add(seen[1])
    assert len(tops) == 1 + flip_vertical


def test_boxes_beside_thermal_tiff_files_are_found_and_drawn(tmp_path: Path):
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    Image.fromarray(np.arange(4800, dtype=np.uint16).reshape(60, 80)).save(tmp_path / "images" / "roof.tiff")
    (tmp_path / "labels" / "roof.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (tmp_path / "classes.txt").write_text("leak\n")
    dataset = InfraredDataset.open(tmp_path)
    assert dataset.task == Detection(classes=("leak",))
    assert dataset[0].target.xyxy.tolist() == [[30, 15, 50, 45]]
    found = [{"class": "leak", "score": 0.9, "box": [30.0, 15.0, 50.0, 45.0]}]
    (path,) = write(dataset[0].sample, [{"size": [60, 80], "prediction": found}], dataset.task, tmp_path)
    with Image.open(path) as drawn:
        assert drawn.size == (480, 360) and drawn.mode == "RGB"
