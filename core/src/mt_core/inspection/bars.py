"""Numbers as bars of characters, and a picture as blocks of them: for a terminal of any width, without colours."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from einops import rearrange
from numpy.typing import NDArray

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_NARROWEST = 30
_SHADES = " ░▒▓█"


def bar(value: float, most: float, width: int) -> str:
    """A bar of at most so many characters; what is above 0 is seen."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(8 * width * value / most))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def sparkline(values: Sequence[float] | NDArray[np.floating], width: int) -> str:
    """Numbers in their order, the mean of a stretch a character; a gap where none is finite."""
    array = np.asarray(values, float)
    pieces = np.array_split(array, min(width, len(array))) if len(array) else []
    means = [float(piece[np.isfinite(piece)].mean()) if np.isfinite(piece).any() else math.nan for piece in pieces]
    finite = [mean for mean in means if not math.isnan(mean)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    scale = (len(_LEVELS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if math.isnan(mean) else _LEVELS[round((mean - low) * scale)] for mean in means)


def blocks(picture_HW: NDArray[np.floating], width: int, *, most_lines: int = 16) -> list[str]:
    """A grey picture in lines of shades, from the darkest to the brightest; a character is twice as high as wide."""
    height, wide = picture_HW.shape
    columns = min(width, wide * 2, max(1, round(2 * most_lines * wide / height)))
    lines = max(1, min(most_lines, round(columns * height / wide / 2)))
    rows = np.linspace(0, height, lines + 1).astype(int)
    across = np.linspace(0, wide, columns + 1).astype(int)
    grey = np.array(
        [
            [
                picture_HW[top : max(bottom, top + 1), left : max(right, left + 1)].mean()
                for left, right in pairwise(across)
            ]
            for top, bottom in pairwise(rows)
        ]
    )
    low, high = np.nanmin(grey), np.nanmax(grey)
    levels = np.nan_to_num((grey - low) / ((high - low) or 1) * (len(_SHADES) - 1)).round().astype(int)
    return ["".join(_SHADES[level] for level in row).rstrip() for row in levels]


def grey_of(picture_HWC: NDArray[Any]) -> NDArray[np.floating]:
    """(H, W) the mean of its channels."""
    grey: NDArray[np.floating] = rearrange(picture_HWC.astype(float), "h w c -> c h w").mean(0)
    return grey


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), gap: str = "  ") -> list[str]:
    """Cells below each other.

    Args:
        right: The columns whose cells stand to the right.
    """
    if not rows:
        return []
    widths = [max(text_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            " " * (size - text_width(cell)) + cell if column in right else cell + " " * (size - text_width(cell))
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(gap.join(cells).rstrip())
    return lines


def wrapped_rows(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Names, and beside each what is said of it, in as many lines as it takes."""
    names = max((text_width(name) for name, _ in rows), default=0)
    lines = []
    for name, said in rows:
        first, *others = textwrap.wrap(said, max(_NARROWEST, width - names - 2)) or [""]
        lines.append(f"{name}{' ' * (names - text_width(name))}  {first}".rstrip())
        lines += [" " * (names + 2) + each for each in others]
    return lines


def text_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else not unicodedata.combining(each) for each in text)


def cut(text: str, width: int) -> str:
    """A text of at most so many columns, its end kept, since the names of files differ there."""
    text = text.replace("\n", " ")
    if text_width(text) <= width:
        return text
    while text and text_width(text) > width - 1:
        text = text[1:]
    return "…" + text
