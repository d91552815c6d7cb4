"""Segmentation of pictures against its controls, and the table of docs/segmentation.md.

    MT_DATA=... python benchmarks/segmentation.py run [--only camvid/mt-tiny] [--seeds 3] [--minutes 30]
    python benchmarks/segmentation.py table    the table between the markers of docs/segmentation.md
    python benchmarks/segmentation.py curves   docs/assets/segmentation-curves.svg, of what is on record

Each arm is trained on the same pictures with the same recipe, and measured on the data's own test part at the pictures'
own size. `native` is a forest on the colour, the blurred colour and the place of a pixel, measured on 8,000 pixels of
each test picture. What is on record in benchmarks/results/segmentation.jsonl, a line each, is not measured again.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from dense_bench import DenseBench, Measured, encoder_of

DATASETS = {"camvid": "image/CamVid", "pets": "image/oxford_pets"}
ARMS = {
    "mt-tiny": "mt-tiny, frozen",
    "random": "random weights, frozen",
    "none": "no encoder",
    "linear": "mt-tiny, linear probe",
    "random linear": "random weights, linear probe",
    "none linear": "no encoder, linear probe",
    "native": "forest on each pixel",
}
RECIPE = {"epochs": 10, "batch_size": 1, "lr": 3e-3, "keep": "last", "num_workers": 0}
TOKENIZER = {"labels": "pixels", "squares": 4, "size": 64, "patch": 16}
MOST_TRAINED = 12
"""Training pictures of each data set, so that an arm takes half a minute of one core."""
NUM_WATCHED = 2


def recipe_of(arm: str) -> dict[str, Any]:
    return {"recipe": RECIPE, "tokenizer": TOKENIZER, "most": MOST_TRAINED} if arm != "native" else {}


def measure(dataset: str, arm: str, seed: int) -> Measured:
    """Metrics of one arm on the test part."""
    from mt_core.data.subsets import Subset
    from mt_plugin_image.dataset import ImageDataset

    root = Path(os.environ["MT_DATA"]) / DATASETS[dataset]
    train, test = (ImageDataset.open(root, split) for split in ("train", "test"))
    step = max(1, len(train) // MOST_TRAINED)
    used = Subset(train, list(range(0, len(train), step))[:MOST_TRAINED], "some")
    pictures = len(used), len(test)
    if arm == "native":
        return Measured(native(used, test, seed), pictures)
    metrics, history = trained(arm, seed, used, watched(root, train, used), test)
    return Measured(metrics, pictures, history)


def watched(root: Path, train: Any, used: Any) -> Any:
    """A few pictures that are neither trained on nor tested: of the data's own val part, else of the rest."""
    from mt_core.data.subsets import Subset
    from mt_core.errors import MissingSplitError

    try:
        rest: Any = type(train).open(root, "val", task=train.task)
    except MissingSplitError:
        rest = Subset(train, sorted(set(range(len(train))) - set(used.indices)), "the rest")
    return Subset(rest, list(range(min(NUM_WATCHED, len(rest)))), "watched")


def trained(arm: str, seed: int, train: Any, few: Any, test: Any) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Metrics on the test part, and the history on the few pictures that are watched."""
    import mt_core as mt

    encoder = encoder_of(arm.removesuffix("linear").strip() or "mt-tiny", seed)
    model = mt.load("image", encoder=encoder, purpose="train", seed=seed, **TOKENIZER)
    linear = {"tune": "probe", "head": {"decoder": "linear"}} if arm.endswith("linear") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = mt.fit(model, train, few, seed=seed, **{**RECIPE, **linear})  # the last epoch is kept
        return mt.evaluate(model, test, num_workers=0), result.history


def native(train: Any, test: Any, seed: int) -> dict[str, float]:
    """A forest on each pixel."""
    from sklearn.ensemble import RandomForestClassifier
    from torch import from_numpy

    from mt_core.heads import default_head

    draw = np.random.default_rng(seed)
    pixels, labels = map(
        np.concatenate, zip(*(drawn(train[row], 3000, draw) for row in range(len(train))), strict=True)
    )
    forest = RandomForestClassifier(60, min_samples_leaf=5, n_jobs=1, random_state=seed).fit(pixels, labels)
    metrics = default_head(8, train.task).metrics()
    for row in range(len(test)):
        features, truth = drawn(test[row], 8000, draw)
        metrics.update(from_numpy(forest.predict(features)), from_numpy(truth))
    from mt_core.training.metrics import values_of

    return values_of(metrics)


def drawn(example: Any, count: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features and classes of some of the pixels of a picture whose class is known."""
    from PIL import Image, ImageFilter

    picture = Image.open(example.sample).convert("RGB")
    layers = [np.asarray(picture), *(np.asarray(picture.filter(ImageFilter.GaussianBlur(s))) for s in (2, 8))]
    height, width = example.target.shape
    place = np.stack(np.indices((height, width)), axis=-1) / (height, width)
    rows, columns = np.nonzero(example.target >= 0)
    chosen = draw.permutation(len(rows))[:count]
    at = rows[chosen], columns[chosen]
    return np.concatenate([*(layer[at] for layer in layers), place[at]], axis=-1), example.target[at]


BENCH = DenseBench(
    "segmentation",
    {"camvid": "CamVid", "pets": "pets"},
    ARMS,
    {"miou": "mIoU", "accuracy": "accuracy"},
    recipe_of,
    measure,
)

if __name__ == "__main__":
    BENCH.main(__doc__)
