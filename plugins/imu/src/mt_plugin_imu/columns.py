"""Which columns of a table are axes, and which is the time.  T steps, C axes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mt_core.errors import InputError
from mt_plugin_imu.clock import is_clock

_NO_AXIS = re.compile(
    r"|unnamed.*|index|row|nr|no|#|id|.*_id|samples?|frames?|count(er)?|user|subject|person|participant|session|"
    r"exp(eriment)?|trial|split|label|activity|class|target|gt|device|model|date"
)


@dataclass(frozen=True)
class Columns:
    """Places in a row.

    Attributes:
        axes: In the order in which the tokenizer sees them.
        clock: Of the time; None for none.
    """

    axes: tuple[int, ...]
    clock: int | None


def chosen_columns(names: Sequence[str], wanted: Sequence[str], source: str) -> Columns:
    """The columns to take from a table with a header.

    Args:
        wanted: The axes by name, in this order; none: all but those that tell the time, a label, a person or a number
            of the row.

    Raises:
        InputError: a wanted column that is not there, or no axis at all.
    """
    plain = [name.strip().lower() for name in names]
    clocks = [place for place, name in enumerate(plain) if is_clock(name)]
    axes: list[int] = []
    for name in wanted:
        if name.strip().lower() not in plain:
            raise InputError(
                f"{source} has no column {name!r}; it has {', '.join(names)[:200]}",
                fix="name columns of the file in the option columns",
            )
        axes.append(plain.index(name.strip().lower()))
    if not wanted:
        axes = [place for place, name in enumerate(plain) if place not in clocks and not _NO_AXIS.fullmatch(name)]
    if not axes:
        raise InputError(
            f"{source} has no column that is an axis: {', '.join(names)[:200]}",
            fix="name the axes in the option columns",
        )
    return Columns(tuple(axes), next((place for place in clocks if place not in axes), None))
