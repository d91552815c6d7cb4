"""Thermal pictures whose pixels are labelled."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mt_core.contract import Segmentation
from mt_plugin_infrared.dataset import InfraredDataset
from mt_plugin_infrared.tokenizer import InfraredTokenizer
from mt_plugin_infrared.views import write


@pytest.mark.parametrize("flip_vertical", [False, True])
def test_squares_of_frame_and_mask_are_cut_and_turned_alike(flip_vertical: bool):
    options = {"size": 16, "patch": 8, "labels": "pixels", "squares": 4, "flip_vertical": flip_vertical}
    tokenizer = InfraredTokenizer(8, InfraredTokenizer.Options(levels="full", **options))
    frame = (np.indices((40, 60)).sum(0) * 600).astype(np.uint16)[..., None]
    warm = (frame[..., 0] > 30_000).astype(np.int64)
    for seed in range(4):
        item, target = tokenizer.prepare_example(frame, warm, torch.Generator().manual_seed(seed))
        seen = item["pixels"][:, 0].reshape(-1, 16).float() > 30_000 / 65_535
        assert (seen.long() == torch.from_numpy(np.ascontiguousarray(target))).float().mean() > 0.85


def test_masks_beside_thermal_tiff_files_are_found_and_written(tmp_path: Path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    Image.fromarray(np.arange(48, dtype=np.uint16).reshape(6, 8) * 100).save(tmp_path / "images" / "roof.tiff")
    Image.fromarray(np.eye(6, 8, dtype=np.uint8) * 255).save(tmp_path / "masks" / "roof.png")
    dataset = InfraredDataset.open(tmp_path)
    assert dataset.task == Segmentation(classes=("background", "foreground"), of="pixels", numbers=(0, 255))
    record = {"prediction": {"size": [6, 8], "values": [1], "lengths": [48]}}
    written = write(dataset[0].sample, [record], dataset.task, tmp_path)
    with Image.open(written[0]) as mask, Image.open(written[1]) as overlay:
        assert np.asarray(mask).min() == 255 and overlay.size == (8, 6)
