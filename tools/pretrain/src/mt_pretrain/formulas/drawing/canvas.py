"""Where a picture's formula is evaluated, and chance.  B pictures, S pixels a side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_FAR = 1e6


@dataclass(frozen=True)
class Figure:
    """What a family draws, before it has colours.

    Attributes:
        cover: (B, S, S) how much of each pixel the figure covers, 0 to 1.
        tone: (B, S, S) how light it is there, 0 to 1.
    """

    cover: Tensor
    tone: Tensor


@dataclass(frozen=True)
class Canvas:
    """A batch of pictures to be drawn.

    Attributes:
        size: S.
        categories: How many a family has.
        generator: All draws of a batch come from it, so that a batch is a function of its seed.
    """

    size: int
    categories: int
    generator: torch.Generator

    @property
    def device(self) -> torch.device:
        return self.generator.device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Even draws from an interval."""
        return torch.empty(shape, device=self.device).uniform_(low, high, generator=self.generator)

    def normal(self, *shape: int) -> Tensor:
        """Draws from the standard normal distribution."""
        return torch.empty(shape, device=self.device).normal_(generator=self.generator)

    def integers(self, below: int, *shape: int) -> Tensor:
        """Even draws from 0 to below - 1."""
        return torch.randint(below, shape, device=self.device, generator=self.generator)

    def ticks(self) -> Tensor:
        """(S,) the middles of the pixels along one side, in -1 to 1."""
        return (torch.arange(self.size, device=self.device) + 0.5) * (2 / self.size) - 1

    def coordinates(
        self, count: int, *, smallest: float, largest: float, shift: float, copies: int = 1
    ) -> tuple[Tensor, Tensor]:
        """(B, S, S) each: x and y of the pixels, seen from another pose in each picture.

        Args:
            smallest, largest: What is drawn about the origin, about 1 large, appears that many half sides large.
            shift: How far the origin is moved, at most.
            copies: Up to so many origins a picture, each with a pose of its own: a pixel belongs to the nearest, and a
                formula that is evaluated once draws its figure several times.
        """
        ticks = self.ticks()
        number = self.integers(copies, count, 1, 1) if copies > 1 else torch.zeros(count, 1, 1, device=self.device)
        smaller = (number + 1).float().rsqrt()
        spread = shift + (1 - smaller)
        nearest: Tensor | None = None
        for copy in range(copies):
            x = ticks - self.uniform(-1, 1, count, 1, 1) * spread
            y = ticks[:, None] - self.uniform(-1, 1, count, 1, 1) * spread
            distance = x * x + y * y + _FAR * (copy > number)
            turn = self.uniform(-math.pi, math.pi, count, 1, 1)
            scale = self.uniform(math.log(smallest), math.log(largest), count, 1, 1).exp() * smaller
            stretch = self.uniform(-0.25, 0.25, count, 1, 1).exp()
            turned_x = (turn.cos() * x + turn.sin() * y) * (stretch / scale)
            turned_y = (turn.cos() * y - turn.sin() * x) / (stretch * scale)
            if nearest is None:
                nearest, at_x, at_y = distance, turned_x, turned_y
                continue
            is_nearer = distance < nearest
            nearest = torch.minimum(distance, nearest)
            at_x, at_y = torch.where(is_nearer, turned_x, at_x), torch.where(is_nearer, turned_y, at_y)
        return at_x, at_y


def covered(level: Tensor) -> Tensor:
    """(B, S, S) the part of each pixel where a function is above zero: an edge one pixel wide, however steep it is.

    Args:
        level: (B, S, S) the function at the pixels. It may jump between two neighbours.
    """
    slope = torch.hypot(_steepness(level, -1), _steepness(level, -2)).clamp_min(1e-6)
    return (level / slope + 0.5).clamp(0, 1)


def _steepness(level: Tensor, axis: int) -> Tensor:
    """The lesser of the differences to both neighbours, so that a jump is not taken for a slope."""
    steps = level.diff(dim=axis).abs()
    first, last = steps.narrow(axis, 0, 1), steps.narrow(axis, -1, 1)
    return torch.minimum(torch.cat([first, steps], axis), torch.cat([steps, last], axis))
