"""From numbers to places on a chart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """A range of numbers on a range of places.

    Attributes:
        low, high: The numbers at the ends, low < high.
        start, end: Their places.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, about: int = 5, *, whole: bool = False) -> list[float]:
        """Round numbers within the range; whole ones alone where there are no others."""
        rough = max((self.high - self.low) / about, 1.0 if whole else 0.0)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(each * power for each in _STEPS if each * power >= rough * 0.999 and not (whole and each == 2.5))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 12) for index in range(first, last + 1)]


def range_of(*series: Iterable[float], pad: float = 0.05) -> tuple[float, float]:
    """Of all finite numbers, with some room at both ends; (0, 1) where there is none."""
    values = [float(value) for each in series for value in each if math.isfinite(value)]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    room = (high - low) * pad or abs(high) * pad or 1.0
    return low - room, high + room


def tick_text(value: float) -> str:
    """A tick's label."""
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.2g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:g}"
