"""Which epoch of a run is the best one: decided here, once, from the rows that the run records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mt_core.contract import Head

Row = Mapping[str, float]


def best_row(rows: Sequence[Row], head: Head) -> Row:
    """The row of the best epoch: the best validation metric (`Head.primary`); of equal ones the lowest validation loss;
    of equal ones the earliest epoch.

    Numbers are compared as they stand in the rows, exactly. NaN is worse than any number.
    """
    return max(rows, key=lambda row: _quality(row, head))  # max gives the first of equals


def _quality(row: Row, head: Head) -> tuple[float, float]:
    metric, loss = row[f"val_{head.primary}"], row["val_loss"]
    signed = metric if head.higher_is_better else -metric
    return tuple(-math.inf if math.isnan(number) else number for number in (signed, -loss))  # type: ignore[return-value]
