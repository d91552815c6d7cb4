"""The objects of one picture, as a file says them.  M objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mt_core.contract import Boxes
from mt_core.sdk.notices import left_out, reinterpreted


@dataclass(frozen=True)
class Objects:
    """The objects of one picture.

    Attributes:
        source: What they were read from, for messages.
        xyxy: Left, top, right and bottom of each in pixels, as the file says it.
        names: The class of each.
        ignored: Of each whether it is a crowd, or difficult.
        size: Height and width of the picture.
    """

    source: str
    xyxy: Sequence[Sequence[float]]
    names: Sequence[str]
    ignored: Sequence[bool]
    size: tuple[int, int]

    def boxes(self, index_of: Mapping[str, int]) -> Boxes:
        """The target of the picture: boxes within it that have an area.

        Args:
            index_of: The index of each class.

        Warns:
            DataWarning: boxes without an area or outside of the picture, which are left out; boxes that reach out of
                it, which are cut.
        """
        height, width = self.size
        drawn_M4 = np.asarray(self.xyxy, np.float64).reshape(-1, 4)
        cut_M4 = np.clip(drawn_M4, 0, (width, height, width, height))
        has_area = np.isfinite(drawn_M4).all(1) & (drawn_M4[:, 2:] > drawn_M4[:, :2]).all(1)
        is_inside = (cut_M4[:, 2:] > cut_M4[:, :2]).all(1)
        if flat := int((~has_area).sum()):
            left_out(self.source, f"{flat:,} {_boxes(flat)} without an area")
        if outside := int((has_area & ~is_inside).sum()):
            left_out(self.source, f"{outside:,} {_boxes(outside)} outside of the picture")
        kept = has_area & is_inside
        beyond = int((np.abs(drawn_M4 - cut_M4)[kept] > _ROUNDING).any(1).sum())
        if beyond:
            reinterpreted(self.source, f"{beyond:,} {_boxes(beyond)} that reach out of the picture as cut at its edge")
        classes_M = np.array([index_of[name] for name in self.names], np.int64).reshape(-1)
        return Boxes(cut_M4[kept], classes_M[kept], np.asarray(self.ignored, bool).reshape(-1)[kept], self.size)


_ROUNDING = 0.5
"""Pixels that a box may reach out by without a word: numbers of a few digits, times the size of the picture."""

Found = dict[str, list[tuple[str, Objects]]]
"""The pictures of each split and their objects; "" for a layout without splits."""


def _boxes(count: int) -> str:
    return "box" if count == 1 else "boxes"
