"""Where the objects of a picture are.  M objects."""

from __future__ import annotations

from typing import Any, NamedTuple


class Boxes(NamedTuple):
    """The objects of one picture.

    Attributes:
        xyxy: (M, 4) left, top, right and bottom in pixels of the original picture, whose left upper corner is 0, 0; a
            box of the whole picture is 0, 0, width, height.
        classes: (M,) the index of the class of each among the task's.
        ignored: (M,) True for an object that counts neither as found nor as missed: a crowd, a difficult one; None:
            there is none.
        size: Height and width of the picture that the boxes were drawn on; None: not known.
    """

    xyxy: Any
    classes: Any
    ignored: Any = None
    size: tuple[int, int] | None = None
