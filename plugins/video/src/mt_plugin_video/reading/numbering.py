"""Which pictures of a folder are the frames of its video, and in which order.

Besides its frames a folder may hold their optical flow (`flow_x_00001.jpg` beside `img_00001.jpg`), depth, masks, or a
cover picture without a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from mt_core.errors import InputError
from mt_core.sdk import left_out, reinterpreted

_NUMBER = re.compile(r"(\d+)")

_NO_LETTERS = re.compile(r"[^A-Za-z_]+")

_BESIDE = re.compile(
    r"flow|(^|_)[xyuv]_|depth|disp|mask|label|segm|normal|infra|(^|_)ir_|thumb|cover|poster", re.IGNORECASE
)
"""How the names of pictures begin that lie beside the frames."""


def frames_in_order(pictures: Sequence[Path], folder: Path) -> list[Path]:
    """The frames of one video, by the numbers in their names; names without a number by the alphabet.

    Told are pictures beside the frames, and numbers with gaps of different sizes.

    Raises:
        InputError: several series of pictures, of which nothing says which one is the video.
    """
    series: dict[str, list[Path]] = {}
    for path in pictures:
        series.setdefault(_NO_LETTERS.sub("#", path.stem), []).append(path)
    numbered = {kind: some for kind, some in series.items() if any(_numbers(path) for path in some)}
    if not numbered:
        return sorted(pictures)
    kinds = [kind for kind in numbered if not _BESIDE.search(kind)] or list(numbered)
    if len(kinds) > 1:
        raise InputError(
            f"the folder {folder} holds several series of pictures: {', '.join(sorted(kinds)[:4])}",
            fix="keep the frames of one video in a folder, named alike but for their numbers",
        )
    frames = sorted(numbered[kinds[0]], key=lambda path: (_numbers(path), path.name))
    if len(frames) < len(pictures):
        left_out(str(folder), f"{len(pictures) - len(frames)} pictures beside its {len(frames)} frames")
    steps = {after[-1] - before[-1] for before, after in _neighbours([_numbers(path) for path in frames])}
    if len(steps) > 1 and max(steps) < _LARGEST_GAP:
        reinterpreted(str(folder), "its frames are taken as evenly spaced, and their numbers have gaps")
    return frames


_LARGEST_GAP = 10_000
"""Larger numbers are times."""


def _numbers(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(path.stem))


def _neighbours(numbers: Sequence[tuple[int, ...]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Consecutive ones that differ in their last number alone."""
    return [(before, after) for before, after in pairwise(numbers) if before[:-1] == after[:-1]]
