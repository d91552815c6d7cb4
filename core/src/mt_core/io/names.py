"""Names of files as text. A name is bytes, which need not be UTF-8; a table, a message or JSON holds text."""

from __future__ import annotations

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

_MARK = "file:"


def text_of_path(path: str) -> str:
    """A path as text that any file can hold: itself, where it is UTF-8; else "file:" and its bytes percent-encoded, as
    in a URL ("file:data/caf%E9.png"). A path that begins with "file:" is written so as well, so that `path_of_text`
    gives every path back."""
    if not path.startswith(_MARK) and not any("\ud800" <= character <= "\udfff" for character in path):
        return path
    return _MARK + quote_from_bytes(os.fsencode(path))


def path_of_text(text: str) -> str:
    """The path that `text_of_path` wrote: for a `source` of a table of vectors or of an errors file."""
    return os.fsdecode(unquote_to_bytes(text.removeprefix(_MARK))) if text.startswith(_MARK) else text


def printable(text: str) -> str:
    """The text, what UTF-8 cannot say in it written as Python does; for the name of a folder that is a class."""
    return text.encode(errors="backslashreplace").decode()
