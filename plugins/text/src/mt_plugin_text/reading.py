"""Texts from files, bytes and objects in memory."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_core.sdk import declared_suffixes, first_bytes, open_binary, text_chunks
from mt_plugin_text.columns import ColumnChoice, find_named_columns
from mt_plugin_text.rows import JSON_SUFFIXES, PARQUET, SUFFIXES, make_row, read_table
from mt_plugin_text.text import Text

FORMATS = " ".join(declared_suffixes("mt_plugin_text"))

LONGEST_TEXT = 1 << 20
"""Characters read of a text file; the tokens of a text come from far fewer."""


def read_texts(source: Any, wanted: ColumnChoice = ColumnChoice()) -> Generator[Text, None, None]:  # noqa: B008 - it is frozen
    """Every text of a source, in order and in bounded memory.

    Args:
        source: A `Path`, or a str that `is_path`: a table, known by its suffix (Parquet by its first bytes), has a text
            a row; any other file is one text. `bytes` are those of a text or a Parquet file. Any other str is a text
            itself. A tuple or list of two strings is a pair, a mapping is a row of a table.
        wanted: Which columns of a table to take.

    Raises:
        InputError: no text, or a damaged file; maybe after some texts.
    """
    if isinstance(source, Text):
        yield source
    elif isinstance(source, str) and not is_path(source):
        yield Text(source)
    elif isinstance(source, str | Path | bytes):
        yield from _file_texts(source, wanted)
    elif isinstance(source, Mapping):
        columns = find_named_columns([str(name) for name in source], wanted, name_of(source))
        yield make_row(source, columns).text
    elif isinstance(source, tuple | list) and len(source) == 2 and all(isinstance(part, str) for part in source):
        yield Text(*source)
    else:
        raise InputError(
            f"{name_of(source)} is no text",
            fix="give a string, a pair of strings, a mapping with a text in it, or the path of a file of "
            f"{FORMATS.replace(' ', ', ')}",
        )


def only_text(source: Any, wanted: ColumnChoice = ColumnChoice()) -> Text:  # noqa: B008 - it is frozen
    """The text of a source that holds exactly one.

    Raises:
        InputError: as `read_texts`; also more than one.
    """
    return only_one(read_texts(source, wanted), source, "text")


def is_path(text: str) -> bool:
    """Whether a string means a file: one that exists; or it is a line that ends like one of `FORMATS`; or it is a
    folder, named with a separator. To leave no doubt give a `Path`, or a `Text` for what others wrote."""
    if os.path.isfile(text):
        return True
    is_named_so = text.lower().endswith(tuple(FORMATS.split())) and len(text.splitlines()) == 1
    return is_named_so or (os.sep in text and os.path.isdir(text))


def _file_texts(source: str | Path | bytes, wanted: ColumnChoice) -> Iterator[Text]:
    name = name_of(source)
    is_table = not isinstance(source, bytes) and str(source).lower().endswith((*SUFFIXES, *JSON_SUFFIXES))
    with reading(source, formats=FORMATS), open_binary(source) as file:
        if is_table or first_bytes(source, len(PARQUET)) == PARQUET:
            yield from (row.text for row in read_table(file, name, wanted))
            return
        text = ""
        for chunk in text_chunks(file, name):
            text += chunk
            if len(text) >= LONGEST_TEXT:
                break
        if not text.strip():
            raise InputError(f"{name} holds no text, only spaces", fix="copy or export the file again")
        yield Text(text[:LONGEST_TEXT], file=name)
