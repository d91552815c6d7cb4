"""Pictures whose objects are labelled, from the folder to the boxes that are predicted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from PIL import Image

from mt_core.cli import main
from mt_core.conformance import CHECKS, Check, SuiteRunner
from mt_core.contract import Boxes, Detection
from mt_core.errors import DatasetError, OptionError
from mt_plugin_image.dataset import ImageDataset

NUMBERS = {"light": 4, "dark": 7}  # as the JSON file numbers them


def drawn(draw: np.random.Generator) -> tuple[np.ndarray, list[tuple[str, list[int]]]]:
    """A grey picture of one light or dark rectangle, or of one of each."""
    picture = np.full((32, 48, 3), 120, np.uint8)
    objects = []
    for kind, left_half in (("light", True), ("dark", False)):
        if draw.random() < 0.8 or not objects:
            left, top = int(draw.integers(0, 10)) + (0 if left_half else 24), int(draw.integers(0, 16))
            width, height = int(draw.integers(8, 14)), int(draw.integers(8, 16))
            picture[top : top + height, left : left + width] = 250 if kind == "light" else 5
            objects.append((kind, [left, top, min(width, 48 - left), min(height, 32 - top)]))
    return picture, objects


@pytest.fixture
def rectangles(tmp_path: Path) -> Path:
    """Drawn pictures in COCO's layout."""
    draw, root = np.random.default_rng(0), tmp_path / "rectangles"
    for split, count in (("train", 16), ("val", 2), ("test", 4)):
        (root / split).mkdir(parents=True)
        record: dict[str, Any] = {"images": [], "annotations": []}
        record["categories"] = [{"id": number, "name": name} for name, number in NUMBERS.items()]
        for image in range(count):
            picture, objects = drawn(draw)
            Image.fromarray(picture).save(root / split / f"{image:04}.png")
            record["images"].append({"id": image, "file_name": f"{image:04}.png", "width": 48, "height": 32})
            record["annotations"] += [
                {"id": 10 * image + at + 1, "image_id": image, "category_id": NUMBERS[kind], "bbox": bbox, "iscrowd": 0}
                for at, (kind, bbox) in enumerate(objects)
            ]
        (root / split / "_annotations.coco.json").write_text(json.dumps(record))
    return root


def test_boxes_beside_pictures_make_a_task_of_objects(rectangles: Path):
    dataset = ImageDataset.open(rectangles)
    assert dataset.task == Detection(classes=("light", "dark"), numbers=(4, 7))
    assert dataset.tokenizer_options() == {"labels": "boxes"}
    assert dataset[0].target.size == (32, 48)
    run = Detection(classes=("dark", "light"))
    assert (ImageDataset.open(rectangles, task=run)[0].target.classes == 1 - dataset[0].target.classes).all()
    with pytest.raises(OptionError, match="classes that the task does not: light"):
        ImageDataset.open(rectangles, task=Detection(classes=("dark",)))
    with pytest.raises(DatasetError, match="no folder per class"):
        ImageDataset.open(rectangles, options=ImageDataset.Options(labels="pictures"))


class Rectangles(ImageDataset):
    """A demonstration whose objects are labelled, some of them ignored, in pictures of two sizes."""

    demo_options: ClassVar[dict[str, Any]] = {
        "size": 16, "patch": 4, "labels": "boxes", "across": 1, "overlap": 0.0, "augment": 1.0
    }  # fmt: skip

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        draw = np.random.default_rng((seed, len(split)))
        pictures, targets = [], []
        for row in range(size):
            picture, objects = drawn(draw)
            boxes = [[left, top, left + width, top + height] for _, (left, top, width, height) in objects]
            pictures.append(np.pad(picture, ((0, 0), (0, 16 * (row % 2)), (0, 0))))
            classes = np.array([list(NUMBERS).index(kind) for kind, _ in objects])
            targets.append(Boxes(np.array(boxes, float), classes, np.array([row % 5 == 0] * len(boxes))))
        return cls(pictures, targets, Detection(classes=tuple(NUMBERS)), "drawn rectangles")


