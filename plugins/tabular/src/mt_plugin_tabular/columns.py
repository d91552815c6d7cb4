"""What a column of a table holds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from mt_core.sdk import DateFormat, NumberFormat, is_number
from mt_plugin_tabular.cells import category_name
from mt_plugin_tabular.numbers import quantile_edges

Kind = Literal["number", "date", "category"]

ID_DISTINCT = 20
"""A text column with more values than this, most of them different, is names or free text; numbers of as many values
are a quantity."""

_SECONDS = 86_400


@dataclass(frozen=True)
class Column:
    """A column that becomes a token. As JSON by `dataclasses.asdict`.

    Attributes:
        kind: "number"; "date" (a number of days since 1970-01-01); "category".
        mean, std: Of the numbers or days.
        decimal, thousands, unit: How numbers are written, see `mt_core.sdk.NumberFormat`.
        dates, is_zoned: How dates are written, see `mt_core.sdk.DateFormat`.
        misfits: Some of the cells that are neither number nor date, and are missing; () where there are none.
        edges: Ends of the bins of the piecewise-linear encoding, ascending, in standard deviations from the mean.
        categories: Names, the most frequent first, as `cells.category_name` writes them.
    """

    name: str
    kind: Kind
    mean: float = 0.0
    std: float = 1.0
    edges: list[float] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    dates: Any = "ymd"
    is_zoned: bool = False
    misfits: list[str] = field(default_factory=list)

    def parse(self, value: str | float) -> float:
        """The number, or the days, of a cell; NaN where it is infinite.

        Raises:
            ValueError: the cell holds something else.
        """
        if self.kind == "date":
            text = value if isinstance(value, str) else f"{value:.0f}"
            return DateFormat(self.dates, self.is_zoned).parse(text) / _SECONDS
        if isinstance(value, str):
            return self._written.parse(value)
        return value if math.isfinite(value) else math.nan

    @cached_property
    def _written(self) -> NumberFormat:
        return NumberFormat(self.decimal, self.thousands, self.unit)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def with_statistics(column: Column, cells: Sequence[str | float], num_rows: int, num_bins: int) -> Column | str:
    """A column of numbers or dates with mean, deviation and edges, or why it is left out.

    Args:
        cells: Those that are neither missing nor misfits.
        num_rows: Of the table; more than there are cells where some are missing.
    """
    values = np.array([column.parse(value) for value in cells], dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return "all missing or infinite"
    if values.min() == values.max() and len(values) == num_rows:
        return "constant"
    largest = np.abs(values).max() or 1.0  # scaled, so that squares of huge numbers stay finite
    mean, std = float((values / largest).mean() * largest), float((values / largest).std() * largest)
    std = std if std > 0 and math.isfinite(std) else 1.0
    return replace(column, mean=mean, std=std, edges=quantile_edges((values - mean) / std, num_bins).tolist())


def category_column(
    name: str, cells: Sequence[str | float], num_rows: int, most: int, *, forced: bool
) -> tuple[Column | str, int]:
    """A column of categories, or why it is left out; and how many cells hold none of the `most` that are kept.

    Args:
        cells: Those that are not missing.
        forced: The user calls it a category, however many values it has.
    """
    counts = Counter(map(category_name, cells))
    if len(counts) == 1 and len(cells) == num_rows:
        return "constant", 0
    if not forced and len(counts) > ID_DISTINCT and len(counts) > len(cells) / 2:
        return f"{len(counts)} different texts in {len(cells)} cells: names, keys or free text", 0
    frequent = sorted(counts, key=lambda text: (-counts[text], text))
    return Column(name, "category", categories=frequent[:most]), sum(counts[text] for text in frequent[most:])


def is_quantity(cells: Sequence[str | float], column: Column) -> bool:
    """Whether numbers are no codes: some have fractions, or there are more than 20 different ones."""
    numbers = {number for cell in cells if math.isfinite(number := column.parse(cell))}
    return len(numbers) > ID_DISTINCT or any(not number.is_integer() for number in numbers)


def is_plain(cell: str | float) -> bool:
    return not isinstance(cell, str) or is_number(cell)
