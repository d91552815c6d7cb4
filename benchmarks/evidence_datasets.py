"""The datasets of docs/evidence.md: where each lies, how it is opened, and how it is measured in each regime."""

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
class Few:
    """How a dataset is measured with few labels.

    Attributes:
        labels: A class, or in all where the target is a number.
        data_options: The dataset's, where it is split in another way than with all labels.
        trained: What is trained by steps beside the probe: tokenizer options by name; None: each view of the modality.
        steps: Of training, the same for all arms.
        batch_size: Samples a step.
        most_val: Training samples without a label that a choice is made on.
    """

    labels: tuple[int, ...] = (5, 20)
    data_options: dict[str, Any] | None = None
    trained: dict[str, dict[str, Any]] | None = None
    steps: int = 60
    batch_size: int = 16
    most_val: int = 300


@dataclass(frozen=True)
class Evidence:
    """One dataset.

    Attributes:
        title: How tables call it.
        path: Below the folder of the datasets.
        leads: Whether it stands for its modality where modalities are counted: the twelve of docs/mt-tiny.md.
        options: The tokenizer's.
        recipe: What differs from the modality's own.
        data_options: The dataset's.
        folds: Above 1, the number of folds; each is opened with the option `fold`.
        rearrange: Writes the data anew into a folder, where the layout has no split of its own.
        rungs: What is trained with all labels, by the names of `mt train --tune`.
        most_train, most_test: Samples without training and with few labels, drawn at random where there are more.
        cross: Above 1: without training all samples are tested in so many folds.
        block: Above 0: so many neighbouring test samples are of one group.
        few: None: not measured with few labels.
    """

    modality: str
    title: str
    path: str
    leads: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    data_options: dict[str, Any] = field(default_factory=dict)
    folds: int = 1
    rearrange: Callable[[Path, Path], Path] | None = None
    rungs: tuple[str, ...] = ("frozen",)
    most_train: int = 1000
    most_test: int = 2000
    cross: int = 1
    block: int = 0
    few: Few | None = None

    @property
    def is_trained(self) -> bool:
        """Whether there is a recipe for all labels."""
        return self.path != SIMILARITY


SIMILARITY = "text/STS-B"
"""Pairs of sentences and how alike they are: the cosine of their vectors is measured, nothing is trained."""


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


UCF101_TOKENS = {"size": 64, "patch": 16, "frames": 16, "tubelet": 4, "stem": "patch", "motion": True, "fit": "squash"}
LIDARNET_TOKENS = {"upright": "y", "groups": 32}

