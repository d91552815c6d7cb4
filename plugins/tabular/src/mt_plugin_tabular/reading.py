"""Rows of tables, from files, bytes and objects in memory."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import numpy as np

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_core.sdk import MISSING_MARKS, Delimited, as_array, first_bytes, is_header, open_binary, text_lines
from mt_plugin_tabular.cells import CommaRow, Row, SemicolonRow, make_row
from mt_plugin_tabular.foreign import Nameless, is_json, json_records, refuse_other_formats, without_totals
from mt_plugin_tabular.layouts import ADULT_COLUMNS
from mt_plugin_tabular.options import Header

FORMATS = ".csv .tsv .data .test (each also as .gz) .jsonl .parquet"

_ROW_TYPES: dict[str, type[Row]] = {",": CommaRow, ";": SemicolonRow}
_BATCH_ROWS = 4096  # of Parquet, decoded at a time
_BUFFER_BYTES = 1 << 20


def read_rows(source: Any, *, header: Header = "auto") -> Generator[Row, None, None]:
    """Every row of a table, in order and in bounded memory.

    Args:
        source: A path, the bytes of a file, a data frame, one mapping or Series (a row), a list of mappings, a table
            of pyarrow or polars, an array or nested lists (1-D: a row; 2-D: its rows; columns are then called
            `column_1`, …). What a file holds decides how it is read, and not its suffix.
        header: Whether the first line of a text file names the columns; "auto": where none of its cells is a number.
            Without names they are called `column_1`, `column_2` …, in Adult's files `ADULT_COLUMNS`.

    Raises:
        InputError: not a table, no rows, or a file that is damaged; maybe after some rows.
    """
    if isinstance(source, str | Path | bytes):
        yield from _file_rows(source, header)
    elif isinstance(source, Mapping):
        row = make_row(source.keys(), source.values())
        yield type(source)(row) if isinstance(source, CommaRow | SemicolonRow) else row
    elif hasattr(source, "columns") and hasattr(source, "itertuples"):  # a pandas DataFrame; pandas stays unimported
        yield from _frame_rows(source)
    elif hasattr(source, "index") and hasattr(source, "to_dict"):  # a pandas Series
        yield make_row(source.index, source)
    elif hasattr(source, "__arrow_c_stream__"):  # a table of pyarrow, polars, duckdb
        yield from _frame_of_arrow(source)
    elif isinstance(source, np.ndarray) or hasattr(source, "__array__"):
        yield from _array_rows(as_array(source))
    elif hasattr(source, "toarray") and hasattr(source, "nnz"):
        raise InputError(f"{name_of(source)} is sparse", fix="pass source.toarray(), or a data frame")
    elif isinstance(source, Iterable):
        items = list(source)
        if items and not any(isinstance(item, Mapping | Iterable) and not isinstance(item, str) for item in items):
            yield make_row(_numbered(len(items)), items)  # of a list of lists
            return
        for item in items:
            if isinstance(item, list | tuple):
                yield make_row(_numbered(len(item)), item)
            elif isinstance(item, Mapping):
                yield make_row(item.keys(), item.values())
            else:
                raise _no_table(item)
    else:
        raise _no_table(source)


def only_row(source: Any, *, header: Header = "auto") -> Row:
    """The row of a source that holds exactly one.

    Raises:
        InputError: as `read_rows`; also no row, or more than one.
    """
    return only_one(read_rows(source, header=header), source, "row")


def _file_rows(source: str | Path | bytes, header: Header) -> Iterator[Row]:
    name = name_of(source)
    with reading(source, formats=FORMATS), open_binary(source) as file:
        start = first_bytes(source, 1024)
        if start.startswith(b"PAR1"):
            yield from _parquet_rows(file, name)
            return
        refuse_other_formats(start, name)
        if is_json(start):
            records = json_records(file, name)
            yield from (
                make_row(record.keys(), record.values(), f"{name}, record {number}")
                for number, record in enumerate(records, start=1)
            )
        else:
            yield from without_totals(_delimited_rows(file, name, header), name)


def _delimited_rows(file: BinaryIO, name: str, header: Header) -> Iterator[Row]:
    """Rows of a text file. In C4.5 files (`.data`, `.test`) a line that starts with `|` is a comment, and a period may
    end a record."""
    file_name = PurePath(name.removesuffix(".gz")).name
    is_c45 = file_name.endswith((".data", ".test"))
    table = Delimited(
        text_lines(file, name),
        name,
        separators=",;\t| ",
        comments="|" if is_c45 else (),
        header=is_header if header == "auto" else header == "yes",
        row_names=True,
    )
    names = [unicodedata.normalize("NFC", column) for column in table.names]
    if not names:
        is_adult = file_name in ("adult.data", "adult.test") and table.width == len(ADULT_COLUMNS)
        names = list(ADULT_COLUMNS) if is_adult else _numbered(table.width)
    kept = Nameless(_distinct(names, name), name)
    row_type = _ROW_TYPES.get(table.separator, dict)
    for cells in table:
        if is_c45:
            cells[-1] = cells[-1].removesuffix(".")
        values = [None if (text := cell.strip()) in MISSING_MARKS else text for cell in cells]
        kept.check(values)
        yield row_type(zip(kept.names, kept.of(values), strict=True))


def _parquet_rows(file: BinaryIO, name: str) -> Iterator[Row]:
    from pyarrow import parquet

    table = parquet.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    if not table.metadata.num_rows:
        raise InputError(f"{name} has no rows", fix="export the table again")
    names = _distinct(table.schema_arrow.names, name)
    kept = Nameless(names, name)
    nested = [repr(field.name) for field in table.schema_arrow if field.type.num_fields]
    if nested:
        raise InputError(
            f"{name}: {', '.join(nested)} holds lists or structures, and a cell is one value",
            fix="spread them over several columns, or leave them out",
        )
    yield from _rows_of_batches(table.iter_batches(_BATCH_ROWS), kept)


def _frame_of_arrow(source: Any) -> Iterator[Row]:
    import pyarrow

    table = pyarrow.table(source)
    name = name_of(source)
    yield from _rows_of_batches(table.to_batches(_BATCH_ROWS), Nameless(_distinct(table.column_names, name), name))


def _rows_of_batches(batches: Iterable[Any], kept: Nameless) -> Iterator[Row]:
    for batch in batches:
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            kept.check(values)
            yield make_row(kept.names, kept.of(values))


def _frame_rows(frame: Any) -> Iterator[Row]:
    kept = Nameless(_distinct([str(name) for name in frame.columns], name_of(frame)), name_of(frame))
    for values in frame.itertuples(index=False, name=None):
        kept.check(values)
        yield make_row(kept.names, kept.of(values))


def _array_rows(array: np.ndarray[Any, Any]) -> Iterator[Row]:
    if array.ndim not in (1, 2) or array.dtype.names is not None:
        raise _no_table(array)
    names = _numbered(array.shape[-1])
    for values in np.atleast_2d(array):
        yield make_row(names, values.tolist())


def _distinct(names: Sequence[str], source: str) -> Sequence[str]:
    twice = sorted(name for name, times in Counter(names).items() if times > 1 and name)
    if twice:
        raise InputError(
            f"{source} has several columns called {', '.join(map(repr, twice))}",
            fix="give every column its own name; or set header=no, if the first line holds no names",
        )
    return names


def _numbered(count: int) -> list[str]:
    """What columns without names are called."""
    return [f"column_{index}" for index in range(1, count + 1)]


def _no_table(source: Any) -> InputError:
    return InputError(
        f"{name_of(source)} is neither a table nor a row of one",
        fix="give a path, a data frame, a mapping of column names to values, a list of them, or an array of rows",
    )
