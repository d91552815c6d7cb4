"""Lists and tables that belong to a data set, whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mt_core.errors import DatasetError, InputError
from mt_core.sdk.content import first_bytes
from mt_core.sdk.delimited import Delimited
from mt_core.sdk.encoding import text_chunks, text_lines
from mt_core.sdk.separators import sniff_separator

_FIRST_BYTES = 1 << 16


def read_text(path: Path) -> str:
    """The text of a list that belongs to a data set, its lines ended by "\\n".

    Raises:
        DatasetError: it cannot be read, or is no text; see `text_chunks`.
    """
    with as_dataset_error(), path.open("rb") as file:
        return "".join(text_chunks(file, str(path))).replace("\r\n", "\n").replace("\r", "\n")


def dict_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table with a header that belongs to a data set: cells without blanks around, by the columns' names.

    Raises:
        DatasetError: it cannot be read, or is no such table; names the line.
    """
    with as_dataset_error(), path.open("rb") as file:
        table = Delimited(text_lines(file, str(path)), str(path), separators=",;\t", header=True)
        return [dict(zip(table.names, map(str.strip, cells), strict=True)) for cells in filter(any, table)]


def column_names(path: Path) -> tuple[str, ...]:
    """The cells of a table's first line, without blanks around; nothing else of it is read. What a file that is no
    table begins with is no name of a column either."""
    lines = first_bytes(path, _FIRST_BYTES).decode("utf-8-sig", errors="replace").splitlines()[:1]
    cells = next(csv.reader(lines, delimiter=sniff_separator(lines, ",;\t")), [])
    return tuple(cell.strip() for cell in cells)


@contextmanager
def as_dataset_error() -> Iterator[None]:
    """Tell a file that cannot be read as a fault of the data set that it belongs to.

    Raises:
        DatasetError: for an `InputError`, and for what the system says of the file.
    """
    try:
        yield
    except InputError as error:
        raise DatasetError(error.problem, fix=error.fix) from None
    except OSError as error:
        raise DatasetError(
            f"{error.filename} cannot be read ({error.strerror})", fix="check the file and who may read it"
        ) from None
