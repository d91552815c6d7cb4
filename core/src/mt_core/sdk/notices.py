"""What a reader did otherwise than the file says: users are warned, and `--strict` makes it an error."""

from __future__ import annotations

from collections.abc import Sequence

from mt_core.errors import DataWarning
from mt_core.io.notices import tell


def left_out(source: str, what: str) -> None:
    """Tell that a part of the data was not read: rows without a time, a column of constants, a damaged record.

    Args:
        source: The file, as messages call it; "" in a calibration, for the data that it is given.
        what: The part and why, in words that are the same for every file to which the same happened; numbers may
            differ: "3 of 320 rows have no time".
    """
    tell(DataWarning("left out", source, what))


def reinterpreted(source: str, what: str) -> None:
    """Tell that data were taken for something else than they say: "decimal commas in the columns Preis, Lage".

    Args:
        source: The file, as messages call it; "" in a calibration, for the data that it is given.
        what: What was taken for what, in words as in `left_out`.
    """
    tell(DataWarning("reinterpreted", source, what))


def some_of(names: Sequence[str], most: int = 8) -> str:
    """Names for a message: "a, b and 12 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
