"""What is to be predicted. A task is data: it is written into a run's `run.json` and read back.

Each task knows how its targets are written (`Example.target`) and how they are stacked into a tensor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from torch import Tensor

from mt_core.errors import OptionError

MISSING_CLASS = -1
"""What stands in a tensor of class indices for a target that is not known."""


class _Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Classification(_Task):
    """One of several classes. A target is the index of its class, or None where it is not known."""

    kind: Literal["classification"] = "classification"
    classes: tuple[str, ...] = Field(min_length=1, description="Names of the classes, in the order of their indices.")

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    def stack(self, targets: Sequence[Any]) -> Tensor:
        """(B,) int64, `MISSING_CLASS` where the target is None."""
        indices = [MISSING_CLASS if target is None else int(target) for target in targets]
        if any(not -1 <= index < len(self.classes) for index in indices):
            raise OptionError(
                f"class index {max(indices)} is outside 0..{len(self.classes) - 1}",
                fix="give targets as indices into the task's classes, None where unknown",
            )
        return torch.tensor(indices, dtype=torch.int64)


class Multilabel(_Task):
    """Any number of several labels. A target is one value a label: 1 has it, 0 has it not, NaN (or None) not known."""

    kind: Literal["multilabel"] = "multilabel"
    labels: tuple[str, ...] = Field(min_length=1, description="Names of the labels, in the order of the target.")

    @property
    def num_outputs(self) -> int:
        return len(self.labels)

    def stack(self, targets: Sequence[Any]) -> Tensor:
        """(B, labels) float32, NaN where not known."""
        return _stack_numbers(targets, len(self.labels), "labels")


class Regression(_Task):
    """One or several numbers. A target is a number, or one a name; NaN (or None) where it is not known."""

    kind: Literal["regression"] = "regression"
    names: tuple[str, ...] = Field(min_length=1, description="Names of the quantities, in the order of the target.")
    unit: str = Field(default="", description="Unit of the quantities, for tables and plots.")

    @property
    def num_outputs(self) -> int:
        return len(self.names)

    def stack(self, targets: Sequence[Any]) -> Tensor:
        """(B, names) float32, NaN where not known."""
        return _stack_numbers(targets, len(self.names), "names")


Task = Annotated[Classification | Multilabel | Regression, Field(discriminator="kind")]
"""Any of the tasks; `kind` tells which."""

_ADAPTER: TypeAdapter[Classification | Multilabel | Regression] = TypeAdapter(Task)


def task_from(record: dict[str, Any]) -> Classification | Multilabel | Regression:
    """The task that `task.model_dump()` wrote down."""
    return _ADAPTER.validate_python(record)


def _stack_numbers(targets: Sequence[Any], num_outputs: int, of: str) -> Tensor:
    rows = []
    for target in targets:
        numbers = [target] if target is None or not hasattr(target, "__len__") else list(target)
        row = [math.nan if number is None else float(number) for number in numbers]
        if len(row) == 1 and math.isnan(row[0]):
            row = row * num_outputs
        if len(row) != num_outputs:
            raise OptionError(
                f"a target has {len(row)} numbers, the task has {num_outputs} {of}",
                fix=f"give one number for each of the task's {of}, NaN where unknown",
            )
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float32)
