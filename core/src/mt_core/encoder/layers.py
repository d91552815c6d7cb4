"""Which blocks of an encoder the features are taken from, as a user writes it."""

from __future__ import annotations

from collections.abc import Sequence

from mt_core.errors import OptionError

QUARTERS = "quarters"
LAST = "last"


def parse_layers(given: Sequence[int] | str, depth: int) -> tuple[int, ...] | None:
    """The numbers of blocks, counted from 1; None for an encoder without blocks.

    Args:
        given: Numbers, text of them with commas between, "quarters" (the blocks at a quarter, half, three quarters and
            the end), or "last" alone.
        depth: How many blocks there are.

    Raises:
        OptionError: text that is none of these. `Encoder.with_layers` judges the numbers.
    """
    if not isinstance(given, str):
        return tuple(int(number) for number in given)
    text = given.strip()
    if text in (LAST, QUARTERS) and not depth:
        return None
    if text == LAST:
        return (depth,)
    if text == QUARTERS:
        return tuple(sorted({max(1, round(depth * share / 4)) for share in range(1, 5)}))
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"layers={given} does not name blocks", fix="give 3,6,9,12, or quarters, or last") from None
