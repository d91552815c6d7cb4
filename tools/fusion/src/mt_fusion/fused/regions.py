"""What the tokens of an item are of: those of its inputs, one input after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mt_core.contract import Region, TokenRegions, Tokens

NOTHING = Region("(padding)")


def real_regions(found: TokenRegions, tokens: Tokens, source: str, before: int) -> list[Region]:
    """The regions of the real tokens of one sample of an input, in order.

    Args:
        source: The input.
        before: How many panels there are before those of this sample.
    """
    is_real = tokens.real().flatten().tolist()
    return [
        replace(region, source=source, panel=region.panel if region.panel < 0 else region.panel + before)
        for region, real in zip(found.regions, is_real, strict=True)
        if real
    ]


def in_place(regions: Sequence[Region], is_real: Sequence[bool]) -> list[Region]:
    """Regions in the places of real tokens, and `NOTHING` in the others."""
    left = iter(regions)
    return [next(left) if real else NOTHING for real in is_real]
