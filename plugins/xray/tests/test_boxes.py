"""Films whose findings have boxes."""

from pathlib import Path

import numpy as np
from PIL import Image

from mt_core.contract import Detection
from mt_plugin_xray.dataset import XrayDataset
from mt_plugin_xray.tokenizer import XrayTokenizer
from mt_plugin_xray.views import write

ANNOTATION = """<annotation><size><width>40</width><height>30</height></size><object><name>fracture</name><bndbox>
<xmin>11</xmin><ymin>6</ymin><xmax>20</xmax><ymax>15</ymax></bndbox></object></annotation>"""


def test_boxes_beside_films_are_found_looked_at_and_drawn(tmp_path: Path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        rows = np.tile(np.linspace(0, 255, 40, dtype=np.uint8), (30, 1))
        Image.fromarray(rows).save(tmp_path / split / "wrist.png")
        (tmp_path / split / "wrist.xml").write_text(ANNOTATION)
    dataset = XrayDataset.open(tmp_path, "test")
    assert dataset.task == Detection(classes=("fracture",))
    options = XrayTokenizer.Options(size=16, patch=8, across=1, **dataset.tokenizer_options())
    tokenizer = XrayTokenizer(8, options)
    item, target = tokenizer.prepare_example(tokenizer.read(dataset[0].sample), dataset[0].target)
    assert item["pixels"].shape[1:] == (1, 16, 16) and item["size"].tolist() == [30, 40]
    assert target.xyxy.tolist() == [[10, 5, 20, 15]]
    tokens = tokenizer(tokenizer.collate([item]))
    assert tokens.side["pixels"].shape[2] == 3
    found = [{"class": "fracture", "score": 0.5, "box": [10.0, 5.0, 20.0, 15.0]}]
    (path,) = write(dataset[0].sample, [{"size": [30, 40], "prediction": found}], dataset.task, tmp_path)
    assert path.name == "wrist_boxes.png" and path.stat().st_size > 100
