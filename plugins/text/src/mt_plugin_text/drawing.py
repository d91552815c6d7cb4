"""Texts as written pages, for encoders that can read.  V pages, S side in pixels.

Sources: Rust et al. 2023 (PIXEL), arXiv:2207.06991, section 2.1: texts drawn in lines for a Vision Transformer, black
on white, a black mark between the two texts of a pair; Tschannen et al. 2023 (CLIPPO), arXiv:2212.08045, section 3, the
picture being a square that an encoder of pictures takes. Not followed: longer texts have more pages, and are not cut
at one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt_plugin_text.font import letters
from mt_plugin_text.truncation import share_length

_BASELINE = 0.8  # of a line, from its top
_WHITE = 255

Line = list[tuple[int, str]]
"""Words and where they begin, in pixels from the left."""


@dataclass(frozen=True)
class Format:
    """Of the pages: their side, the height of a line, and how many there are at most."""

    size: int
    line: int
    pages: int

    @property
    def lines(self) -> int:
        """Of a page; they share its height out evenly."""
        return max(1, self.size // self.line)


def set_lines(text: str, form: Format) -> list[Line]:
    """Words in lines, as many in each as fit; a longer word is broken. Raises nothing: no text has no lines."""
    font = letters(form.line)
    space = round(font.getlength(" "))
    lines: list[Line] = []
    left = form.size  # the first word begins a line
    for word in text.split(" "):
        for part in _broken(word, form):
            width = round(font.getlength(part))
            if left and left + width > form.size:
                lines.append([])
                left = 0
            lines[-1].append((left, part))
            left += width + space
    return lines


def share_lines(parts: Sequence[list[Line]], form: Format) -> tuple[list[list[Line]], int]:
    """The lines that there is room for, the longer text of a pair giving way first, and how many there are not."""
    lengths = [len(part) for part in parts]
    room = max(len(parts), form.lines * form.pages - (len(parts) - 1))
    kept = share_length(lengths, room)
    return [part[:count] for part, count in zip(parts, kept, strict=True)], sum(lengths) - sum(kept)


def draw_pages(parts: Sequence[list[Line]], form: Format) -> NDArray[np.uint8]:
    """(V, S, S) black on white, at least one page; between the two parts of a pair a black bar instead of a line."""
    from PIL import Image, ImageDraw

    font, num_lines, size = letters(form.line), form.lines, form.size
    lines: list[Line | None] = list(parts[0])
    for part in parts[1:]:
        lines += [None, *part]
    pages = [Image.new("L", (size, size), _WHITE) for _ in range(max(1, -(-len(lines) // num_lines)))]
    for number, line in enumerate(lines):
        pen = ImageDraw.Draw(pages[number // num_lines])
        top = number % num_lines * size // num_lines
        if line is None:
            pen.rectangle((0, top + form.line // 4, size, top + form.line * 3 // 4 - 1), fill=0)
            continue
        for left, word in line:
            pen.text((left, top + round(form.line * _BASELINE)), word, fill=0, font=font, anchor="ls")
    return np.stack([np.asarray(page) for page in pages])


def _broken(word: str, form: Format) -> list[str]:
    """A word in parts that fit a line."""
    font = letters(form.line)
    if not word:
        return []
    parts = [""]
    if font.getlength(word) <= form.size:
        return [word]
    for letter in word:
        if parts[-1] and font.getlength(parts[-1] + letter) > form.size:
            parts.append("")
        parts[-1] += letter
    return parts
