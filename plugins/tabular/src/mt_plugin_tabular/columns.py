"""What each column of a table holds, learned from its rows."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from mt_core.errors import InputError
from mt_core.sdk import NumberFormat, number_format
from mt_plugin_tabular.cells import Cell, Row, category_name, parse_days, parse_number
from mt_plugin_tabular.numbers import quantile_edges

Kind = Literal["number", "date", "category"]

_PARSERS: dict[Kind, Callable[[str | float], float]] = {"number": parse_number, "date": parse_days}

KEPT_ROWS = 50_000
"""Rows that statistics are taken from; of more, an even sample."""

_ID_DISTINCT = 20  # a text column with more values than this, most of them different, is names or free text


@dataclass(frozen=True)
class Column:
    """A column that becomes a token. As JSON by `dataclasses.asdict`.

    Attributes:
        kind: "number"; "date" (a number of days since 1970-01-01); "category".
        mean, std: Of the numbers or days.
        decimal, thousands, unit: How numbers are written, see `mt_core.sdk.NumberFormat`.
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

    def parse(self, value: str | float) -> float:
        """The number, or the days, of a cell.

        Raises:
            ValueError: the cell holds something else.
        """
        if self.kind == "date":
            return parse_days(value)
        return parse_number(value, NumberFormat(self.decimal, self.thousands, self.unit))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class TableSummary:
    """One pass over rows in bounded memory: whether all cells of a column can be numbers or dates, and `KEPT_ROWS` of
    the rows, each row with the same chance (reservoir sampling, Vitter 1985, algorithm R; the same at each call)."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.kept: list[Row] = []
        self.num_rows = 0
        self.misfits: dict[str, dict[str, Cell]] = {}  # of each column, the first cell that is no number, no date
        draw = random.Random(0)
        for row in rows:
            self.num_rows += 1
            self._note(row)
            if len(self.kept) < KEPT_ROWS:
                self.kept.append(row)
            elif (place := draw.randrange(self.num_rows)) < KEPT_ROWS:
                self.kept[place] = row

    def _note(self, row: Row) -> None:
        for name, value in row.items():
            misfits = self.misfits.setdefault(name, {})
            if value is None or len(misfits) == len(_PARSERS):
                continue
            for kind, parse in _PARSERS.items():
                if kind not in misfits:
                    try:
                        parse(value)
                    except ValueError:
                        misfits[kind] = value

    @property
    def names(self) -> list[str]:
        return list(self.misfits)

    def present(self, name: str) -> list[str | float]:
        """The cells of a column that are not missing, of the rows kept."""
        return [value for row in self.kept if (value := row.get(name)) is not None]


def infer_column(
    survey: TableSummary, name: str, *, forced: Kind | None = None, num_bins: int, max_categories: int
) -> Column | str:
    """What a column holds, or why it is left out.

    A column whose cells all are numbers is a number, however few values it has: each value of a short list gets an
    edge of its own, so that nothing is lost against a category and the order is kept. Else, all ISO dates: a date.
    Else, numbers with decimal commas, thousands or a currency, written alike in the whole column: a number. Else a
    category, unless it has more than 20 values and most cells differ (names, free text, keys).

    Args:
        forced: "number" or "category": the user's word for it.

    Raises:
        InputError: the user calls a number what is none.
    """
    cells = survey.present(name)
    if not cells:
        return "all missing"
    misfits = survey.misfits[name]
    kind: Kind = forced or "category"
    if forced != "category":
        kind = next((kind for kind in ("number", "date") if kind not in misfits), kind)
    written = NumberFormat()
    if forced != "category" and "number" in misfits and kind != "date":
        found = number_format(value for value in cells if isinstance(value, str))
        if found is not None:
            kind, written = "number", found
        elif forced == "number":
            raise InputError(
                f"column {name!r} is to be a number and holds {misfits['number']!r}",
                fix="correct the cell, or leave the column out of the option `numeric`",
            )
    if kind == "category":
        return _category(name, cells, len(cells) < len(survey.kept), forced is not None, max_categories)
    column = Column(name, kind, decimal=written.decimal, thousands=written.thousands, unit=written.unit)
    values = np.array([column.parse(value) for value in cells], dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return "all missing or infinite"
    if values.min() == values.max() and len(values) == len(survey.kept):
        return "constant"
    largest = np.abs(values).max() or 1.0  # scaled, so that squares of huge numbers stay finite
    mean, std = float((values / largest).mean() * largest), float((values / largest).std() * largest)
    std = std if std > 0 and math.isfinite(std) else 1.0
    return replace(column, mean=mean, std=std, edges=quantile_edges((values - mean) / std, num_bins).tolist())


def _category(name: str, cells: list[str | float], has_missing: bool, forced: bool, most: int) -> Column | str:
    counts = Counter(map(category_name, cells))
    if len(counts) == 1 and not has_missing:
        return "constant"
    if not forced and len(counts) > _ID_DISTINCT and len(counts) > len(cells) / 2:
        return f"{len(counts)} different texts in {len(cells)} cells: names, keys or free text"
    frequent = sorted(counts, key=lambda text: (-counts[text], text))
    return Column(name, "category", categories=frequent[:most])
