"""Segmentation of a scene of points against its controls, and the table of docs/scenes.md.

    MT_DATA=... python benchmarks/scenes.py run [--only forest/mt-tiny] [--seeds 3] [--minutes 30]
    python benchmarks/scenes.py table    the table between the markers of docs/scenes.md

The forest plot is cut into two halves of as many points along x. Each arm is trained on one half and measured on every
point of the other one, and the other way round, and the points of both are counted together. `native` is a forest on
seven numbers for the shape of the neighbourhood of a point; `most` always says the most frequent class of its training
half. What is on record in benchmarks/results/scenes.jsonl, a line each, is not measured again.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from dense_bench import DenseBench, Measured, encoder_of
from numpy.typing import NDArray

DATASETS = {"forest": "point_cloud/forest_plots"}
ARMS = {
    "mt-tiny": "mt-tiny, frozen",
    "random": "random weights, frozen",
    "none": "no encoder",
    "native": "forest on 7 geometric features",
    "most": "the most frequent class",
}
RECIPE = {"epochs": 50, "batch_size": 1, "lr": 2e-3, "keep": "last", "num_workers": 0}
TOKENIZER = {"labels": "scenes", "blocks": 8, "block": 10.0}
"""The side of a block was chosen on quarters of a training half."""
NEIGHBOURS = 20


def recipe_of(arm: str) -> dict[str, Any]:
    return {"recipe": RECIPE, "tokenizer": TOKENIZER} if arm in ("mt-tiny", "random", "none") else {}


def measure(dataset: str, arm: str, seed: int) -> Measured:
    """Metrics of one arm over the points of both halves."""
    import torch

    from mt_core.contract import Example
    from mt_core.data.in_memory import InMemoryDataset
    from mt_core.heads import default_head
    from mt_core.training.metrics import values_of
    from mt_plugin_pointcloud.dataset import PointCloudDataset
    from mt_plugin_pointcloud.scenes import Part, part_of

    whole = PointCloudDataset.open(Path(os.environ["MT_DATA"]) / DATASETS[dataset], "all")
    example = whole[0]
    cloud = example.sample
    halves = [part_of(cloud, Part(0, (ends,))) for ends in ((0, 0.5), (0.5, 1))]
    examples = [Example(half, half.labels) for half in halves]
    metrics = default_head(8, whole.task).metrics()
    for train, test in (examples, examples[::-1]):
        if arm == "native":
            said = native(train, test, seed)
        elif arm == "most":
            said = np.full(len(test.target), np.bincount(train.target).argmax())
        else:
            watched = part_of(train.sample, Part(1, ((0, 0.05),)))  # the last epoch is kept, so a little is enough
            said = trained(
                arm,
                seed,
                *(InMemoryDataset([each], [each.labels], whole.task) for each in (train.sample, watched)),
                test.sample,
            )
        metrics.update(torch.from_numpy(said), torch.from_numpy(test.target))
    return Measured(values_of(metrics), (len(examples), len(examples)))


def trained(arm: str, seed: int, train: Any, watched: Any, scene: Any) -> NDArray[np.int64]:
    import mt_core as mt
    from mt_core.sdk import mask_from

    model = mt.load("pointcloud", encoder=encoder_of(arm, seed), purpose="train", seed=seed, **TOKENIZER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mt.fit(model, train, watched, seed=seed, **RECIPE)
        (record,) = mt.predict(model, [scene])
    return mask_from(record["prediction"])


def native(train: Any, test: Any, seed: int) -> NDArray[np.int64]:
    """A forest on each point."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(60, min_samples_leaf=5, n_jobs=1, random_state=seed)
    forest.fit(geometry(in_file(train.sample)), train.target)
    return np.asarray(forest.predict(geometry(in_file(test.sample))), np.int64)


def in_file(cloud: Any) -> NDArray[np.float64]:
    """(N, 3) points where the file has them."""
    return np.asarray(cloud.points + cloud.origin)


def geometry(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 7) of the nearest neighbours of each point: linearity, planarity, sphericity, how far the normal leans, the
    largest spread, the range of heights, and the height of the point itself.

    Source: Weinmann et al. 2015, Semantic point cloud interpretation, ISPRS 105, section 3.2.
    """
    from scipy.spatial import cKDTree

    _, index_NK = cKDTree(points).query(points, k=NEIGHBOURS)
    around_NK3 = points[index_NK] - points[index_NK].mean(1, keepdims=True)
    values_N3, vectors_N33 = np.linalg.eigh(np.einsum("nki,nkj->nij", around_NK3, around_NK3) / NEIGHBOURS)
    small, middle, large = np.sqrt(np.maximum(values_N3, 0)).T
    large = np.maximum(large, 1e-9)
    leaning = 1 - np.abs(vectors_N33[:, 2, 0])
    heights_N = np.ptp(around_NK3[..., 2], axis=1)
    return np.stack(
        [(large - middle) / large, (middle - small) / large, small / large, leaning, large, heights_N, points[:, 2]],
        axis=1,
    )


BENCH = DenseBench(
    "scenes",
    {"forest": "forest plot"},
    ARMS,
    {"miou": "mIoU", "accuracy": "accuracy"},
    recipe_of,
    measure,
    ("most",),
)

if __name__ == "__main__":
    BENCH.main(__doc__)
