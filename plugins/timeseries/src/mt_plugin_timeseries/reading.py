"""Files and objects in memory to series. What a file holds decides how it is read, its suffix does not."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import numpy as np

from mt_core.contract import name_of, reading
from mt_core.errors import InputError, OptionError
from mt_core.sdk import (
    Delimited,
    as_array,
    declared_suffixes,
    first_bytes,
    is_header,
    is_number,
    is_uea,
    left_out,
    names_in_npz,
    open_binary,
    read_heading,
    read_npy,
    read_npz,
    read_uea,
    some_of,
    text_chunks,
)
from mt_plugin_timeseries.numbers import written_numbers
from mt_plugin_timeseries.series import MAX_VALUES, Series, check_finite, check_size, default_names, make_series
from mt_plugin_timeseries.tables import Irregular, Text, series_from_table, series_of_groups
from mt_plugin_timeseries.times import TIME_NAMES

FORMATS = " ".join(declared_suffixes("mt_plugin_timeseries"))

MAX_TEXT_BYTES = 1 << 29
"""Of a text file, unpacked."""

_NPZ_NAMES = ("values", "series", "data", "x")
_COMMENTS = ("#", "%", "//")
_MISSING = ["?"]  # beside those that pandas knows


def read_series(
    source: Any, *, columns: Sequence[str] = (), irregular: Irregular = "repair", text: Text = "refuse"
) -> Iterator[Series]:
    """All series of a source: one, but for the archives' files (`is_uea`) of several.

    Args:
        source: A path, the bytes of a file, a `Series`, an array or tensor (T,) or (T, C), a pandas data frame or
            Series, or a table that can be made one (`to_pandas`).
        columns: The channels wanted, in this order; (): all.
        irregular, text: See `tables.series_from_table`.

    Raises:
        InputError: not readable, with the file's name and what to try.
    """
    name = name_of(source)
    with reading(source, formats=FORMATS):
        if isinstance(source, Series):
            check_finite(source.values, source.channels, name)
            yield source.of(columns) if columns else source
        elif isinstance(source, str | Path) and is_uea(Path(source)):
            yield from _cases(Path(source), name, columns)
        else:
            whole = _array_or_table(source, name)
            if isinstance(whole, np.ndarray):
                series = make_series(whole, name)
                yield series.of(columns) if columns else series
            else:
                yield series_from_table(whole, name, columns=columns, irregular=irregular, text=text)


def read_groups(
    path: Path, group: str, *, columns: Sequence[str] = (), irregular: Irregular = "repair", text: Text = "refuse"
) -> list[tuple[str, Series]]:
    """The series of a table of several, by the column that tells them apart; see `tables.series_of_groups`.

    Raises:
        OptionError: a file that has no columns with names.
        InputError: not readable, with the file's name and what to try.
    """
    with reading(path, formats=FORMATS):
        whole = _array_or_table(path, str(path))
        if isinstance(whole, np.ndarray):
            raise OptionError(
                f"{path} holds an array, which has no column group={group}", fix="give a table, or group=none"
            )
        return series_of_groups(whole, str(path), group, columns=columns, irregular=irregular, text=text)


def read_frame(path: Path) -> Any:
    """The data frame of a table.

    Raises:
        OptionError: a file that has no columns with names.
    """
    whole = _array_or_table(path, str(path))
    if isinstance(whole, np.ndarray):
        raise OptionError(f"{path} holds an array, which has no column of labels", fix="give a table")
    return whole


def _cases(path: Path, name: str, columns: Sequence[str]) -> Iterator[Series]:
    cases = read_uea(path).series
    for number, case in enumerate(cases, start=1):
        series = make_series(case, name if len(cases) == 1 else f"{name}, series {number}")
        yield series.of(columns) if columns else series


def _array_or_table(source: Any, name: str) -> Any:
    """A NumPy array, or a pandas data frame."""
    if isinstance(source, str | Path | bytes):
        with open_binary(source) as file:
            return _content(file, first_bytes(source, 6), name)
    if hasattr(source, "to_pandas"):
        source = source.to_pandas()
    if hasattr(source, "to_frame"):  # a Series or an index of pandas
        source = source.to_frame()
    if hasattr(source, "columns") and hasattr(source, "iloc"):
        return source
    if isinstance(source, list | tuple) or hasattr(source, "__array__"):
        return as_array(source)
    raise InputError(
        f"{name} is no series",
        fix=f"give a path ({FORMATS}), an array (steps,) or (steps, channels), or a data frame",
    )


def _content(file: BinaryIO, start: bytes, name: str) -> Any:
    if start.startswith(b"PAR1"):
        return _parquet(file, name)
    if start == b"\x93NUMPY":
        return read_npy(file, name, largest=MAX_VALUES * 8)
    if start.startswith(b"PK\x03\x04"):
        names = names_in_npz(file)
        if not names and "[Content_Types].xml" in ZipFile(file).namelist():
            raise InputError(f"{name} is a workbook of Excel", fix="save the sheet as CSV")
        array = read_npz(file, _NPZ_NAMES, name=name, largest=MAX_VALUES * 8)
        taken = next((key for key in _NPZ_NAMES if key in names), names[0])
        if unused := [key for key in names if key != taken]:
            left_out(name, f"the arrays {some_of(unused)}")
        return array
    return _text_table(file, name)


def _parquet(file: BinaryIO, name: str) -> Any:
    from pyarrow import parquet

    table = parquet.ParquetFile(file)
    check_size(table.metadata.num_rows, table.metadata.num_columns, name)
    return table.read(use_threads=False).to_pandas(use_threads=False)


def _text_table(file: BinaryIO, name: str) -> Any:
    """The data frame of a text file: comma, semicolon, tab, bar or blanks, with or without a header."""
    import pandas as pd

    content = "".join(text_chunks(file, name, largest=MAX_TEXT_BYTES)).encode()
    if content[:1000].lstrip().startswith(b"@") and b"@frequency" not in content[:4000].lower():
        raise InputError(f"{name} is a .ts or .arff file by another name", fix="give a path that ends in .ts or .arff")
    whole = io.StringIO(content.decode(), newline="")
    heading, lines = read_heading(whole, name, separators=",;\t| ", comments=_COMMENTS)
    has_names = heading.has_names
    content = "".join(line for line in lines if not line.startswith(_COMMENTS)).encode()
    table = Delimited(
        io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""),
        name,
        separators=heading.separator,
        header=(lambda cells: not _is_data(cells, heading.time_columns)) if has_names is None else has_names,
    )
    check_size(content.count(table.separator.encode()) + content.count(b"\n") + 1, 1, name)
    separator = r"\s+" if table.separator == " " else table.separator

    def parsed(texts: Sequence[int]) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # pandas warns where it would cut rows that are too long
            return pd.read_csv(
                io.BytesIO(content),
                sep=separator,
                header=0 if table.names else None,
                index_col=False,
                na_values=_MISSING,
                skipinitialspace=True,
                low_memory=False,
                dtype=dict.fromkeys(texts, str),
            )

    frame = written_numbers(parsed, None if table.separator == "," else ",", name)
    while len(frame) and frame.iloc[-1].isna().all():  # separators without anything between them
        frame = frame.iloc[:-1]
    if frame.empty:
        raise InputError(f"{name} has a header but no rows", fix="write a row of numbers for each step")
    if not table.names:
        num_times = 2 if heading.time_columns == (0, 1) and table.width > 2 else 0
        if not num_times:
            num_times = int(table.width > 1 and not is_number(str(frame.iat[0, 0])))
        frame.columns = [*TIME_NAMES[:num_times], *default_names(table.width - num_times)]
    if heading.start is not None and heading.rates:
        microseconds = 1e6 / heading.rates[0]
        if microseconds == round(microseconds):
            start = pd.Timestamp(round(heading.start * 1e6), unit="us")
            frame.index = pd.date_range(start, periods=len(frame), freq=pd.Timedelta(microseconds, unit="us"))
    return frame


def _is_data(cells: Sequence[str], times: Sequence[int]) -> bool:
    """Whether a first line is a row and no header: numbers, perhaps after a date. Some names may be numbers."""
    is_date = cells[0][:1].isdigit() and any(mark in cells[0] for mark in "-/.:")
    num_times = 2 if tuple(times) == (0, 1) and is_date and cells[1][:1].isdigit() else int(is_date)
    return not any(is_header([cell]) for cell in cells[num_times if len(cells) > num_times else 0 :])
