"""What happens to many texts alike is reported once."""

from __future__ import annotations

import os

from mt_plugin_text.text import Text


class FirstOfTable:
    """Whether a text is the first of its table, or of its folder of text files, to which something happened."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, text: Text) -> bool:
        group = text.file if text.place else os.path.dirname(text.file)
        is_first = group not in self._seen
        self._seen.add(group)
        return is_first


def others_of(text: Text) -> str:
    """Where the others are, in a message."""
    return "the table" if text.place else "the folder" if os.path.dirname(text.file) else "memory"
