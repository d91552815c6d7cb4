"""Bytes to characters, a bounded number at a time."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from mt_core.errors import InputError

LONGEST_TEXT = 1 << 20
"""Characters read of a text file; the tokens of a text come from far fewer."""

LONGEST_LINE = 1 << 24
"""Characters; a binary file or an endless line ends here and not in memory."""

_FIX = "save it as UTF-8 (for instance: iconv -f latin1 -t utf-8 old > new)"
_CHUNK_BYTES = 1 << 16


def beginning(file: BinaryIO, name: str) -> str:
    """The first `LONGEST_TEXT` characters of a UTF-8 file.

    Args:
        file: Open for reading, at its start; closed afterwards.
        name: What it is called in messages.

    Raises:
        InputError: not UTF-8, or binary.
    """
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as decoded:
        try:
            return _checked(decoded.read(LONGEST_TEXT), name)
        except UnicodeDecodeError:
            raise _not_utf8(file, name) from None


def lines(file: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a UTF-8 file, with their ends.

    Raises:
        InputError: not UTF-8, binary, or a line longer than `LONGEST_LINE`.
    """
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as decoded:
        try:
            while line := decoded.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise InputError(
                        f"{name} has a line of more than {LONGEST_LINE:,} characters",
                        fix="export the table again, one sample a line",
                    )
                yield _checked(line, name)
        except UnicodeDecodeError:
            raise _not_utf8(file, name) from None


def _checked(text: str, name: str) -> str:
    if "\0" in text:
        is_zip = text.startswith("PK")
        raise InputError(
            f"{name} is not text: it contains zero bytes",
            fix="save the spreadsheet as CSV in UTF-8" if is_zip else "give a text file; a table as .csv or .parquet",
        )
    return text


def _not_utf8(file: BinaryIO, name: str) -> InputError:
    """Where the first byte stands that is not UTF-8; a decoder that reads ahead does not know."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    try:
        while chunk := file.read(_CHUNK_BYTES):
            line += decoder.decode(chunk).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
        byte = error.object[error.start]
        return InputError(f"{name}, line {line}: the byte 0x{byte:02x} is not UTF-8", fix=_FIX)
    return InputError(f"{name} is not UTF-8", fix=_FIX)
