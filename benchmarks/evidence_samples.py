"""The samples that are measured without training and with few labels, opened once for all arms."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from evidence_datasets import DATASETS, Evidence, data_folder
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Classification, Example, Forecasting, ModalityDataset
from mt_core.data.sample_hash import sample_hashes
from mt_core.data.subsets import Subset
from mt_core.errors import DataWarning
from mt_core.plugins import get

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Samples:
    """Training and test samples of a dataset.

    Attributes:
        folds: Training rows of `train` and test rows of `test`. One pair, or those of a cross-validation, where both
            are the same samples.
        groups: Of each test sample, None where they are independent.
        identity: A hash of all samples and targets.
    """

    name: str
    evidence: Evidence
    train: ModalityDataset
    test: ModalityDataset
    folds: Sequence[tuple[Indices, Indices]]
    groups: Sequence[str] | None
    identity: str

    @property
    def task(self) -> AnyTask:
        return self.train.task

    @property
    def is_classes(self) -> bool:
        return isinstance(self.task, Classification)

    @property
    def is_forecast(self) -> bool:
        return isinstance(self.task, Forecasting)


@contextlib.contextmanager
def arranged(evidence: Evidence) -> Iterator[tuple[Path, Path]]:
    """Where the data lies as it is read, and a folder that is gone afterwards."""
    data = data_folder() / evidence.path
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield (data if evidence.rearrange is None else evidence.rearrange(data, folder)), folder


@contextlib.contextmanager
def opened(name: str, *, few: bool = False) -> Iterator[Samples]:
    """The samples of a dataset; with few labels always training and test apart."""
    evidence = DATASETS[name]
    with arranged(evidence) as (data, _), warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        yield _samples(name, evidence, data, few)


def _samples(name: str, evidence: Evidence, data: Path, few: bool) -> Samples:
    dataset = get(evidence.modality).dataset
    given = dict(evidence.data_options)
    if few and evidence.few is not None and evidence.few.data_options is not None:
        given = evidence.few.data_options
    if evidence.cross > 1 and not few:
        options = dataset.Options.parse({key: value for key, value in given.items() if key not in ("folds", "fold")})
        whole = dataset.open(data, "all", options=options)
        whole = _drawn(whole, evidence.most_train)
        folds = _cross_validation(whole, evidence.cross)
        return Samples(name, evidence, whole, whole, folds, None, _identity(whole, whole))
    options = dataset.Options.parse(given)
    train = dataset.open(data, "train", options=options)
    test = dataset.open(data, "test", options=options, task=train.task)
    choose = _spread if isinstance(train.task, Forecasting) else _drawn
    train, test = choose(train, evidence.most_train), choose(test, evidence.most_test)
    block = evidence.block
    of_blocks = [f"block {row // block}" for row in range(len(test))] if block else None
    folds = [(np.arange(len(train)), np.arange(len(test)))]
    return Samples(name, evidence, train, test, folds, of_blocks, _identity(train, test))


def _drawn(dataset: ModalityDataset, most: int) -> ModalityDataset:
    """So many labelled samples at the most, drawn at random, in their order."""
    known = [row for row, target in enumerate(dataset.targets()) if target is not None]
    chosen = np.sort(np.random.default_rng(0).permutation(len(known))[:most])
    return Subset(dataset, [known[row] for row in chosen], f"{len(chosen)} of them")


def _spread(dataset: ModalityDataset, most: int) -> ModalityDataset:
    """So many windows at the most, evenly spread."""
    step = -(-len(dataset) // most)
    return Subset(dataset, range(0, len(dataset), step), f"every {step}th window")


def _cross_validation(dataset: ModalityDataset, folds: int) -> list[tuple[Indices, Indices]]:
    from sklearn.model_selection import KFold, StratifiedKFold

    stratified = isinstance(dataset.task, Classification)
    splitter = (StratifiedKFold if stratified else KFold)(folds, shuffle=True, random_state=0)
    targets = list(dataset.targets())
    return list(splitter.split(targets, targets))


def _identity(train: ModalityDataset, test: ModalityDataset) -> str:
    digest = hashlib.sha256()
    for part in (train, test):
        digest.update(sample_hashes(part).tobytes())
        digest.update(targets_of(part).tobytes())
    return digest.hexdigest()[:12]


def examples_of(dataset: ModalityDataset, rows: Sequence[int] | Indices | None = None) -> list[Example]:
    chosen = range(len(dataset)) if rows is None else rows
    return [dataset[int(row)] for row in chosen]


def targets_of(dataset: ModalityDataset) -> NDArray[Any]:
    """(n,) classes, (n, T) numbers, or (n, H, C) steps to forecast."""
    if isinstance(dataset.task, Classification):
        return np.array(list(dataset.targets()), np.int64)
    if isinstance(dataset.task, Forecasting):
        return np.stack([np.asarray(dataset[row].target, np.float64) for row in range(len(dataset))])
    return np.array(list(dataset.targets()), np.float64).reshape(len(dataset), -1)
