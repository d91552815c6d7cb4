"""What is to be predicted. A task is data: it is written into a run's `run.json` and read back.

Each task knows how its targets are written (`Example.target`) and how they are stacked into a tensor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from torch import Tensor

from mt_core.contract.boxes import Boxes
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


class Segmentation(_Task):
    """A class for each place of a sample (each point of a cloud, each step of a series, each token), for each pixel
    of a picture, or for each point of a scene. A target is a sequence of class indices in the order of the places or
    points, or an (H, W) array of them, with `MISSING_CLASS` where one is not known; None where none is."""

    kind: Literal["segmentation"] = "segmentation"
    classes: tuple[str, ...] = Field(min_length=1, description="Names of the classes, in the order of their indices.")
    of: Literal["places", "pixels", "points"] = Field(
        default="places",
        description="What has a class: places in a row, the pixels of a picture, or the points of a scene, of which "
        "there may be millions.",
    )
    numbers: tuple[int, ...] = Field(
        default=(), description="The number that stands for each class in files of labels; none: 0, 1, 2 and so on."
    )
    void: tuple[int, ...] = Field(default=(), description="Numbers in files of labels that stand for no class.")
    colours: tuple[tuple[int, int, int], ...] = Field(
        default=(), description="The RGB colour of each class, 0 to 255; in coloured masks it stands for the class."
    )
    is_coloured: bool = Field(default=False, description="Whether files of masks hold colours, and no numbers.")
    background: int | None = Field(
        default=None,
        description="Of classes of steps, the index of the one that says that nothing is the case; it is left out of "
        "what is predicted.",
    )

    @model_validator(mode="after")
    def _one_a_class(self) -> Self:
        if any(each and len(each) != len(self.classes) for each in (self.numbers, self.colours)):
            raise ValueError("numbers and colours have one entry a class, or none")
        if self.is_coloured and not self.colours:
            raise ValueError("coloured masks need the colour of each class")
        return self

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    def stack(self, targets: Sequence[Any]) -> Tensor:
        """(B, P) int64, P the most places of a sample, or (B, H, W), the height and width that hold every picture;
        `MISSING_CLASS` behind the places of the others."""
        ndim = 2 if self.of == "pixels" else 1
        rows = [_indices(target, len(self.classes), ndim) for target in targets]
        most = [max((row.shape[axis] for row in rows), default=0) for axis in range(ndim)]
        stacked = torch.full((len(rows), *most), MISSING_CLASS)
        for into, row in zip(stacked, rows, strict=True):
            into[tuple(slice(length) for length in row.shape)] = row
        return stacked


class Detection(_Task):
    """The objects in a picture: where each is, as a box, and its class. A target is `Boxes`, none of them where the
    picture shows no object; None where nobody looked for objects."""

    kind: Literal["detection"] = "detection"
    classes: tuple[str, ...] = Field(min_length=1, description="Names of the classes, in the order of their indices.")
    numbers: tuple[int, ...] = Field(
        default=(), description="The number that stands for each class in files of boxes; none: 0, 1, 2 and so on."
    )

    @model_validator(mode="after")
    def _one_a_class(self) -> Self:
        if self.numbers and len(self.numbers) != len(self.classes):
            raise ValueError("numbers has one entry a class, or none")
        return self

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    def stack(self, targets: Sequence[Any]) -> Tensor:
        """(B, M, 6) float32, M the most objects of a picture and at least 1: left, top, right and bottom in pixels,
        class index, and 1 for what neither counts as found nor as missed. Behind the objects of a picture the class is
        `MISSING_CLASS`; where the target is None everything is NaN."""
        rows = [None if target is None else _objects(target, len(self.classes)) for target in targets]
        most = max((len(row) for row in rows if row is not None), default=0)
        stacked = torch.full((len(rows), max(1, most), 6), math.nan)
        for into, row in zip(stacked, rows, strict=True):
            if row is not None:
                into[:] = torch.tensor([0.0, 0.0, 0.0, 0.0, MISSING_CLASS, 0.0])
                into[: len(row)] = row
        return stacked


class Forecasting(_Task):
    """What comes after a window of a series. A target is the (H, C) values that follow, in the unit of the series, NaN
    where one is not known (or None for all).

    Errors are measured on the standardised scale, as in the literature: in units of `scale`, the standard deviation of
    each channel in the training part.
    """

    kind: Literal["forecasting"] = "forecasting"
    channels: tuple[str, ...] = Field(min_length=1, description="Names of the channels, C of them, in their order.")
    horizon: int = Field(gt=0, description="H, the steps that are forecast.")
    mean: tuple[float, ...] = Field(description="Mean of each channel in the training part.")
    scale: tuple[float, ...] = Field(description="Standard deviation of each channel in the training part, above 0.")

    @model_validator(mode="after")
    def _one_a_channel(self) -> Self:
        if not len(self.mean) == len(self.scale) == len(self.channels) or min(self.scale) <= 0:
            raise ValueError("mean and scale have one number a channel, and scales are above 0")
        return self

    @property
    def num_outputs(self) -> int:
        return self.horizon * len(self.channels)

    def stack(self, targets: Sequence[Any]) -> Tensor:
        """(B, H, C) float32, NaN where not known."""
        shape = (self.horizon, len(self.channels))
        rows = []
        for target in targets:
            row = torch.full(shape, math.nan) if target is None else torch.as_tensor(target, dtype=torch.float32)
            if row.shape != shape:
                raise OptionError(
                    f"a target is {tuple(row.shape)}, the task forecasts {shape[0]} steps of {shape[1]} channels",
                    fix="give (steps, channels) values, NaN where unknown",
                )
            rows.append(row)
        return torch.stack(rows) if rows else torch.empty(0, *shape)


class Role(IntEnum):
    """What a sample is for when retrieval is measured."""

    BOTH = 0  # a query, and in the gallery of all others
    QUERY = 1
    GALLERY = 2


class Retrieval(_Task):
    """Finding the samples of the same identity, among identities that training need not have seen.

    A target is (identity, camera, role): the index of the identity in `identities`, or a higher one for an identity
    that is not among them; the number of the camera that saw it; a `Role`. None where it is not known.
    """

    kind: Literal["retrieval"] = "retrieval"
    identities: tuple[str, ...] = Field(min_length=1, description="Names of the identities in the training part.")

    @property
    def num_outputs(self) -> int:
        return len(self.identities)

    def stack(self, targets: Sequence[Any]) -> Tensor:
        """(B, 3) int64: identity, camera, role; `MISSING_CLASS` for an identity that is not known."""
        rows = [(MISSING_CLASS, 0, Role.BOTH) if target is None else tuple(target) for target in targets]
        if any(len(row) != 3 or row[0] < MISSING_CLASS for row in rows):
            raise OptionError("a target of retrieval is (identity, camera, role)", fix="give three numbers a sample")
        return torch.tensor([[int(number) for number in row] for row in rows], dtype=torch.int64).reshape(-1, 3)


class Alignment(_Task):
    """A place in a space of vectors that samples of several modalities share, where what belongs together is near.

    A target is the number of an item: samples with the same one belong together. None where it is not known.
    """

    kind: Literal["alignment"] = "alignment"
    space: str = Field(
        min_length=1, description="Name of the space: vectors of the same space can be compared, others can not."
    )
    width: int = Field(ge=1, description="Width of the vectors.")
    inputs: tuple[str, ...] = Field(default=(), description="Names of the inputs that were brought together in it.")

    @property
    def num_outputs(self) -> int:
        return self.width

    def stack(self, targets: Sequence[Any]) -> Tensor:
        """(B,) int64, `MISSING_CLASS` where the target is None."""
        return torch.tensor([MISSING_CLASS if target is None else int(target) for target in targets], dtype=torch.int64)


AnyTask = Classification | Multilabel | Regression | Segmentation | Detection | Forecasting | Retrieval | Alignment
"""Any of the tasks, for annotations."""

Task = Annotated[AnyTask, Field(discriminator="kind")]
"""Any of the tasks as a field of a pydantic model; `kind` tells which."""

_ADAPTER: TypeAdapter[AnyTask] = TypeAdapter(Task)


def task_from(record: dict[str, Any]) -> AnyTask:
    """The task that `task.model_dump()` wrote down."""
    return _ADAPTER.validate_python(record)


def _indices(target: Any, num_classes: int, ndim: int) -> Tensor:
    """(P,) or (H, W) class indices of one sample, checked."""
    if target is None:
        return torch.full((1,) * ndim, MISSING_CLASS)
    indices = torch.as_tensor(np.asarray(target) if hasattr(target, "__array__") else target, dtype=torch.int64)
    is_inside = not indices.numel() or MISSING_CLASS <= int(indices.min()) <= int(indices.max()) < num_classes
    if indices.ndim != ndim or not is_inside:
        what = "one class index a place" if ndim == 1 else "an (H, W) array of class indices"
        raise OptionError(
            f"a target of shape {tuple(indices.shape)} is no {'sequence' if ndim == 1 else 'mask'} of indices within "
            f"0..{num_classes - 1}",
            fix=f"give {what}, -1 where it is not known",
        )
    return indices


def _objects(target: Any, num_classes: int) -> Tensor:
    """(M, 6) the objects of one picture, checked."""
    if not isinstance(target, Boxes):
        raise OptionError(
            f"a target of detection is a {type(target).__name__}", fix="give mt_core.contract.Boxes, None where unknown"
        )
    xyxy_M4 = np.asarray(target.xyxy, np.float32).reshape(-1, 4)
    classes_M = np.asarray(target.classes, np.int64).reshape(-1)
    ignored_M = np.zeros(len(xyxy_M4), bool) if target.ignored is None else np.asarray(target.ignored, bool).reshape(-1)
    if not len(xyxy_M4) == len(classes_M) == len(ignored_M):
        raise OptionError(
            f"a target has {len(xyxy_M4)} boxes, {len(classes_M)} classes and {len(ignored_M)} ignored",
            fix="give one class a box",
        )
    if len(classes_M) and not 0 <= classes_M.min() <= classes_M.max() < num_classes:
        raise OptionError(
            f"a box has the class {classes_M[(classes_M < 0) | (classes_M >= num_classes)][0]}, outside "
            f"0..{num_classes - 1}",
            fix="give classes as indices into the task's classes",
        )
    if not np.isfinite(xyxy_M4).all() or (xyxy_M4[:, 2:] <= xyxy_M4[:, :2]).any():
        raise OptionError(
            "a box has no area, or a side that is no finite number",
            fix="give left, top, right and bottom in pixels, right and bottom the larger ones; leave out others",
        )
    columns = [torch.from_numpy(each.astype(np.float32)) for each in (classes_M, ignored_M)]
    return torch.cat([torch.from_numpy(xyxy_M4), torch.stack(columns, dim=1)], dim=1)


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
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, num_outputs)
