"""Numbers and names as a report shows them."""

from __future__ import annotations

import math
from typing import Any

MOST_CHARACTERS = 48


def number(value: float, digits: int = 4) -> str:
    """A number with so many digits: "0.8712", "1,234", "not known" of NaN."""
    if math.isnan(value):
        return "not known"
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"


def interval(ends: tuple[float, float] | None) -> str:
    """Both ends; "" where they are not known."""
    return f"{number(ends[0])} to {number(ends[1])}" if ends is not None else ""


def seconds(value: float) -> str:
    """A duration: "12 s", "3 min 20 s", "2 h 05 min"."""
    if value < 120:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: float) -> str:
    """Bytes: "1.2 MB"."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def energy(joules: float) -> str:
    """Joules, and the watt-hours that bills are in: "7,200 J (2 Wh)"."""
    return f"{number(joules, 3)} J ({joules / 3600:.3g} Wh)"


def short(name: Any, most: int = MOST_CHARACTERS) -> str:
    """A name of at most so many characters; of a long one the end, where files differ."""
    text = str(name)
    return text if len(text) <= most else "…" + text[-(most - 1) :]
