"""Files and objects in memory to series. What a file holds decides how it is read, its suffix does not."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_core.sdk import read_npz, read_uea
from mt_plugin_timeseries.series import MAX_VALUES, Series, check_finite, check_size, series_of
from mt_plugin_timeseries.tables import Irregular, Text, series_of_table
from mt_plugin_timeseries.times import TIME_NAMES

FORMATS = ".csv .txt .parquet .ts .arff .npy .npz, text also as .gz"

MAX_TEXT_BYTES = 1 << 29
"""Of a text file, unpacked."""

_NPZ_NAMES = ("values", "series", "data", "x")
_MISSING = ["?"]  # beside those that pandas knows
_CHUNK = 1 << 20


def read_series(
    source: Any, *, columns: Sequence[str] = (), irregular: Irregular = "repair", text: Text = "refuse"
) -> Iterator[Series]:
    """All series of a source: one, but for .ts and .arff files of several.

    Args:
        source: A path, the bytes of a file, a `Series`, an array or tensor (T,) or (T, C), a pandas data frame or
            Series, or a table that can be made one (`to_pandas`).
        columns: The channels wanted, in this order; (): all.
        irregular, text: See `tables.series_of_table`.

    Raises:
        InputError: not readable, with the file's name and what to try.
    """
    name = name_of(source)
    with reading(source, formats=FORMATS):
        if isinstance(source, Series):
            check_finite(source.values, source.channels, name)
            yield source.of(columns) if columns else source
        elif isinstance(source, str | Path) and Path(source).suffix.lower() in (".ts", ".arff"):
            yield from _cases(Path(source), name, columns)
        else:
            whole = _array_or_table(source, name)
            if isinstance(whole, np.ndarray):
                series = series_of(whole, name)
                yield series.of(columns) if columns else series
            else:
                yield series_of_table(whole, name, columns=columns, irregular=irregular, text=text)


def _cases(path: Path, name: str, columns: Sequence[str]) -> Iterator[Series]:
    cases = read_uea(path).series
    for number, case in enumerate(cases, start=1):
        series = series_of(case, name if len(cases) == 1 else f"{name}, series {number}")
        yield series.of(columns) if columns else series


def _array_or_table(source: Any, name: str) -> Any:
    """A NumPy array, or a pandas data frame."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            return _content(file, name)
    if isinstance(source, bytes):
        return _content(io.BytesIO(source), name)
    if hasattr(source, "to_pandas"):
        source = source.to_pandas()
    if hasattr(source, "to_frame"):  # a Series or an index of pandas
        source = source.to_frame()
    if hasattr(source, "columns") and hasattr(source, "iloc"):
        return source
    if hasattr(source, "detach"):  # a tensor
        source = source.detach().cpu().numpy()
    if isinstance(source, list | tuple) or hasattr(source, "__array__"):
        return np.asarray(source)
    raise InputError(
        f"{name} is no series",
        fix=f"give a path ({FORMATS}), an array (steps,) or (steps, channels), or a data frame",
    )


def _content(file: BinaryIO, name: str) -> Any:
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"PAR1"):
        return _parquet(file, name)
    if start == b"\x93NUMPY":
        return _npy(file, name)
    if start.startswith(b"PK\x03\x04"):
        if "[Content_Types].xml" in zipfile.ZipFile(file).namelist():
            raise InputError(f"{name} is a workbook of Excel", fix="save the sheet as CSV")
        file.seek(0)
        return read_npz(file, _NPZ_NAMES, name=name, largest=MAX_VALUES * 8)
    if start.startswith(b"\x1f\x8b"):
        return _text_table(_unpacked(file, name), name)
    _check_length(file.seek(0, io.SEEK_END), name)
    file.seek(0)
    return _text_table(file.read(), name)


