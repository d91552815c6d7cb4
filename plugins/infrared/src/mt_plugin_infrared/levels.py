"""Which number is cold and which is hot.  H and W pixels, C channels.

A thermal picture holds counts or temperatures, and the tokens need numbers of about 0 to 1. Stretching each picture
over its own range shows every detail and loses which picture is hotter; one range for all keeps that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import robust_range

_BEYOND = 1.0
"""How far above `high` and below `low` a value is kept, in spans: a hot spot may be fewer than 1 % of the pixels."""

_PIXELS_A_FRAME = 4096


@dataclass(frozen=True)
class Range:
    """What becomes 0 and what becomes 1, one number a channel."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self:
        """The 1st and the 99th percentile of each channel of (..., C) values."""
        low_C, high_C = robust_range(values)
        return cls(tuple(low_C.tolist()), tuple(high_C.tolist()))

    def levelled(self, values_HWC: NDArray[Any]) -> NDArray[np.float32]:
        """(H, W, C) with `low` at 0 and `high` at 1, kept to one span beyond either; 0 where there is no span."""
        low_C, high_C = np.array(self.low, np.float32), np.array(self.high, np.float32)
        span_C = high_C - low_C
        spans = (values_HWC.astype(np.float32) - low_C) / np.where(span_C > 0, span_C, np.inf)
        levels: NDArray[np.float32] = np.clip(spans, -_BEYOND, 1 + _BEYOND)
        return levels

    def to_json(self) -> dict[str, Sequence[float]]:
        return {name: list(numbers) for name, numbers in asdict(self).items()}

    @classmethod
    def from_json(cls, record: Mapping[str, Sequence[float]]) -> Self:
        return cls(tuple(record["low"]), tuple(record["high"]))


def is_beyond(levels_HWC: NDArray[np.float32]) -> bool:
    """Whether nothing is left of a picture but what is kept at either end: most likely it is in another unit."""
    return bool((levels_HWC >= 1 + _BEYOND).all() or (levels_HWC <= -_BEYOND).all())


def ranges_of(frames: Iterable[NDArray[Any]]) -> dict[str, Range]:
    """The range of all frames together, for each type of number, since counts and degrees do not mix."""
    pixels: dict[str, list[NDArray[Any]]] = {}
    for frame in frames:
        flat_PC = frame.reshape(-1, frame.shape[-1])
        pixels.setdefault(frame.dtype.name, []).append(flat_PC[:: max(1, len(flat_PC) // _PIXELS_A_FRAME)])
    return {kind: Range.of(np.concatenate(some)) for kind, some in sorted(pixels.items())}


def full_range(values_HWC: NDArray[Any]) -> NDArray[Any]:
    """8 bits by 255, 16 bits by 65535; floats have to be within 0..1.

    Raises:
        InputError: other floats, whose full range nobody knows.
    """
    if values_HWC.dtype in (np.uint8, np.uint16):
        return values_HWC / np.float32(np.iinfo(values_HWC.dtype).max)
    if not 0 <= values_HWC.min() <= values_HWC.max() <= 1:
        raise InputError(
            f"a picture of floats from {values_HWC.min():g} to {values_HWC.max():g} has no full range",
            fix="use the option levels=data or levels=picture, or scale the values to 0..1",
        )
    return values_HWC
