"""Rows of tables, from files, bytes and objects in memory."""

from __future__ import annotations

import gzip
import io
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_plugin_tabular.cells import Row, row_of
from mt_plugin_tabular.delimited import Header, column_names, delimited_rows

FORMATS = ".csv .tsv .data .test (each also as .gz) .parquet"

_BATCH_ROWS = 4096  # of Parquet, decoded at a time
_BUFFER_BYTES = 1 << 20


def rows(source: Any, *, header: Header = "auto") -> Generator[Row, None, None]:
    """Every row of a table, in order and in bounded memory.

    Args:
        source: A path, the bytes of a file, a data frame, one mapping or Series (a row), a list of mappings, an array
            (1-D: a row; 2-D: its rows; columns are then called `column_1`, …). What a file holds decides how it is
            read, and not its suffix.
        header: Whether the first line of a text file holds names; see `delimited_rows`.

    Raises:
        InputError: not a table, no rows, or a file that is damaged; maybe after some rows.
    """
    if isinstance(source, str | Path | bytes):
        yield from _file_rows(source, header)
    elif isinstance(source, Mapping):
        yield row_of(source.keys(), source.values())
    elif hasattr(source, "columns") and hasattr(source, "itertuples"):  # a pandas DataFrame; pandas stays unimported
        yield from _frame_rows(source)
    elif hasattr(source, "index") and hasattr(source, "to_dict"):  # a pandas Series
        yield row_of(source.index, source)
    elif isinstance(source, np.ndarray) or hasattr(source, "__array__"):
        yield from _array_rows(np.asarray(source))
    elif isinstance(source, Iterable):
        for item in source:
            if not isinstance(item, Mapping):
                raise _no_table(item)
            yield row_of(item.keys(), item.values())
    else:
        raise _no_table(source)


def only_row(source: Any, *, header: Header = "auto") -> Row:
    """The row of a source that holds exactly one.

    Raises:
        InputError: as `rows`; also no row, or more than one.
    """
    return only_one(rows(source, header=header), source, "row")


def _file_rows(source: str | Path | bytes, header: Header) -> Iterator[Row]:
    name = name_of(source)
    with reading(source, formats=FORMATS), _opened(source) as file:
        magic = file.read(4)
        file.seek(0)
        if magic == b"PAR1":
            yield from _parquet_rows(file, name)
        elif magic[:2] == b"\x1f\x8b":
            with gzip.open(file) as unpacked:
                yield from delimited_rows(unpacked, name, header=header)  # type: ignore[arg-type]
        else:
            yield from delimited_rows(file, name, header=header)


def _opened(source: str | Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")


def _parquet_rows(file: BinaryIO, name: str) -> Iterator[Row]:
    from pyarrow import parquet

    table = parquet.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    if not table.metadata.num_rows:
        raise InputError(f"{name} has no rows", fix="export the table again")
    names = _distinct(table.schema_arrow.names, name)
    nested = [repr(field.name) for field in table.schema_arrow if field.type.num_fields]
    if nested:
        raise InputError(
            f"{name}: {', '.join(nested)} holds lists or structures, and a cell is one value",
            fix="spread them over several columns, or leave them out",
        )
    for batch in table.iter_batches(_BATCH_ROWS):
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            yield row_of(names, values)


def _frame_rows(frame: Any) -> Iterator[Row]:
    names = _distinct([str(name) for name in frame.columns], name_of(frame))
    for values in frame.itertuples(index=False, name=None):
        yield row_of(names, values)


def _array_rows(array: np.ndarray[Any, Any]) -> Iterator[Row]:
    if array.ndim not in (1, 2) or array.dtype.names is not None:
        raise _no_table(array)
    names = column_names(array.shape[-1])
    for values in np.atleast_2d(array):
        yield row_of(names, values.tolist())


def _distinct(names: list[str], source: str) -> list[str]:
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InputError(
            f"{source} has several columns called {', '.join(map(repr, twice))}", fix="give every column its own name"
        )
    return names


def _no_table(source: Any) -> InputError:
    return InputError(
        f"{name_of(source)} is neither a table nor a row of one",
        fix="give a path, a data frame, a mapping of column names to values, a list of them, or an array of rows",
    )
