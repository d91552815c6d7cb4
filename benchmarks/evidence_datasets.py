"""The datasets of docs/evidence.md: where each lies, how it is opened, and the recipe that it is trained by."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def data_folder() -> Path:
    """Where MT_DATA says that the datasets lie; the script ends where it says nothing."""
    if "MT_DATA" not in os.environ:
        raise SystemExit("set MT_DATA to the folder of the datasets (see docs/evidence.md)")
    return Path(os.environ["MT_DATA"])


@dataclass(frozen=True)
class Evidence:
    """One dataset.

    Attributes:
        path: Below the folder of the datasets.
        options: The tokenizer's.
        recipe: What differs from the modality's own.
        data_options: The dataset's.
        folds: Above 1, the number of folds; each is opened with the option `fold`.
        rearrange: Writes the data anew into a folder, where the layout has no split of its own.
    """

    modality: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    data_options: dict[str, Any] = field(default_factory=dict)
    folds: int = 1
    rearrange: Callable[[Path, Path], Path] | None = None


def california_split(data: Path, folder: Path) -> Path:
    """housing.csv as train.csv and test.csv: 20 % random test, seed 42."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(pd.read_csv(data / "housing.csv"), test_size=0.2, random_state=42)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    return folder


def sst2_split(data: Path, folder: Path) -> Path:
    """train.tsv as it is, and dev.tsv, which has the labels that GLUE's own test file lacks, as test.tsv."""
    (folder / "train.tsv").symlink_to((data / "train.tsv").resolve())
    (folder / "test.tsv").symlink_to((data / "dev.tsv").resolve())
    return folder


DATASETS = {
    "adult": Evidence("tabular", "tabular/adult", recipe={"epochs": 4}),
    "california": Evidence(
        "tabular",
        "tabular/california_housing",
        recipe={"epochs": 12, "lr": 3e-3},
        data_options={"target": "median_house_value"},
        rearrange=california_split,
    ),
    "lidarnet": Evidence(
        "pointcloud",
        "point_cloud/LiDARNet",
        options={"upright": "y", "groups": 32},
        recipe={"keep": "last"},  # 31 held-out clouds are all right from some epoch on, and select nothing
    ),
    "cifar10": Evidence(
        "image",
        "image/CIFAR-10-images",
        options={"size": 32, "patch": 8, "stem": "conv"},
        recipe={"epochs": 30, "val_fraction": 0.05},
    ),
    "fsdd": Evidence(
        "audio",
        "audio/free-spoken-digit-dataset",
        options={"stem": "conv", "patch": 8, "stride": 4},
        recipe={"epochs": 25, "keep": "last"},
    ),
    "racketsports": Evidence("imu", "imu/RacketSports", options={"patch": 8, "stride": 2}, recipe={"keep": "last"}),
    "epilepsy": Evidence("imu", "imu/Epilepsy", recipe={"keep": "last"}),
    "sst2": Evidence("text", "text/SST-2", recipe={"epochs": 4, "val_fraction": 0.02}, rearrange=sst2_split),
    "ucf101": Evidence(
        "video",
        "video",
        options={"size": 64, "patch": 16, "frames": 16, "tubelet": 4, "stem": "patch", "motion": True, "fit": "squash"},
        recipe={"epochs": 80, "batch_size": 12, "lr": 4e-3, "keep": "last"},
    ),
    "etth1_96": Evidence(
        "timeseries",
        "time_series/ETT-small/ETTh1.csv",
        recipe={"epochs": 3, "lr": 1e-3, "batch_size": 16, "head": {"dropout": 0.1}},
        data_options={"window_stride": 8},
    ),
    "etth1_336": Evidence(
        "timeseries",
        "time_series/ETT-small/ETTh1.csv",
        recipe={"epochs": 3, "lr": 1e-3, "batch_size": 16, "head": {"dropout": 0.1}},
        data_options={"window_stride": 8, "horizon": 336},
    ),
    "infrared": Evidence(
        "infrared",
        "infrared/InfraredSolarModules",
        options={"size": 48, "patch": 8, "stem": "conv", "flip_vertical": True},
        recipe={"epochs": 30, "val_fraction": 0.05},
    ),
    "covid": Evidence(
        "xray",
        "xray/COVID-19",
        options={"size": 64, "patch": 16, "stem": "conv"},
        recipe={"epochs": 60, "batch_size": 10, "keep": "last", "head": {"dropout": 0.2}},
    ),
    "esol": Evidence("graph", "graph/ESOL", recipe={"epochs": 60, "keep": "last", "head": {"dropout": 0.1}}),
    "freesolv": Evidence("graph", "graph/FreeSolv", recipe={"epochs": 80, "keep": "last", "head": {"dropout": 0.1}}),
    "mutag": Evidence(
        "graph",
        "graph/MUTAG",
        recipe={"epochs": 30, "batch_size": 16, "keep": "last"},
        data_options={"folds": 10},
        folds=10,
    ),
    "indian_pines": Evidence("hyperspectral", "hyperspectral/IndianPines_pixels", data_options={"folds": 5}, folds=5),
    "samson": Evidence("hyperspectral", "hyperspectral/Samson", recipe={"epochs": 15}),
}
