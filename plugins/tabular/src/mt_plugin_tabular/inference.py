"""What the columns of a table are taken for, judged by all of their cells, and the warnings about them."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mt_core.errors import InputError
from mt_core.sdk import (
    DateFormat,
    NumberColumn,
    date_format,
    format_notes,
    is_infinite,
    is_missing_number,
    left_out,
    number_column,
    number_columns,
    reinterpreted,
    similar_labels,
    some_of,
)
from mt_plugin_tabular.cells import category_name
from mt_plugin_tabular.columns import Column, category_column, is_plain, is_quantity, with_statistics
from mt_plugin_tabular.options import TabularOptions
from mt_plugin_tabular.survey import TableSummary

_KEY = re.compile(
    r"(?i:(.*[ _-])?(id|key|uid)|index|idx|no\.?|nr\.?|row([ _-]?(id|no|number|num|names?))?|#)|.*[a-z](Id|ID)"
)
_NINES = re.compile(r"-?99+(?:\.0*)?")
_KEPT_MISFITS = 100  # of a column, in its calibration
_DATE_SAMPLE = 200
_EXACT = 2.0**53  # beyond it not every whole number is a float
_ORDERS = {"dmy": "day/month/year", "mdy": "month/day/year"}


@dataclass
class Inferred:
    """What a table was taken for.

    Attributes:
        columns: Those that become tokens.
        dropped: The others, and why.
        left_out, reinterpreted: What users are warned of.
        doubts: What may mean something else than it was taken for.
    """

    columns: list[Column] = field(default_factory=list)
    dropped: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    reinterpreted: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def tell(self, source: str) -> None:
        for what in self.left_out:
            left_out(source, what)
        for what in self.reinterpreted:
            reinterpreted(source, what)

    def summary(self) -> list[str]:
        """A line for each kind of column, and one for what users are warned of."""
        of_kind: dict[str, list[str]] = defaultdict(list)
        for column in self.columns:
            count = f" ({len(column.categories)})" if column.kind == "category" else ""
            of_kind[column.kind].append(f"{column.name}{count}")
        kinds = {"number": "numbers", "date": "dates", "category": "categories"}
        lines = [f"{kinds[kind]}: {some_of(names, 20)}" for kind, names in of_kind.items()]
        lines += [f"left out: {what}" for what in self.left_out]
        lines += [f"taken for something else: {what}" for what in self.reinterpreted]
        return lines + [f"in doubt: {what}" for what in self.doubts]


def infer_columns(survey: TableSummary, options: TabularOptions) -> Inferred:
    """What each column holds.

    A column whose cells all are numbers is a number, however few values it has: each value of a short list gets an
    edge of its own, so that nothing is lost against a category and the order is kept. Else, all dates: a date. Else,
    numbers with decimal commas, thousands, a currency or a unit, written alike in the whole column: a number. Either
    may have a cell in ten that is none, which is then missing. Else a category, unless it has more than 20 values and
    most cells differ (names, free text, keys).

    Raises:
        InputError: the user calls a number what is none.
    """
    found = Inferred()
    cells = {name: survey.present(name) for name in survey.names}
    texts = {name: [cell for cell in some if isinstance(cell, str)] for name, some in cells.items()}
    open_names = [name for name in survey.names if name not in {*options.categorical, *options.ignore}]
    if options.decimal is None:
        written = number_columns({name: texts[name] for name in open_names}, decimal=survey.decimal)
    else:
        written = {name: number_column(texts[name], decimal=options.decimal) for name in open_names}
    formats: dict[str, NumberColumn] = {}
    orders: dict[str, list[str]] = defaultdict(list)
    for name in survey.names:
        column: Column | str
        if name in options.ignore:
            found.dropped[name] = "ignored by option"
            continue
        if not cells[name]:
            column = "all missing"
        elif name in options.categorical:
            column = _category(name, cells[name], survey, options, found)
        elif name not in options.numeric and (dates := _dates(cells[name], options.day_first)) is not None:
            column = _date(name, cells[name], dates, survey, options, found)
            if isinstance(column, Column):
                orders[_order_note(dates)].append(name)
        else:
            column = _number(name, cells[name], written[name], survey, options, found)
            if isinstance(column, Column) and column.kind == "number":
                formats[name] = written[name]
        if isinstance(column, Column):
            found.columns.append(column)
        else:
            found.dropped[name] = column
    found.reinterpreted += format_notes(formats)
    found.reinterpreted += [f"{note} in {_named(names)}" for note, names in orders.items() if note]
    found.left_out += _why_dropped(found.dropped)
    return found


def _number(
    name: str,
    cells: Sequence[str | float],
    written: NumberColumn,
    survey: TableSummary,
    options: TabularOptions,
    found: Inferred,
) -> Column | str:
    numbers = [cell for cell in cells if not (isinstance(cell, str) and cell in written.misfits)]
    num_misfits = len(cells) - len(numbers)
    style = written.written
    column = Column(name, "number", decimal=style.decimal, thousands=style.thousands, unit=style.unit)
    column = _with_misfits(column, written.misfits)
    forced = name in options.numeric
    is_number = forced or not num_misfits or (_are_few(num_misfits, cells) and is_quantity(numbers, column))
    if not is_number:
        if len(numbers) * 2 >= len(cells) and is_quantity(numbers, column):
            found.reinterpreted.append(
                f"numbers as categories in the column {name}, for {num_misfits} of {len(cells)} cells are none "
                f"({_examples(written.misfits)})"
            )
        return _category(name, cells, survey, options, found)
    if forced and num_misfits * 2 > len(cells):
        raise InputError(
            f"column {name!r} is to be a number and holds {next(iter(written.misfits))!r}",
            fix="correct the cells, or leave the column out of the option `numeric`",
        )
    if not forced and _KEY.fullmatch(name) and _are_keys(numbers, column):
        return "row numbers or keys"
    if num_misfits:
        found.left_out.append(_no_kind("numbers", num_misfits, len(cells), written.misfits, name))
    if infinite := sum(isinstance(cell, str) and is_infinite(cell) for cell in numbers):
        found.left_out.append(f"{infinite} infinite numbers in the column {name}")
    if mark := _sentinel(numbers, column):
        found.doubts.append(f"{mark} in the column {name}: if it means that there is no value, say -O missing={mark}")
    if any(abs(column.parse(cell)) > _EXACT for cell in numbers):
        found.doubts.append(
            f"numbers beyond 2^53 in the column {name}, close ones of which are equal: if they are keys, say "
            f"-O ignore={name}"
        )
    return with_statistics(column, numbers, len(survey.kept), options.bins)


def _date(
    name: str,
    cells: Sequence[str | float],
    dates: tuple[DateFormat, set[str]],
    survey: TableSummary,
    options: TabularOptions,
    found: Inferred,
) -> Column | str:
    written, misfits = dates
    column = Column(name, "date", dates=written.order, is_zoned=written.is_zoned)
    column = _with_misfits(column, dict.fromkeys(sorted(misfits), 1))
    kept = [cell for cell in cells if cell not in misfits]
    if misfits:
        found.left_out.append(_no_kind("dates", len(cells) - len(kept), len(cells), column.misfits, name))
    return with_statistics(column, kept, len(survey.kept), options.bins)


def _category(
    name: str, cells: Sequence[str | float], survey: TableSummary, options: TabularOptions, found: Inferred
) -> Column | str:
    most, forced = options.max_categories, name in options.categorical
    column, num_others = category_column(name, cells, len(survey.kept), most, forced=forced)
    if isinstance(column, Column):
        if num_others:
            found.left_out.append(f"{num_others} cells beyond the {most} most frequent categories in the column {name}")
        if twins := similar_labels(column.categories):
            found.reinterpreted.append(f"{twins} as two categories in the column {name}")
    return column


def _dates(cells: Sequence[str | float], day_first: bool | None) -> tuple[DateFormat, set[str]] | None:
    """How a column writes dates, and the few cells that are none; None where it is no column of dates."""
    if all(map(is_plain, cells)):  # 20200131, as text or as a number
        texts = {cell if isinstance(cell, str) else f"{cell:.0f}" for cell in cells}
        is_compact = len(texts) > 1 and all(len(text) in (8, 12, 14) for text in texts)
        written = date_format(texts) if is_compact else None
        return (written, set()) if written is not None else None
    if not all(isinstance(cell, str) for cell in cells):
        return None
    texts_in_order = [cell for cell in cells if isinstance(cell, str)]
    written = date_format(texts_in_order, day_first=day_first)
    if written is not None:
        return written, set()
    sample = texts_in_order[:: max(1, len(texts_in_order) // _DATE_SAMPLE)]
    if sum(date_format([text]) is not None for text in sample) < 0.8 * len(sample):
        return None
    misfits = {text for text in set(texts_in_order) if not is_missing_number(text) and date_format([text]) is None}
    kept = [text for text in texts_in_order if text not in misfits]
    num_misfits = len(texts_in_order) - len(kept)
    if not _are_few(num_misfits, cells):
        return None
    written = date_format(kept, day_first=day_first)
    return (written, misfits) if written is not None else None


def _order_note(dates: tuple[DateFormat, set[str]]) -> str:
    """What users should know; "" for 2020-01-31 and 31 Jan 2020, which can be nothing else."""
    written = dates[0]
    if written.is_ambiguous:
        return "dates as month/day/year, which could be day/month/year (option day_first),"
    if written.order == "compact":
        return "numbers such as 20200131 as dates"
    return f"dates as {_ORDERS[written.order]}" if written.order in _ORDERS else ""


def _with_misfits(column: Column, misfits: Mapping[str, int]) -> Column:
    column.misfits.extend(sorted(misfits, key=lambda text: (-misfits[text], text))[:_KEPT_MISFITS])
    return column


def _sentinel(numbers: Sequence[str | float], column: Column) -> str:
    """A number of nines that occurs more than once, further from all others than these are apart; "" for none."""
    if not any(_NINES.fullmatch(f"{number:g}" if isinstance(number, float) else number) for number in set(numbers)):
        return ""
    values = sorted(value for number in numbers if math.isfinite(value := column.parse(number)))
    for ordered in (values, values[::-1]) if values else ():
        value = ordered[0]
        beside = next((other for other in ordered if other != value), value)
        is_far = abs(value - beside) > abs(ordered[-1] - beside)
        if _NINES.fullmatch(f"{value:g}") and ordered.count(value) > 1 and is_far:
            return f"{value:g}"
    return ""


def _are_few(misfits: int, cells: Sequence[str | float]) -> bool:
    """Whether a column is what it is but for mistakes: in a cell of ten, or in one of at least four."""
    return misfits <= max(len(cells) / 10, float(len(cells) >= 4))


def _are_keys(numbers: Sequence[str | float], column: Column) -> bool:
    """Whether all are different whole numbers."""
    values = {column.parse(number) for number in numbers}
    return len(values) == len(numbers) >= 10 and all(value.is_integer() for value in values)


def _no_kind(kind: str, count: int, of: int, misfits: Iterable[str], name: str) -> str:
    return f"{count} of {of} cells that are no {kind} ({_examples(misfits)}) in the column {name}"


def _examples(misfits: Iterable[str]) -> str:
    return ", ".join(repr(category_name(text)[:20]) for text in list(misfits)[:3])


def _why_dropped(dropped: Mapping[str, str]) -> list[str]:
    names: dict[str, list[str]] = defaultdict(list)
    for name, why in dropped.items():
        if why != "ignored by option":
            names[why.rpartition(": ")[2]].append(name)
    return [f"{_named(some)} ({why})" for why, some in names.items()]


def _named(names: Sequence[str]) -> str:
    return f"the column{'s' * (len(names) > 1)} {some_of(names)}"