def _check_length(length: int, name: str) -> None:
    if length > MAX_TEXT_BYTES:
        raise InputError(
            f"{name} holds more than {MAX_TEXT_BYTES >> 20} MiB of text",
            fix="cut it into shorter files, or save it as Parquet",
        )


def _unpacked(file: BinaryIO, name: str) -> bytes:
    """The text in a gzip file; nothing beyond the largest length is unpacked.

    Raises:
        InputError: truncated, damaged, or too long.
    """
    unpacker = zlib.decompressobj(wbits=31)
    parts, length = [], 0
    packed = file.read(_CHUNK)
    while packed:
        part = unpacker.decompress(packed, MAX_TEXT_BYTES + 1 - length)
        parts.append(part)
        length += len(part)
        _check_length(length, name)
        packed = unpacker.unconsumed_tail or file.read(_CHUNK)
        if unpacker.eof and (rest := unpacker.unused_data + packed):  # another member follows
            unpacker, packed = zlib.decompressobj(wbits=31), rest
    if not unpacker.eof:
        raise InputError(f"{name} ends before its time: it is truncated", fix="copy or download it again")
    return b"".join(parts)


def _npy(file: BinaryIO, name: str) -> NDArray[Any]:
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, _ = header(file)
    if len(shape) in (1, 2):
        check_size(shape[0], shape[1] if len(shape) == 2 else 1, name)
    elif len(shape) > 2:
        return series_of(np.empty((0,) * len(shape)), name).values  # refused there
    file.seek(0)
    array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array


def _parquet(file: BinaryIO, name: str) -> Any:
    from pyarrow import parquet

    opened = parquet.ParquetFile(file)
    check_size(opened.metadata.num_rows, opened.metadata.num_columns, name)
    return opened.read(use_threads=False).to_pandas(use_threads=False)


def _text_table(content: bytes, name: str) -> Any:
    """The data frame of a text file: comma, semicolon or tab, with or without a header."""
    import pandas as pd

    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not UTF-8 (byte 0x{content[error.start]:02x} at {error.start:,})",
            fix=f"save it again as UTF-8, or give one of {FORMATS}",
        ) from None
    if b"\0" in content:
        raise InputError(f"{name} holds zero bytes, so it is no text", fix=f"give one of {FORMATS}")
    first = next((line for line in io.BytesIO(content) if line.strip()), b"").decode("utf-8-sig")
    if not first:
        raise InputError(f"{name} has no rows", fix="write a row of numbers for each step")
    if first.lstrip().startswith("@"):
        raise InputError(f"{name} is a .ts or .arff file by another name", fix="give a path that ends in .ts or .arff")
    separator = max(",;\t", key=first.count)
    check_size(content.count(separator.encode()) + content.count(b"\n") + 1, 1, name)
    cells = [cell.strip() for cell in next(csv.reader([first], delimiter=separator))]
    has_header = not _is_data(cells)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pandas warns where it would cut rows that are too long
        frame = pd.read_csv(
            io.BytesIO(content),
            encoding="utf-8-sig",
            sep=separator,
            header=0 if has_header else None,
            index_col=False,
            na_values=_MISSING,
            skipinitialspace=True,
            low_memory=False,
        )
    if frame.empty:
        raise InputError(f"{name} has a header but no rows", fix="write a row of numbers for each step")
    if not has_header:
        is_dated = frame.shape[1] > 1 and not _is_number(cells[0])
        count = frame.shape[1] - is_dated
        frame.columns = [TIME_NAMES[0]] * is_dated + [f"channel_{number}" for number in range(1, count + 1)]
    return frame


def _is_data(cells: list[str]) -> bool:
    """Whether a first line is a row and no header: numbers, perhaps after a date. Some names may be numbers."""
    if all(_is_number(cell) for cell in cells):
        return True
    is_date = cells[0][:1].isdigit() and any(mark in cells[0] for mark in "-/.:")
    return is_date and len(cells) > 1 and all(_is_number(cell) for cell in cells[1:])


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True
