"""What a training is about to learn from: said before the first epoch, and kept in the run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mt_core.contract import (
    MISSING_CLASS,
    Alignment,
    Classification,
    Detection,
    Forecasting,
    ModalityDataset,
    Multilabel,
    Regression,
    Retrieval,
    Segmentation,
)
from mt_core.data.training_data import TrainingData, samples_of
from mt_core.errors import DatasetError
from mt_core.io.counted import counted

_NAMED = 12  # classes that are listed
_IMBALANCED = 4.0  # times as many samples as the rarest class has
_FEW = 50  # samples of a test


def check_targets(train: ModalityDataset, modality: str) -> None:
    """Refuse data that there is nothing to learn from.

    Raises:
        DatasetError: no sample, no label at all, or one class alone.
    """
    if not len(train):
        raise DatasetError(f"{train.source} has no examples", fix="check the folder and its layout")
    if isinstance(train.task, Detection) and not any(
        target is not None and len(target.classes) for target in train.targets()
    ):
        raise DatasetError(f"{train.source}: none of its {len(train):,} pictures has an object", fix="check its boxes")
    if isinstance(train.task, Segmentation) and len(train.task.classes) == 1:
        raise DatasetError(
            f"{train.source}: all labels are of one class, {train.task.classes[0]!r}, so there is nothing to learn",
            fix="check how they were saved: what is not of that class has to have another number or colour",
        )
    if not isinstance(train.task, Classification):
        return
    counts = _counts(train)
    where = f"`mt info {modality}` lists the layouts and what each takes for the label"
    if not counts:
        raise DatasetError(f"{train.source}: none of its {len(train):,} samples has a label", fix=where)
    if len(counts) == 1:
        (only,) = counts
        raise DatasetError(
            f"{train.source}: all samples are of one class, {train.task.classes[only]!r}, so there is nothing to learn",
            fix=f"add samples of another class, or check what was taken for the label: {where}",
        )


def data_summary(data: TrainingData) -> list[str]:
    """A line each: where the data are from, the target and its classes, the parts, what the dataset itself says, and
    what is to be known of them."""
    train = data.train
    parts = {"train": train, "val": data.val, **({"test": data.test} if data.test is not None else {})}
    lines = [f"data: {train.source}", f"target: {_target(train, parts)}", f"train: {samples_of(train)}"]
    return [*lines, *data.notes, *train.summary(), *_remarks(train, data.test)]


def _target(train: ModalityDataset, parts: dict[str, ModalityDataset]) -> str:
    task = train.task
    if isinstance(task, Classification):
        counts = {name: _counts(part) for name, part in parts.items()}
        by_size = sorted(range(len(task.classes)), key=lambda index: -counts["train"][index])
        shown = [f"{task.classes[k]} {'/'.join(f'{of[k]:,}' for of in counts.values())}" for k in by_size[:_NAMED]]
        more = f" and {len(by_size) - _NAMED} more" if len(by_size) > _NAMED else ""
        unknown = _unknown(sum(target is None or target == MISSING_CLASS for target in train.targets()))
        return f"one of {len(task.classes)} classes ({'/'.join(counts)}): {', '.join(shown)}{more}{unknown}"
    if isinstance(task, Multilabel):
        present = (task.stack(train.targets()) == 1).sum(0).tolist()
        shown = [f"{name} {count:,}" for name, count in zip(task.labels, present, strict=True)]
        more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
        of_train = f"{', '.join(shown[:_NAMED])}{more}"
        return f"any of {len(task.labels)} labels, with the samples of train that have it: {of_train}"
    if isinstance(task, Regression):
        return "; ".join(
            _numbers(name, column)
            for name, column in zip(task.names, task.stack(train.targets()).T.tolist(), strict=True)
        )
    if isinstance(task, Segmentation):
        what = task.of.removesuffix("s")
        return f"a class for each {what}, one of {len(task.classes)}: {', '.join(task.classes[:_NAMED])}"
    if isinstance(task, Detection):
        found = Counter(int(index) for target in train.targets() if target is not None for index in target.classes)
        shown = [f"{task.classes[index]} {count:,}" for index, count in found.most_common()]
        more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
        empty = sum(target is not None and not len(target.classes) for target in train.targets())
        none = f"; {empty:,} pictures of train show none" if empty else ""
        return f"the objects in each picture, with those of train: {', '.join(shown[:_NAMED])}{more}{none}"
    if isinstance(task, Retrieval):
        return f"one of {len(task.identities):,} identities, to be found again"
    if isinstance(task, Alignment):
        return f"a place in the space {task.space}"
    assert isinstance(task, Forecasting)
    of = f"{counted(task.horizon, 'step')} of {counted(len(task.channels), 'channel')}"
    return f"the next {of}: {', '.join(task.channels[:_NAMED])}"


def _numbers(name: str, values: Sequence[float]) -> str:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return f"{name}, a number that no sample of train has"
    mean = sum(known) / len(known)
    unknown = _unknown(len(values) - len(known))
    return f"{name}, a number from {min(known):.4g} to {max(known):.4g}, mean {mean:.4g}{unknown}"


def _unknown(count: int) -> str:
    return f"; not known for {count:,} samples of train" if count else ""


def _remarks(train: ModalityDataset, test: ModalityDataset | None) -> list[str]:
    remarks = []
    if isinstance(train.task, Classification):
        counts = _counts(train)
        (most, many), (least, few) = counts.most_common()[0], counts.most_common()[-1]
        if many >= _IMBALANCED * few:
            names = train.task.classes
            remarks.append(
                f"imbalanced: {names[most]} has {many:,} samples of train and {names[least]} {few:,}; "
                "balanced_accuracy counts classes alike, and -H class_weights=balanced trains so"
            )
    if test is not None and len(test) < _FEW:
        remarks.append(f"the test part is small: one of its samples is {100 / len(test):.3g} % of an accuracy")
    return remarks


def _counts(dataset: ModalityDataset) -> Counter[Any]:
    """Samples of each class that occurs."""
    return Counter(int(target) for target in dataset.targets() if target is not None and target != MISSING_CLASS)
