"""The facts of many samples in one line each: from the least to the most, and what is missing."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mt_core.inspection.facts import TIME, ArrayFact, Fact, NumberFact

_MOST_TEXTS = 1000
_SHOWN_TEXTS = 4
_LONGEST, _LONGEST_ALONE = 24, 200
_MANY = 20  # different values from which on they are counted and not listed


@dataclass
class Range:
    """What is known of one array, number or text of all samples.

    Attributes:
        count: Samples that have it.
        shapes: Of arrays: the least and the largest length of each axis, by the number of axes.
        kinds: Of arrays, their types of numbers.
        low, high: The least and the largest number.
        shortest, longest: Of texts, in characters.
        missing, total: Values that are missing, and all.
        constant: Arrays whose values are all the same.
        texts: How often each text occurs; no more are added once there are `_MOST_TEXTS`.
        numbers: Texts that are a number.
        unit: Of numbers.
    """

    count: int = 0
    shapes: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    low: float = math.inf
    high: float = -math.inf
    shortest: int = sys.maxsize
    longest: int = 0
    missing: int = 0
    total: int = 0
    constant: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    numbers: int = 0
    unit: str = ""

    def add(self, fact: Fact) -> None:
        self.count += 1
        if isinstance(fact, ArrayFact):
            self._add_array(fact)
        elif isinstance(fact, NumberFact):
            self.unit = fact.unit
            self._add_number(math.nan if fact.value is None else fact.value)
        else:
            self._add_text(fact.text)

    def _add_array(self, fact: ArrayFact) -> None:
        known = self.shapes.get(len(fact.shape), [(size, size) for size in fact.shape])
        self.shapes[len(fact.shape)] = [
            (min(low, size), max(high, size)) for (low, high), size in zip(known, fact.shape, strict=True)
        ]
        self.kinds[fact.kind] += 1
        self.total += math.prod(fact.shape)
        self.missing += fact.missing
        self.constant += fact.is_constant
        if not math.isnan(fact.low):
            self.low, self.high = min(self.low, fact.low), max(self.high, fact.high)

    def _add_number(self, value: float) -> None:
        self.total += 1
        if math.isfinite(value):
            self.low, self.high = min(self.low, value), max(self.high, value)
        else:
            self.missing += 1

    def _add_text(self, text: str) -> None:
        self.total += 1
        if not text.strip():
            self.missing += 1
            return
        if text in self.texts or len(self.texts) < _MOST_TEXTS:
            self.texts[text] += 1
        self.shortest, self.longest = min(self.shortest, len(text)), max(self.longest, len(text))
        if (number := _number(text)) is not None:
            self.numbers += 1
            self.low, self.high = min(self.low, number), max(self.high, number)

    def __str__(self) -> str:
        if self.total and self.missing == self.total and not self.shapes:
            return "not known"
        said = [self._shape(), self._values(), f"{_share(self.missing, self.total)} missing" if self.missing else ""]
        if self.constant:
            said.append(f"{self.constant:,} of one value" if self.count > 1 else "all of one value")
        return ", ".join(filter(None, said)) or "not known"

    def _shape(self) -> str:
        shapes = [
            " x ".join(_from_to(low, high) for low, high in axes) or "one number" for axes in self.shapes.values()
        ]
        return f"{' or '.join(shapes)} {'/'.join(self.kinds)}" if shapes else ""

    def _values(self) -> str:
        if self.texts:
            return self._texts()
        if self.low > self.high:
            return ""
        if TIME in self.kinds:
            return f"{_date(self.low)} to {_date(self.high)}"
        unit = f" {self.unit}" if self.unit else ""
        same = number_text(self.low)
        return f"{same} to {number_text(self.high)}{unit}" if self.low != self.high else f"{same}{unit}"

    def _texts(self) -> str:
        """Numbers by their range; few texts that come again and again by their names; others by how long they are."""
        if self.count == 1:
            return _short(next(iter(self.texts)), _LONGEST_ALONE)
        if self.numbers == self.total - self.missing:
            return f"numbers from {number_text(self.low)} to {number_text(self.high)}"
        if len(self.texts) <= _MANY and len(self.texts) < self.total:
            most = self.texts.most_common(_SHOWN_TEXTS)
            if len(most) == 1 and most[0][1] == self.total:
                return f"always {_short(most[0][0], _LONGEST_ALONE)}"
            shown = [f"{_short(text)} {count:,}" for text, count in most]
            more = len(self.texts) - len(shown)
            return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
        many = f"over {_MOST_TEXTS:,}" if len(self.texts) == _MOST_TEXTS else f"{len(self.texts):,}"
        return f"{many} different texts, {_from_to(self.shortest, self.longest)} characters"


def ranges_of(facts: Iterable[Mapping[str, Fact]]) -> dict[str, Range]:
    """Of some samples."""
    ranges: dict[str, Range] = {}
    for each in facts:
        add_facts(ranges, each)
    return ranges


def add_facts(ranges: dict[str, Range], facts: Mapping[str, Fact]) -> None:
    """Add those of one sample; no more names than `_MOST_TEXTS` are kept."""
    for name, fact in facts.items():
        if name in ranges or len(ranges) < _MOST_TEXTS:
            ranges.setdefault(name, Range()).add(fact)


def number_text(value: Any) -> str:
    """A number for people: 1,024 or 0.5 or 3.2e-07."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def _from_to(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" if part < 1000 else f"{part / whole:.2%}"


def _short(text: str, most: int = _LONGEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _date(microseconds: float) -> str:
    try:
        return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(" ", "minutes")[:16]
    except (OverflowError, ValueError, OSError):
        return number_text(microseconds)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
