"""What a report costs beside its training, and how large it is, on real data.

    MT_DATA=... python benchmarks/report_cost.py [adult] [cifar] [bccd] [nab] [forest]

Trains shortly, writes the report of the run and prints seconds of both, their ratio, and the size of the page. A
training with the modality's own recipe takes longer, so that its report costs a smaller share.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import mt_core as mt
from mt_report import write_report

SETS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "adult": ("tabular", "tabular/adult", {}, {"epochs": 1}),
    "cifar": ("image", "image/CIFAR-10-images", {"size": 32}, {"tune": "probe", "epochs": 5}),
    "bccd": (
        "image",
        "image/BCCD",
        {"labels": "boxes", "size": 64, "patch": 16, "overlap": 0.0},
        {"epochs": 1, "batch_size": 2},
    ),
    "nab": (
        "timeseries",
        "time_series/NAB",
        {"labels": "steps", "lookback": 336},
        {"epochs": 1, "data_options": {"labels": "steps", "folds": 7, "lookback": 336}},
    ),
    "forest": (
        "pointcloud",
        "point_cloud/forest_plots",
        {"labels": "scenes", "blocks": 8, "block": 10.0},
        {"epochs": 20, "batch_size": 1, "data_options": {"labels": "scenes"}},
    ),
}
"""Modality, folder, options of the tokenizer, and settings of the training."""


def main(names: list[str]) -> None:
    warnings.simplefilter("ignore")
    print("| data | samples measured | training | report | share | page |\n|---|---|---|---|---|---|")
    for name in names or list(SETS):
        modality, folder, options, settings = SETS[name]
        with tempfile.TemporaryDirectory() as run:
            model = mt.load(modality, purpose="train", **options)
            root = Path(os.environ["MT_DATA"]) / folder
            trained = mt.fit(model, root, out=Path(run) / "run", num_workers=0, **settings)
            written = write_report(model, Path(run) / "report.html", num_workers=0)
        count = written.headline.partition(" on ")[2].partition(" sample")[0]
        share = written.seconds / trained.seconds
        print(
            f"| {name} | {count} | {trained.seconds:.0f} s | {written.seconds:.1f} s | {share:.1%} | "
            f"{written.bytes / 1e6:.2f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
