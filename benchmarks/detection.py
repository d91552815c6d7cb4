"""Detection in pictures against its controls, and the table of docs/detection.md.

    MT_DATA=... python benchmarks/detection.py run [--only bccd/mt-tiny] [--seeds 3] [--minutes 30]
    python benchmarks/detection.py table    the table between the markers of docs/detection.md
    python benchmarks/detection.py curves   docs/assets/detection-curves.svg, of what is on record

Each arm is trained on the same pictures with the same recipe, and measured on the data's own test part in pixels of
the pictures. Pets have no test part with boxes: every fourth picture is tested. `native` looks at no picture.
It answers with the boxes of the training pictures, as shares of the picture, first those that most of them have alike.
What is on record in benchmarks/results/detection.jsonl, a line each, is not measured again.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from dense_bench import DenseBench, Measured, encoder_of

DATASETS = {
    "bccd": ("image/BCCD", "test"),
    "facemask": ("image/facemask_coco", "val"),
    "parking": ("image/parking_space_yolo", "test"),
    "pets": ("image/oxford_pets", ""),
}
"""Where they lie, and the part that is tested."""

ARMS = {
    "mt-tiny": "mt-tiny, frozen",
    "random": "random weights, frozen",
    "none": "no encoder",
    "native": "the same boxes for every picture",
}
RECIPE = {"epochs": 15, "batch_size": 1, "lr": 2e-3, "keep": "last", "num_workers": 0}
TOKENIZER = {"labels": "boxes", "size": 64, "patch": 16, "overlap": 0.0}
MOST_TRAINED = 24
"""Training pictures of each data set, so that an arm takes a few minutes of one core."""
NUM_WATCHED = 4


def recipe_of(arm: str) -> dict[str, Any]:
    return {"most": MOST_TRAINED, **({"recipe": RECIPE, "tokenizer": TOKENIZER} if arm != "native" else {})}


def parts(dataset: str) -> tuple[Any, Any, Any]:
    """What is trained on, a few further pictures that are watched, and what is tested."""
    from mt_core.data.subsets import Subset
    from mt_plugin_image.dataset import ImageDataset

    folder, tested = DATASETS[dataset]
    options = ImageDataset.Options(labels="boxes")
    root = Path(os.environ["MT_DATA"]) / folder
    train = ImageDataset.open(root, "train", options=options)
    if tested:
        test = ImageDataset.open(root, tested, task=train.task, options=options)
        rest = list(range(len(train)))
    else:
        test = Subset(train, list(range(0, len(train), 4)), "every fourth")
        rest = [row for row in range(len(train)) if row % 4]
    step = max(1, len(rest) // MOST_TRAINED)
    used = rest[::step][:MOST_TRAINED]
    further = [row for row in rest if row not in used][:NUM_WATCHED]
    return Subset(train, used, "some"), Subset(train, further, "watched"), test


def measure(dataset: str, arm: str, seed: int) -> Measured:
    """Metrics of one arm on the test part."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train, few, test = parts(dataset)
        pictures = len(train), len(test)
        if arm == "native":
            return Measured(native(train, test), pictures)
        metrics, history = trained(arm, seed, train, few, test)
    return Measured(metrics, pictures, history)


def trained(arm: str, seed: int, train: Any, few: Any, test: Any) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Metrics on the test part, and the history on the few pictures that are watched."""
    import mt_core as mt

    model = mt.load("image", encoder=encoder_of(arm, seed), purpose="train", seed=seed, **TOKENIZER)
    result = mt.fit(model, train, few, seed=seed, **RECIPE)  # the last epoch is kept
    return mt.evaluate(model, test, num_workers=0), result.history


def native(train: Any, test: Any) -> dict[str, float]:
    """The boxes of the training pictures, for every picture."""
    import torch
    from torchvision.ops import batched_nms, box_iou

    from mt_core.heads import default_head
    from mt_core.training.metrics import values_of

    shares, classes, pictures = [], [], []
    for row, target in enumerate(train.targets()):
        height, width = target.size
        shares.append(np.asarray(target.xyxy).reshape(-1, 4) / (width, height, width, height))
        classes.append(target.classes)
        pictures.append(np.full(len(target.classes), row))
    boxes_M4 = torch.from_numpy(np.concatenate(shares)).float()
    class_M, picture_M = (torch.from_numpy(np.concatenate(each)) for each in (classes, pictures))
    is_near_MM = (box_iou(boxes_M4, boxes_M4) > 0.5) & (class_M[:, None] == class_M)
    score_M = torch.tensor([len(picture_M[row].unique()) for row in is_near_MM]) / len(train)
    kept = batched_nms(boxes_M4, score_M, class_M, 0.5)[:100]
    metrics = default_head(8, train.task).metrics()
    for target in test.targets():
        height, width = target.size
        boxes_D4 = boxes_M4[kept] * torch.tensor([width, height, width, height])
        found_D6 = torch.cat([boxes_D4, score_M[kept, None], class_M[kept, None].float()], dim=1)
        metrics.update(found_D6[None], train.task.stack([target]))
    return values_of(metrics)


BENCH = DenseBench(
    "detection",
    {name: name for name in DATASETS},
    ARMS,
    {"map": "mAP", "map_50": "mAP50"},
    recipe_of,
    measure,
    without_seed=("native",),
)

if __name__ == "__main__":
    BENCH.main(__doc__)
