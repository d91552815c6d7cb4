"""Pictures whose pixels are labelled, from the folder to the masks that are predicted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from PIL import Image

from mt_core.cli import main
from mt_core.conformance import CHECKS, Check, SuiteRunner
from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import mask_from
from mt_core.training.summary import check_targets
from mt_plugin_image.dataset import ImageDataset
from mt_plugin_image.views import write

SKY, SEA = 10, 20  # as the masks number them


def scene(folder: Path, name: str, horizon: int, size: tuple[int, int] = (48, 32)) -> None:
    """A bright sky above a dark sea; the lowest row is of no class."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    width, height = size
    picture = np.full((height, width, 3), (20, 30, 60), np.uint8)
    picture[:horizon] = (180, 200, 250)
    mask = np.full((height, width), SEA, np.uint8)
    mask[:horizon], mask[-1] = SKY, 255
    Image.fromarray(picture).save(folder / "images" / f"{name}.png")
    Image.fromarray(mask).save(folder / "masks" / f"{name}.png")


def opened(path: Path) -> tuple[str, np.ndarray]:
    """Pillow's mode of a picture, and its pixels."""
    with Image.open(path) as picture:
        return picture.mode, np.asarray(picture)


@pytest.fixture
def sea(tmp_path: Path) -> Path:
    for split, horizons in (("train", (8, 10, 12, 14, 16, 18)), ("val", (9, 13)), ("test", (11, 15))):
        for number, horizon in enumerate(horizons):
            scene(tmp_path / "sea" / split, f"{split}{number}", horizon, (48 + 4 * number, 32))
    return tmp_path / "sea"


def test_masks_beside_pictures_make_a_task_of_pixels(sea: Path):
    dataset = ImageDataset.open(sea, options=ImageDataset.Options(classes=("sky", "sea")))
    assert dataset.task == Segmentation(classes=("sky", "sea"), of="pixels", numbers=(SKY, SEA), void=(255,))
    assert dataset.tokenizer_options() == {"labels": "pixels"}
    assert set(dataset[0].target.ravel().tolist()) == {-1, 0, 1}


def test_other_data_are_read_with_the_numbers_of_the_run(sea: Path, tmp_path: Path):
    task = ImageDataset.open(sea, options=ImageDataset.Options(classes=("sky", "sea"))).task
    scene(tmp_path / "calm", "a", 0)  # no sky at all
    assert set(ImageDataset.open(tmp_path / "calm", task=task)[0].target.ravel().tolist()) == {-1, 1}
    (tmp_path / "calm" / "classes.txt").write_text("lava\n")
    with pytest.raises(DatasetError, match=r"20 is lava .* and was sea where the run was trained"):
        ImageDataset.open(tmp_path / "calm", task=task)
    with pytest.raises(OptionError, match="segmentation"):
        ImageDataset.open(sea, task=Segmentation(classes=("sky", "sea")))


def test_masks_of_one_class_are_not_trained_on(tmp_path: Path):
    scene(tmp_path / "calm", "a", 0)
    with pytest.raises(DatasetError, match="all labels are of one class, '20'"):
        check_targets(ImageDataset.open(tmp_path / "calm"), "image")


class Horizons(ImageDataset):
    """A demonstration whose pixels are labelled."""

    demo_options: ClassVar[dict[str, Any]] = {"size": 16, "patch": 8, "labels": "pixels", "squares": 2, "augment": 1.0}

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        draw = np.random.default_rng((seed, len(split)))
        pictures = [draw.integers(0, 255, (24, 24 + 8 * (row % 2), 3), np.uint8) for row in range(size)]
        masks = [(picture[..., 0] > 128).astype(np.int64) - (picture[..., 1] > 250) for picture in pictures]
        return cls(pictures, masks, Segmentation(classes=("dark", "light"), of="pixels"), "noise")


@pytest.mark.slow
@pytest.mark.parametrize("check", [c for c in CHECKS if c.family == "head" or "target" in c.name], ids=lambda c: c.name)
def test_the_head_for_pixels_keeps_what_heads_promise(check: Check):
    runner = SuiteRunner("image")
    runner.plugin.dataset_class = Horizons
    runner.plugin.tokenizer_options = Horizons.demo_options
    result = runner.run(check)
    assert result.outcome == "passed", result.message


@pytest.mark.slow
def test_from_a_folder_to_masks(sea: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run, shown = str(tmp_path / "run"), tmp_path / "shown"
    small = ["-O", "size=16", "-O", "patch=8", "-O", "squares=4", "-H", "hidden=16"]
    settings = ["--epochs", "12", "--batch-size", "3", "--lr", "0.01", "--num-workers", "0", "-q"]
    given = ["--data", str(sea), "--out", run, "-D", "classes=sky,sea"]
    assert main(["train", "image", *given, *small, *settings]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["tokenizer"]["options"]["labels"] == "pixels"
    assert (tmp_path / "run" / "segmentation.png").stat().st_size > 1000
    assert "Pictures that were not trained on" in (tmp_path / "run" / "report.html").read_text()
    capsys.readouterr()
    assert main(["evaluate", run, "--data", str(sea), "--json", "--num-workers", "0", "-q"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["metrics"]["miou"] > 0.9
    assert min(measured["metrics"][f"iou_{name}"] for name in ("sky", "sea")) > 0.85

    files = sorted(str(path) for path in (sea / "test" / "images").iterdir())
    assert main(["predict", run, *files, "-o", str(shown), "--num-workers", "0"]) == 0
    records = [json.loads(line) for line in (shown / "predictions.jsonl").read_text().splitlines()]
    for file, predicted in zip(files, records, strict=True):
        name = Path(file).stem
        mode, index = opened(shown / f"{name}_mask.png")
        _, truth = opened(Path(file).parents[1] / "masks" / f"{name}.png")
        assert mode == "P" and index.shape == truth.shape
        assert set(index.ravel().tolist()) <= {SKY, SEA}
        assert (index == truth)[:-1].mean() > 0.9
        assert (np.array([SKY, SEA])[mask_from(predicted["prediction"])] == index).all()
        assert opened(shown / f"{name}_overlay.png")[0] == "RGB"


def test_the_mask_of_a_geotiff_stays_in_its_place_on_earth(tmp_path: Path):
    tifffile = pytest.importorskip("tifffile")
    scale, tie = (33550, "d", 3, (0.5, 0.5, 0.0), True), (33922, "d", 6, (0.0, 0.0, 0.0, 7.0, 47.0, 0.0), True)
    source = tmp_path / "field.tif"
    tifffile.imwrite(source, np.zeros((4, 6, 3), np.uint8), photometric="rgb", extratags=[scale, tie])
    record = {"prediction": {"size": [4, 6], "values": [1, 0], "lengths": [20, 4]}}
    task = Segmentation(classes=("grass", "wheat"), of="pixels", numbers=(300, 700))
    written = write(str(source), [record], task, tmp_path)
    assert [path.name for path in written] == ["field_mask.png", "field_overlay.png", "field_mask.tif"]
    with tifffile.TiffFile(written[2]) as file:
        page = file.pages.first
        assert page.tags[33922].value == (0.0, 0.0, 0.0, 7.0, 47.0, 0.0)
        assert page.tags[33550].value == (0.5, 0.5, 0.0)
        assert page.asarray()[0, 0] == 700 and page.asarray()[3, 5] == 300
    assert opened(written[0])[1].max() == 700
    assert write(str(source), [record], Segmentation(classes=("a",)), tmp_path) == []
