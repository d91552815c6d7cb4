"""Thermal pictures to tokens: `PictureTokenizer` over one to four channels, after their levels are set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mt_core.contract import Example
from mt_core.errors import InputError
from mt_core.sdk import MAX_PIXELS, readable
from mt_core.sdk.blocks import DensePictureOptions, DensePictureTokenizer, is_drawn
from mt_plugin_infrared.levels import Range, full_range, is_beyond, ranges_of
from mt_plugin_infrared.reading import MAX_CHANNELS, Frame, read_frame

_FRAMES_TO_CALIBRATE = 512


class InfraredOptions(DensePictureOptions):
    """How thermal pictures become tokens."""

    num_channels: int = Field(
        default=1,
        ge=1,
        le=MAX_CHANNELS,
        description="Channels that are looked at; colours become one by their luminance.",
    )
    levels: Literal["data", "picture", "full"] = Field(
        default="data",
        description="What becomes black and white: the 1st and 99th percentile of the training data, so that hotter "
        "pictures stay hotter (of each picture, until there was training); those of each picture; or the full range of "
        "8 or 16 bits.",
    )
    fit: Literal["crop", "squash"] = Field(
        default="squash", description="Squash a picture that is not a square into one, or take the middle of it."
    )
    flip_vertical: bool = Field(
        default=False, description="Turn half of the pictures upside down in training; for views from above."
    )


class InfraredTokenizer(DensePictureTokenizer):
    """One token a patch of one to four channels, with a learned position on the lattice of patches."""

    Options = InfraredOptions
    options: InfraredOptions
    sample_limits = f"1 to {MAX_PIXELS / 1e6:.0f} million pixels of 1 to {MAX_CHANNELS} channels"

    def __init__(self, width: int, options: InfraredOptions | None = None) -> None:
        super().__init__(width, options)
        self._ranges: dict[str, Range] = {}

    def read(self, source: Any) -> Frame:
        """(H, W, C) numbers as they were measured, see `read_frame`; of whole pictures not much larger than
        `size` asks for."""
        return read_frame(source, self.options.num_channels, needed=self.needed)

    def prepare_example(
        self, sample: Frame, target: Any, generator: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Any]:
        """See `DensePictureTokenizer.prepare_example`; the levels are set first, and `pixels` is float16 whatever was
        read.

        Raises:
            InputError: numbers of a type that the training data had none of, or all of them far from its own; a mask
                or boxes of another size.
        """
        item, target = super().prepare_example(sample, target, generator)
        if not self.labels_pixels or generator is None:
            return item, target
        return self._turned(item, target, generator)

    def prepare(self, sample: Frame, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """See `prepare_example`."""
        item = super().prepare(sample, generator)
        if self.is_in_squares or generator is None:
            return item
        return self._turned(item, None, generator)[0]

    def _turned(
        self, item: dict[str, Tensor], target: Any, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Any]:
        """Half of the pictures upside down where that is asked for, each square of a mask with its picture."""
        if not self.options.flip_vertical or not is_drawn(0.5, generator):
            return item, target
        squares = None if target is None else target.reshape(-1, self.options.size, self.options.size)
        turned = None if squares is None else np.ascontiguousarray(squares[:, ::-1]).reshape(target.shape)
        return {**item, "pixels": item["pixels"].flip(-2)}, turned

    def is_upside_down(self, generator: torch.Generator) -> bool:
        return self.options.flip_vertical and is_drawn(0.5, generator)

    def as_seen(self, sample: Frame) -> Frame:
        return self._levelled(sample)

    def _levelled(self, sample: Frame) -> Frame:
        if self.options.levels == "full":
            return full_range(sample)
        if self.options.levels == "picture" or not self._ranges:
            return Range.of(sample).levelled(sample)
        kind = sample.dtype.name
        if kind not in self._ranges:
            raise InputError(
                f"a picture holds {kind} values, and the training data held {' and '.join(self._ranges)}",
                fix="convert it to the same unit and type, or train with the option levels=picture",
            )
        levels = self._ranges[kind].levelled(sample)
        if is_beyond(levels):
            raise InputError(
                f"a picture's values, {sample.min():g} to {sample.max():g}, lie far from all of the training data",
                fix="convert it to the same unit (°C or K, whole or hundredths), or train with levels=picture",
            )
        return levels

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Learn what is cold and what is hot from some hundred evenly spaced frames, with levels=data."""
        if self.options.levels != "data":
            return
        sources = [example.sample for example in examples]
        chosen = sources[:: -(-len(sources) // _FRAMES_TO_CALIBRATE) or 1]
        ranges = ranges_of(readable(chosen, self.read))
        self.restore({"levels": {kind: found.to_json() for kind, found in ranges.items()}})

    def calibration(self) -> dict[str, Any]:
        return {"levels": {kind: found.to_json() for kind, found in self._ranges.items()}} if self._ranges else {}

    def restore(self, calibration: Mapping[str, Any]) -> None:
        self._ranges = {kind: Range.from_json(found) for kind, found in calibration.get("levels", {}).items()}
