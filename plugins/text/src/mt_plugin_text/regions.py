"""The words that the tokens of a text are of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Region, Span, TextPanel, TokenRegions
from mt_plugin_text.byte_pairs import ends_word, id_texts


def word_regions(parts: Sequence[NDArray[np.int64]], *, has_ends: bool) -> TokenRegions:
    """A region a token; the tokens of one word have the same.

    Args:
        parts: The ids of a text, or of both of a pair.
        has_ends: Whether a token stands before the text and one behind it, and none between the two of a pair.
    """
    panels = tuple(TextPanel("" if len(parts) == 1 else title) for title in ("first text", "second text")[: len(parts)])
    found: list[Region] = []
    for panel, ids in enumerate(parts):
        if panel and not has_ends:
            found.append(Region("(separator)"))
        found += _words(ids, panel)
    if has_ends:
        found = [Region("(start)"), *found, Region("(end)")]
    return TokenRegions(tuple(found or [Region("(no word)")]), panels, "word")


@cache
def _vocabulary() -> tuple[list[str], list[bool]]:
    return id_texts(), ends_word()


def _words(ids: NDArray[np.int64], panel: int) -> list[Region]:
    texts, ends = _vocabulary()
    regions: list[Region] = []
    begun: list[int] = []
    number = 1
    for place, token in enumerate(ids.tolist()):
        begun.append(token)
        if ends[token] or place == len(ids) - 1:
            word = "".join(texts[each] for each in begun)
            span = Span("word", float(number), float(number))
            regions += [Region(word, spans=(span,), panel=panel)] * len(begun)
            begun, number = [], number + 1
    return regions
