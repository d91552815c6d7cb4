"""What a training gets of a folder: the part that is trained on, the part that selects, and the part that is measured
once, at the end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from mt_core.contract import Forecasting, ModalityDataset, Options, Segmentation
from mt_core.data.subsets import Subset, hold_out
from mt_core.errors import DataWarning, MissingSplitError, MtError
from mt_core.io.counted import counted
from mt_core.sdk import reinterpreted, some_of

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
        root: The folder or file that they are of; None where datasets were given.
        options: Those that it was opened with.
        notices: What was left out of it or reinterpreted.
        seconds: That opening it took.
    """

    train: ModalityDataset
    val: ModalityDataset
    test: ModalityDataset | None = None
    notes: tuple[str, ...] = ()
    root: Path | None = None
    options: Options | None = None
    notices: tuple[DataWarning, ...] = ()
    seconds: float = 0.0


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

    Warns:
        DataWarning: groups that lie in several of the data's own parts.
    """
    train = dataset_class.open(root, "train", options=options)
    own = {"train": train}
    test, about_test = _test_part(dataset_class, root, options, own, test_fraction, seed)
    if test is not None:
        train = _rest(train, test)
    try:
        val = own["val"] = dataset_class.open(root, "val", task=train.task, options=options)
        about_val = f"val: {samples_of(val)}, the data's own"
    except MissingSplitError:
        train, val = hold_out(train, val_fraction, seed)
        about_val = f"val: {samples_of(val)}, held out of train{_how(val)} (seed {seed})"
    _tell_shared_groups(own, root)
    return TrainingData(train, val, test, (about_val, about_test))


def _tell_shared_groups(own: dict[str, ModalityDataset], root: Path) -> None:
    of_part = {name: set(part.groups() or ()) - {None} for name, part in own.items()}
    for first, second in combinations(of_part, 2):
        if shared := sorted(str(group) for group in of_part[first] & of_part[second]):
            reinterpreted(
                str(root),
                f"{len(shared):,} of {len(of_part[second]):,} groups of {second} are in {first} too, as parts of both: "
                f"{some_of(shared)}",
            )


def _test_part(
    dataset_class: type[ModalityDataset],
    root: Path,
    options: Options | None,
    own: dict[str, ModalityDataset],
    fraction: float,
    seed: int,
) -> tuple[Subset | None, str]:
    """What is held out for a test, and a line about it; the data's own test joins `own`."""
    train = own["train"]
    try:
        test = dataset_class.open(root, "test", task=train.task, options=options)
        # a benchmark may keep the labels of its test split to itself; those of points are read with the points
        if (isinstance(test.task, Segmentation) and test.task.of == "places") or any(
            target is not None for target in test.targets()
        ):
            own["test"] = test
            return None, f"test: {samples_of(test)}, the data's own; they are left for mt evaluate"
        why = "the data's own has no labels"
    except MissingSplitError:
        why = "the data have none"
    except MtError as error:
        return None, f"test: none ({error.problem})"
    if not fraction:
        return None, f"test: none ({why}, and test_fraction is 0)"
    if isinstance(train.task, Forecasting) and train.groups() is None:
        return None, f"test: none ({why}, and windows of one series share values)"
    if len(train) < _FEWEST:
        return None, f"test: none ({why}, and {samples_of(train)} are too few to hold some out)"
    _, held = hold_out(train, fraction, seed, ("train", f"held-out test part (seed {seed})"))
    return held, f"test: {samples_of(held)}, held out of train{_how(held)} (seed {seed}), measured once at the end"


def _rest(whole: ModalityDataset, held: Subset) -> ModalityDataset:
    is_held = set(held.indices)
    return Subset(whole, [index for index in range(len(whole)) if index not in is_held], "without its test part")


def samples_of(part: ModalityDataset) -> str:
    """How many samples there are, and of how many groups: "300 samples of 6 groups"."""
    samples = counted(len(part), "sample")
    groups = part.groups()
    if groups is None:
        return samples
    num_groups = len(set(groups) - {None}) + sum(group is None for group in groups)
    return f"{samples} of {counted(num_groups, 'group')}"


def _how(part: ModalityDataset) -> str:
    if part.groups() is not None:
        return " by whole groups"
    return " by class" if part.task.kind == "classification" else ""