DATASETS = {
    "sst2": Evidence(
        "text",
        "SST-2",
        "text/SST-2",
        leads=True,
        recipe={"epochs": 4, "val_fraction": 0.02},
        rearrange=sst2_split,
        rungs=("probe", "frozen"),
        most_train=3000,
        few=Few(),
    ),
    "stsb_dev": Evidence("text", "STS-B dev", SIMILARITY),
    "stsb_test": Evidence("text", "STS-B test", SIMILARITY),
    "cifar10": Evidence(
        "image",
        "CIFAR-10 subset",
        "image/CIFAR-10-images",
        leads=True,
        options={"size": 32, "patch": 8, "stem": "conv"},
        recipe={"epochs": 30, "val_fraction": 0.05},
        rungs=("frozen", "lora"),
        most_train=5000,
        few=Few(),
    ),
    "lidarnet": Evidence(
        "pointcloud",
        "LiDARNet",
        "point_cloud/LiDARNet",
        leads=True,
        options=LIDARNET_TOKENS,
        recipe={"keep": "last"},  # 31 held-out clouds are all right from some epoch on, and select nothing
        few=Few(trained={"tokens": LIDARNET_TOKENS}),
    ),
    "fsdd": Evidence(
        "audio",
        "FSDD, spoken digits",
        "audio/free-spoken-digit-dataset",
        leads=True,
        options={"stem": "conv", "patch": 8, "stride": 4},
        recipe={"epochs": 25, "keep": "last"},
        most_train=2000,
        few=Few(trained={"tokens": {"view": "tokens"}, "picture": {"view": "picture"}}),
    ),
    "ucf101": Evidence(
        "video",
        "UCF101, 3 classes",
        "video",
        leads=True,
        options=UCF101_TOKENS,
        recipe={"epochs": 80, "batch_size": 12, "lr": 4e-3, "keep": "last"},
        cross=5,
        few=Few(labels=(5,), steps=30, trained={"tokens": UCF101_TOKENS}),
    ),
    "infrared": Evidence(
        "infrared",
        "InfraredSolarModules",
        "infrared/InfraredSolarModules",
        leads=True,
        options={"size": 48, "patch": 8, "stem": "conv", "flip_vertical": True},
        recipe={"epochs": 30, "val_fraction": 0.05},
        most_train=2000,
        few=Few(),
    ),
    "indian_pines": Evidence(
        "hyperspectral",
        "Indian Pines pixels",
        "hyperspectral/IndianPines_pixels",
        leads=True,
        data_options={"folds": 5},
        folds=5,
        cross=5,
        few=Few(data_options={"folds": 2, "fold": 1}),
    ),
    "samson": Evidence("hyperspectral", "Samson", "hyperspectral/Samson", recipe={"epochs": 15}),
    "covid": Evidence(
        "xray",
        "COVID-19 films",
        "xray/COVID-19",
        leads=True,
        options={"size": 64, "patch": 16, "stem": "conv"},
        recipe={"epochs": 60, "batch_size": 10, "keep": "last", "head": {"dropout": 0.2}},
        cross=5,
        few=Few(labels=(5,)),
    ),
    "racketsports": Evidence(
        "imu",
        "RacketSports",
        "imu/RacketSports",
        leads=True,
        options={"patch": 8, "stride": 2},
        recipe={"keep": "last"},
        few=Few(),
    ),
    "epilepsy": Evidence("imu", "Epilepsy", "imu/Epilepsy", recipe={"keep": "last"}),
    "adult": Evidence("tabular", "Adult (UCI)", "tabular/adult", recipe={"epochs": 4}, most_train=2000),
    "california": Evidence(
        "tabular",
        "California housing",
        "tabular/california_housing",
        leads=True,
        recipe={"epochs": 12, "lr": 3e-3},
        data_options={"target": "median_house_value"},
        rearrange=california_split,
        most_train=2000,
        few=Few(labels=(50, 200)),
    ),
    "esol": Evidence(
        "graph",
        "ESOL",
        "graph/ESOL",
        recipe={"epochs": 60, "keep": "last", "head": {"dropout": 0.1}},
        most_train=2000,
        cross=5,
    ),
    "freesolv": Evidence(
        "graph",
        "FreeSolv",
        "graph/FreeSolv",
        leads=True,
        recipe={"epochs": 80, "keep": "last", "head": {"dropout": 0.1}},
        cross=5,
        few=Few(labels=(50, 200), data_options={"folds": 2, "fold": 1}, trained={"tokens": {"view": "tokens"}}),
    ),
    "mutag": Evidence(
        "graph",
        "MUTAG",
        "graph/MUTAG",
        recipe={"epochs": 30, "batch_size": 16, "keep": "last"},
        data_options={"folds": 10},
        folds=10,
        cross=5,
    ),
    "etth1_96": Evidence(
        "timeseries",
        "ETTh1, 336 to 96",
        "time_series/ETT-small/ETTh1.csv",
        leads=True,
        recipe={"epochs": 3, "lr": 1e-3, "batch_size": 16, "head": {"dropout": 0.1}},
        data_options={"window_stride": 8},
        most_train=300,
        most_test=174,
        block=12,  # of every 16th hour: eight days
        few=Few(labels=(50, 200), trained={"tokens": {"view": "tokens"}}, steps=20, batch_size=8, most_val=50),
    ),
    "etth1_336": Evidence(
        "timeseries",
        "ETTh1, 336 to 336",
        "time_series/ETT-small/ETTh1.csv",
        recipe={"epochs": 3, "lr": 1e-3, "batch_size": 16, "head": {"dropout": 0.1}},
        data_options={"window_stride": 8, "horizon": 336},
        most_train=300,
        most_test=174,
        block=12,
    ),
}
