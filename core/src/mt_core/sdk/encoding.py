"""Bytes to text: in which encoding a file is, read a bounded number of bytes at a time.

UTF-8 and UTF-16, with a byte order mark or without. Text whose first byte beyond ASCII is not UTF-8 may be read as
Windows-1252 (which holds Latin-1), with a warning; bytes that are no text in it either are refused, and so are zero
bytes, and text whose letters beyond ASCII stand side by side, as in Cyrillic or Japanese encodings. Text that is packed
by gzip is unpacked, whatever the file is called.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from mt_core.errors import InputError
from mt_core.sdk.notices import reinterpreted
from mt_core.sdk.other_formats import refuse_binary

LONGEST_LINE = 1 << 24
"""Characters; a binary file or an endless line ends here and not in memory."""

_CHUNK_BYTES = 1 << 20
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")  # no text holds them, and few binary files do without
_WESTERN = re.compile(rb"(?<![\x80-\xff])[\x80-\xff]{1,2}(?![\x80-\xff])")  # no other letter of its kind beside it
_FIX = (
    "save it as UTF-8 (for instance: iconv -f ENCODING -t utf-8 old > new; latin1, cp1251, gb18030 and shift-jis are "
    "common encodings)"
)


def text_chunks(file: BinaryIO, name: str, *, legacy: bool = True, largest: int | None = None) -> Iterator[str]:
    """The text of a file, in pieces of about a million characters.

    Args:
        file: Open for reading, at its start; may be packed by gzip.
        name: What it is called in messages.
        legacy: Whether text that is not UTF-8 is read as Windows-1252, with a `DataWarning`.
        largest: Bytes of text that are read at most, unpacked; None for any number.

    Raises:
        InputError: another encoding or no text, with the line; longer than `largest`; a packed file that is damaged.
    """
    file = _unpacked(file)
    encoding = "UTF-8"
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8-sig")()
    num_bytes, num_lines, is_ascii, is_first = 0, 0, True, True
    while True:
        chunk = _read(file, name)
        num_bytes += len(chunk)
        if largest is not None and num_bytes > largest:
            raise InputError(
                f"{name} holds more than {largest >> 20:,} MiB of text",
                fix="cut it into several files, or save it as an array",
            )
        if is_first:
            refuse_binary(chunk, name)
        if is_first and chunk.startswith(_UTF_16):
            encoding, decoder = "UTF-16", codecs.getincrementaldecoder("utf-16")()
        elif is_first and (order := _utf_16_order(chunk)):
            encoding, decoder = "UTF-16", codecs.getincrementaldecoder(order)()
        is_first = False
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            line = num_lines + before.count(b"\n") + 1
            wrong = InputError(
                f"{name}, line {line}: the byte 0x{error.object[error.start]:02x} is not {encoding}", fix=_FIX
            )
            is_western = encoding == "UTF-8" and is_ascii and before.isascii() and _is_western(error.object)
            if not (legacy and is_western):
                raise wrong from None
            encoding, decoder = "Windows-1252", codecs.getincrementaldecoder("cp1252")()
            try:
                text = decoder.decode(error.object, final=not chunk)
            except UnicodeDecodeError:
                raise wrong from None
            if _CONTROL.search(text):
                raise wrong from None
            reinterpreted(name, "text that is not UTF-8, as Windows-1252 (Latin-1)")
        if "\0" in text:
            raise InputError(f"{name} contains zero bytes, so it is no text", fix="give a text file, in UTF-8")
        is_ascii = is_ascii and text.isascii()
        num_lines += text.count("\n")
        if text:
            yield text
        if not chunk:
            return


def text_lines(file: BinaryIO, name: str, *, legacy: bool = True, largest: int | None = None) -> Iterator[str]:
    """The lines of a file with their ends, whatever these are; see `text_chunks`.

    Raises:
        InputError: as `text_chunks`; also a line longer than `LONGEST_LINE`.
    """
    rest = ""
    for chunk in text_chunks(file, name, legacy=legacy, largest=largest):
        lines = io.StringIO(rest + chunk, newline="").readlines()
        # the last may go on, and an \r be the first half of \r\n
        rest = lines.pop() if not lines[-1].endswith("\n") else ""
        if len(rest) > LONGEST_LINE:
            break
        yield from lines
    if len(rest) > LONGEST_LINE:
        raise InputError(
            f"{name} has a line of more than {LONGEST_LINE:,} characters", fix="export it again, one row a line"
        )
    if rest:
        yield rest


def _utf_16_order(start: bytes) -> str:
    """Of text without a mark, most of it ASCII: "utf-16-le", "utf-16-be"; else ""."""
    start = start[:1000]
    even, odd = start[::2], start[1::2]
    if odd and 0 not in even and odd.count(0) > 0.5 * len(odd):
        return "utf-16-le"
    return "utf-16-be" if odd and 0 not in odd and even.count(0) > 0.5 * len(even) else ""


def _is_western(content: bytes) -> bool:
    """Whether letters beyond ASCII mostly stand alone, as accents and umlauts do."""
    num_high = sum(len(run) for run in re.findall(rb"[\x80-\xff]+", content))
    return sum(map(len, _WESTERN.findall(content))) * 2 > num_high


def _unpacked(file: BinaryIO) -> BinaryIO:
    magic = file.read(2)
    file.seek(0)
    return cast(BinaryIO, gzip.open(file)) if magic == b"\x1f\x8b" else file


def _read(file: BinaryIO, name: str) -> bytes:
    try:
        return file.read(_CHUNK_BYTES)
    except EOFError:
        raise InputError(
            f"{name} cannot be read to its end: it is truncated", fix="copy or download it again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{name} cannot be read as gzip ({error})", fix="copy or download it again") from None
