"""Films whose pixels are labelled."""

from pathlib import Path

import numpy as np
from PIL import Image

from mt_plugin_xray.dataset import XrayDataset
from mt_plugin_xray.tokenizer import XrayTokenizer
from mt_plugin_xray.views import write


def test_masks_beside_films_are_found_cut_and_written(tmp_path: Path):
    for split in ("train", "test"):
        for kind in ("images", "labels"):
            (tmp_path / split / kind).mkdir(parents=True)
        rows = np.tile(np.linspace(0, 255, 40, dtype=np.uint8), (30, 1))
        Image.fromarray(rows).save(tmp_path / split / "images" / "chest.png")
        Image.fromarray((rows > 100).astype(np.uint8)).save(tmp_path / split / "labels" / "chest.png")
    dataset = XrayDataset.open(tmp_path, "test", options=XrayDataset.Options(classes=("air", "lung")))
    options = XrayTokenizer.Options(size=16, patch=8, **dataset.tokenizer_options())
    tokenizer = XrayTokenizer(8, options)
    item, target = tokenizer.prepare_example(tokenizer.read(dataset[0].sample), dataset[0].target)
    assert item["pixels"].shape[1:] == (1, 16, 16) and item["size"].tolist() == [30, 40]
    assert target.shape == (30, 40)
    tokens = tokenizer(tokenizer.collate([item]))
    assert tokens.side["pixels"].shape[2] == 3
    record = {"prediction": {"size": [30, 40], "values": [0, 1], "lengths": [600, 600]}}
    written = write(dataset[0].sample, [record], dataset.task, tmp_path)
    with Image.open(written[0]) as mask:
        assert (np.asarray(mask)[0, 0], np.asarray(mask)[-1, -1]) == (0, 1)
