"""A colour for each class."""

from __future__ import annotations

import html
from collections.abc import Sequence

from mt_core.io.chart import COLOURS
from mt_core.sdk.masks.written import different_colours
from mt_report.text import short

_GREY = COLOURS - 1


def class_styles(classes: Sequence[str], background: int | None = None) -> list[str]:
    """CSS values: the page's own colours, which follow light and dark, for as many classes as it has, grey for the
    class of nothing; of more classes others."""
    others = [number for number in range(len(classes)) if number != background]
    if len(others) > _GREY:
        return [f"rgb({red},{green},{blue})" for red, green, blue in different_colours(len(classes)).tolist()]
    return [f"var(--k{_GREY if number == background else others.index(number)})" for number in range(len(classes))]


def class_legend(names: Sequence[str], colours: Sequence[str]) -> str:
    """The colour of each class in HTML."""
    entries = [
        f'<li><span class="swatch" style="background:{colour}"></span>{html.escape(short(name, 28))}</li>'
        for name, colour in zip(names, colours, strict=True)
    ]
    return f'<ul class="legend" aria-label="Colours of classes">{"".join(entries)}</ul>'
