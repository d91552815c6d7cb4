"""Tables of texts, a row at a time: CSV, TSV, JSON lines and Parquet."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import PurePath
from typing import Any, BinaryIO

from mt_core.errors import InputError
from mt_core.sdk import Delimited, canonical_label, declared_suffixes, reinterpreted, text_lines
from mt_plugin_text.columns import ColumnChoice, FoundColumns, find_named_columns, find_numbered_columns
from mt_plugin_text.guesses import is_quoted
from mt_plugin_text.text import Text

SUFFIXES = tuple(suffix for suffix in declared_suffixes("mt_plugin_text") if suffix != ".txt")
"""Of files that hold many texts."""

JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")
"""Of objects, a line each, or in one list."""

PARQUET = b"PAR1"
"""What a Parquet file begins with."""

_NO_AGREEMENT = ("gold_label", "-")  # SNLI and MNLI, where those who labelled did not agree
_BATCH_ROWS = 256  # of Parquet, decoded at a time
_FIRST_LINES = 1000  # that tell of header and quotes
_SAMPLE_ROWS = 100  # that tell which column holds texts, where no name does


@dataclass(frozen=True, slots=True)
class Row:
    """A sample of a table.

    Attributes:
        text: What it says, "" where a cell is missing, and where it stands.
        label, split, group: As they are written; None where there is none.
        columns: Where they were found.
    """

    text: Text
    label: str | None
    split: str | None
    columns: FoundColumns
    group: str | None = None


def read_table(file: BinaryIO, name: str, wanted: ColumnChoice) -> Iterator[Row]:
    """Every row of a table, in order and in bounded memory.

    Args:
        file: Open for reading, at its start.
        name: What it is called in messages; its suffix tells the format, except for Parquet's, which tells itself.

    Raises:
        InputError: no column of texts, no rows, a row that is not like the others, a damaged file; with the line.
    """
    magic = file.read(len(PARQUET))
    file.seek(0)
    if magic == PARQUET:
        found = _parquet_rows(file, name, wanted)
    elif PurePath(name).suffix.lower() in JSON_SUFFIXES:
        found = _json_rows(file, name, wanted)
    else:
        found = _delimited_rows(file, name, wanted)
    num_rows = 0
    for num_rows, row in enumerate(found, start=1):  # noqa: B007 - told below
        yield row
    if not num_rows:
        raise InputError(f"{name} has no rows", fix="export the table again")


def make_row(cells: Mapping[str, Any], columns: FoundColumns, file: str = "", place: str = "") -> Row:
    """The parts of a row that are wanted.

    Args:
        file, place: Where it stands; see `Text`.

    Raises:
        InputError: a column that the row lacks, or that holds a list or a structure.
    """
    where = f"{file}, {place}" if file else "a mapping"
    try:
        texts = [_written(cells[column]) for column in columns.text]
        label = canonical_label(_written(cells[columns.label])) if columns.label is not None else None
        split = _written(cells[columns.split]).strip() if columns.split is not None else ""
        group = canonical_label(_written(cells[columns.group])) if columns.group is not None else None
    except KeyError as error:
        raise InputError(
            f"{where}: there is no {error.args[0]!r}", fix="give every row the columns of the first"
        ) from None
    except TypeError as error:
        raise InputError(f"{where}: {error}", fix="name a column of plain texts by the option text=NAME") from None
    if (columns.label, label) == _NO_AGREEMENT:
        label = None
    second = texts[1] if len(texts) == 2 else None
    return Row(Text(texts[0], second, file, place), label, split or None, columns, group)


def _written(value: Any) -> str:
    """A cell as text; what is missing is ""."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # whole numbers turn into floats where a column has gaps
    if isinstance(value, bool | int | float):
        return str(value)
    raise TypeError(f"a cell holds a {type(value).__name__}, not a text")


def _delimited_rows(file: BinaryIO, name: str, wanted: ColumnChoice) -> Iterator[Row]:
    """CSV, with quotes, its separator found; or TSV, in which quotes are characters like others, as in GLUE's files,
    unless all of them are written as in CSV."""
    lines = text_lines(file, name)
    first = list(islice(lines, _FIRST_LINES))
    is_tsv = PurePath(name).suffix.lower() == ".tsv"
    quoted = not is_tsv or is_quoted(first)
    if is_tsv and quoted:
        reinterpreted(name, "quotes between tabs as those of CSV")

    def opened(lines: Iterable[str], header: bool) -> Delimited:
        return Delimited(lines, name, separators="\t" if is_tsv else ",;\t", quoted=quoted, header=header)

    rows: list[list[str]] = []
    with suppress(InputError):  # the last of these lines may be half a row
        rows.extend(opened(first, header=False))
    table = opened(chain(first, lines), header=bool(rows) and wanted.is_header(rows))
    names, columns = table.names, None
    if names:
        sample = [dict(zip(names, cells, strict=True)) for cells in rows[1:]]
        columns = find_named_columns(names, wanted, name, sample)
    for cells in table:
        if columns is None:
            names = tuple(str(number) for number in range(1, table.width + 1))
            columns = find_numbered_columns(cells, wanted, name)
        if any(cells):
            yield make_row(dict(zip(names, cells, strict=True)), columns, name, f"line {table.line}")


def _json_rows(file: BinaryIO, name: str, wanted: ColumnChoice) -> Iterator[Row]:
    """JSON lines, or one list."""
    records = _json_records(file, name)
    first = list(islice(records, 1))
    if not first:
        return
    names = list(first[0][1])
    try:
        columns = find_named_columns(names, wanted, name, [record for _, record in first])
    except InputError:
        first += islice(records, _SAMPLE_ROWS)
        columns = find_named_columns(names, wanted, name, [record for _, record in first])
    for place, record in chain(first, records):
        yield make_row(record, columns, name, place)


def _json_records(file: BinaryIO, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    lines = enumerate(text_lines(file, name, legacy=False), start=1)
    for number, line in lines:
        if not line.strip():
            continue
        place, text = f"line {number}", line
        if is_list := line.lstrip().startswith("["):
            text += "".join(more for _, more in lines)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{name}, {place}: not JSON ({type(error).__name__}: {str(error)[:200]})",
                fix="write one JSON object a line, each whole on its line",
            ) from None
        for at, record in enumerate(found if is_list else [found], start=1):
            if isinstance(record, str):
                record = {"text": record}
            if not isinstance(record, dict):
                raise InputError(
                    f"{name}, {place}: a {type(record).__name__}, and no object with names",
                    fix='write one JSON object a line: {"text": "…", "label": "…"}',
                )
            yield f"record {at}" if is_list else place, record


def _parquet_rows(file: BinaryIO, name: str, wanted: ColumnChoice) -> Iterator[Row]:
    from pyarrow import parquet

    table = parquet.ParquetFile(file, pre_buffer=False)
    names = table.schema_arrow.names
    sample = next(table.iter_batches(_SAMPLE_ROWS), None)
    columns = find_named_columns(names, wanted, name, sample.to_pylist() if sample is not None else [])
    chosen = [*columns.text, *filter(None, (columns.label, columns.split, columns.group))]
    number = 0
    for batch in table.iter_batches(_BATCH_ROWS, columns=chosen):
        for cells in batch.to_pylist():
            number += 1
            yield make_row(cells, columns, name, f"row {number}")