@pytest.mark.slow
@pytest.mark.parametrize("check", [c for c in CHECKS if c.family == "head" or "target" in c.name], ids=lambda c: c.name)
def test_the_head_for_objects_keeps_what_heads_promise(check: Check):
    runner = SuiteRunner("image")
    runner.plugin.dataset_class = Rectangles
    runner.plugin.tokenizer_options = Rectangles.demo_options
    result = runner.run(check)
    assert result.outcome == "passed", result.message


@pytest.mark.slow
def test_from_a_folder_to_boxes(rectangles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run, shown = str(tmp_path / "run"), tmp_path / "shown"
    small = ["-O", "size=32", "-O", "patch=8", "-O", "across=1", "-O", "overlap=0.0", "-H", "convs=1"]
    settings = ["--tune", "probe", "--epochs", "12", "--batch-size", "4", "--lr", "0.01", "--num-workers", "0", "-q"]
    assert main(["train", "image", "--data", str(rectangles), "--out", run, *small, *settings]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["tokenizer"]["options"]["labels"] == "boxes"
    assert (tmp_path / "run" / "detection.png").stat().st_size > 1000
    assert "Pictures that were not trained on" in (tmp_path / "run" / "report.html").read_text()
    capsys.readouterr()
    assert main(["evaluate", run, "--data", str(rectangles), "--json", "--num-workers", "0", "-q"]) == 0
    measured = json.loads(capsys.readouterr().out)["metrics"]
    assert measured["map_50"] > 0.1 and {"map", "map_75", "ap_light", "ap_dark"} <= measured.keys()

    files = sorted(str(path) for path in (rectangles / "test").glob("*.png"))
    assert main(["predict", run, *files, "-o", str(shown), "--num-workers", "0"]) == 0
    assert all((shown / f"{Path(file).stem}_boxes.png").stat().st_size > 100 for file in files)
    found = json.loads((shown / "coco_results.json").read_text())
    predictions = [json.loads(line) for line in (shown / "predictions.jsonl").read_text().splitlines()]
    assert len(found) == sum(len(each["prediction"]) for each in predictions) > 0
    assert {each["category_id"] for each in found} <= set(NUMBERS.values())
    assert {each["image_id"] for each in found} <= {0, 1, 2, 3}

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO(str(rectangles / "test" / "_annotations.coco.json"))
    for each in truth.dataset["annotations"]:
        each["area"] = each["bbox"][2] * each["bbox"][3]
    evaluation = COCOeval(truth, truth.loadRes(str(shown / "coco_results.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert float(evaluation.stats[0]) == pytest.approx(measured["map"], abs=1e-3)


DATA = os.environ.get("MT_DATA")


@pytest.mark.skipif(DATA is None, reason="MT_DATA is not set: no BCCD, facemask_coco, parking_space_yolo")
@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
@pytest.mark.parametrize(
    ("name", "classes", "counts"),
    [
        ("BCCD", ("Platelets", "RBC", "WBC"), {"train": 60, "val": 20, "test": 30}),
        ("facemask_coco", ("mask_weared_incorrect", "with_mask", "without_mask"), {"train": 28, "val": 12}),
        ("parking_space_yolo", ("CarIn", "GateClosed", "GateOpened"), {"train": 34, "val": 10, "test": 3}),
    ],
)
def test_public_data_are_found(name, classes, counts):
    root = Path(str(DATA)) / "image" / name
    opened = {split: ImageDataset.open(root, split) for split in counts}
    assert {split: len(dataset) for split, dataset in opened.items()} == counts
    assert opened["train"].task.classes == classes
    if name == "BCCD":  # 1,243 red cells, 112 white ones and 103 platelets, one of which has no area
        assert sum(len(target.classes) for target in ImageDataset.open(root, "all").targets()) == 1457
