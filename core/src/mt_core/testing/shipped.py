"""What a distribution ships: the files of its wheel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mt_core.plugins import Found


@dataclass(frozen=True)
class Shipped:
    """The files of a distribution's wheel.

    Attributes:
        root: A folder that holds them as the wheel does: packages, and the `.dist-info` folder.
        names: Their paths below it, in order.
        sha256: Of the wheel, or of the record of what was installed from it.
        origin: What `sha256` is of, in words.
    """

    root: Path
    names: tuple[str, ...]
    sha256: str
    origin: str


def shipped_by(found: Found, folder: Path) -> Shipped:
    """The files that a distribution ships.

    Args:
        folder: Where a wheel is built, for one that is installed from its source ("editable").
    """
    return Shipped(folder, (), "", "")
