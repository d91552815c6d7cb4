"""What a training gets of a folder: the part that is trained on, the part that selects, and the part that is measured
once, at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mt_core.contract import Forecasting, ModalityDataset, Options, Segmentation
from mt_core.data.subsets import Subset, hold_out
from mt_core.errors import MissingSplitError, MtError

_FEWEST = 5  # samples, of which one can be held out for a test and another one to select


@dataclass(frozen=True)
class TrainingData:
    """The parts of a training's data.

    Attributes:
        train: What is trained on.
        val: What selects the epoch.
        test: What was held out of the folder to be measured at the end; None where the folder has a test split of its
            own, or none was held out.
        notes: A line each on how val and test came to be.
    """

    train: ModalityDataset
    val: ModalityDataset
    test: ModalityDataset | None = None
    notes: tuple[str, ...] = ()


def open_training_data(
    dataset_class: type[ModalityDataset],
    root: Path,
    options: Options | None,
    *,
    val_fraction: float,
    test_fraction: float,
    seed: int,
) -> TrainingData:
    """A folder's train, val and test; what it does not have is a seeded part of "train".

    Args:
        test_fraction: 0: no test is held out.
    """
    train = dataset_class.open(root, "train", options=options)
    test, about_test = _test_part(dataset_class, root, options, train, test_fraction, seed)
    if isinstance(test, Subset):
        train = _rest(train, test)
    try:
        val = dataset_class.open(root, "val", task=train.task, options=options)
        about_val = f"val: {_samples(val)}, the data's own"
    except MissingSplitError:
        train, val = hold_out(train, val_fraction, seed)
        about_val = f"val: {_samples(val)}, held out of train {_how(val)} (seed {seed})"
    return TrainingData(train, val, test, (about_val, about_test))


def _test_part(
    dataset_class: type[ModalityDataset],
    root: Path,
    options: Options | None,
    train: ModalityDataset,
    fraction: float,
    seed: int,
) -> tuple[ModalityDataset | None, str]:
    try:
        own = dataset_class.open(root, "test", task=train.task, options=options)
        # a benchmark may keep the labels of its test split to itself; those of points are read with the points
        if isinstance(own.task, Segmentation) or any(target is not None for target in own.targets()):
            return None, f"test: {_samples(own)}, the data's own; they are left for mt evaluate"
        why = "the data's own has no labels"
    except MissingSplitError:
        why = "the data have none"
    except MtError as error:
        return None, f"test: none ({error.problem})"
    if not fraction:
        return None, f"test: none ({why}, and test_fraction is 0)"
    if isinstance(train.task, Forecasting):
        return None, f"test: none ({why}, and windows of one series share values)"
    if len(train) < _FEWEST:
        return None, f"test: none ({why}, and {_samples(train)} are too few to hold some out)"
    _, test = hold_out(train, fraction, seed, ("train", f"held-out test part (seed {seed})"))
    return test, f"test: {_samples(test)}, held out of train {_how(test)} (seed {seed}), measured once at the end"


def _rest(whole: ModalityDataset, held: Subset) -> ModalityDataset:
    is_held = set(held.indices)
    return Subset(whole, [index for index in range(len(whole)) if index not in is_held], "without its test part")


def _samples(dataset: ModalityDataset) -> str:
    return f"{len(dataset):,} samples" if len(dataset) != 1 else "1 sample"


def _how(part: ModalityDataset) -> str:
    return "by whole groups" if part.groups() is not None else "by class" if part.task.kind == "classification" else ""
