"""Pictures whose pixels or objects may be labelled: looked at in squares; in training at a part of each.

B pictures, V squares of each, S side in pixels, C channels, H, W size of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from mt_core.contract import Region, TokenRegions, Tokens, lattice_regions, picture_panel
from mt_core.errors import InputError
from mt_core.sdk.blocks.boxed_pictures import boxes_in, check_boxes, lattice_size, lattice_squares, random_part
from mt_core.sdk.blocks.crops import Box, is_drawn, whole_box
from mt_core.sdk.blocks.pictures import RGB, PictureOptions, PictureTokenizer, as_tensor, resized
from mt_core.sdk.blocks.squares import covering_squares, mask_in, random_square, resized_size

AS_IT_IS = 1 << 30
"""Pixels that no picture has: what `needed` is where pictures are read at their own size."""

_ACROSS, _ACROSS_OF_BOXES = 2, 4


class DensePictureOptions(PictureOptions):
    """How pictures become tokens, as a whole or in squares."""

    labels: Literal["pictures", "pixels", "boxes"] | None = Field(
        default=None,
        description="What the labels belong to: whole pictures, each of their pixels, as masks say, or the objects in "
        "them, as boxes say; none: found from the data, and without any, pictures.",
    )
    across: int | None = Field(
        default=None,
        ge=0,
        le=256,
        description="With labels=pixels or boxes: a picture is resized until its shorter side is so many squares of "
        "`size` long; 0: it keeps its own size; none: 2 for pixels, 4 for boxes.",
    )
    overlap: float = Field(
        default=0.5,
        ge=0,
        le=0.9,
        description="With labels=pixels or boxes: share of a square that the next one covers again; what is seen in "
        "both is averaged.",
    )
    squares: int = Field(
        default=8, ge=1, le=1024, description="With labels=pixels: random squares that training takes of a picture."
    )


class DensePictureTokenizer(PictureTokenizer):
    """A `PictureTokenizer` whose pictures are looked at in squares where their pixels or objects are labelled: in
    overlapping ones that cover the whole picture. In training of pixels in a few random ones, of the picture and of its
    mask; in training of objects in those that cover a random part of the picture, and its boxes move with it.

    A subclass reads with `needed=self.needed`, and overrides `as_seen` for what it does to a picture as a whole.
    """

    Options = DensePictureOptions
    options: DensePictureOptions

    @property
    def labels_pixels(self) -> bool:
        return self.options.labels == "pixels"

    @property
    def labels_boxes(self) -> bool:
        return self.options.labels == "boxes"

    @property
    def is_in_squares(self) -> bool:
        """Whether a picture is looked at in squares, and not as a whole."""
        return self.labels_pixels or self.labels_boxes

    @property
    def needed(self) -> int:
        """Pixels that the shorter side of a picture should keep when it is read."""
        return AS_IT_IS if self.is_in_squares else self.options.size

    def is_upside_down(self, generator: torch.Generator) -> bool:
        """Whether training with labels=boxes turns a picture upside down; a subclass for views from above draws it."""
        return False

    def as_seen(self, sample: NDArray[Any]) -> NDArray[Any]:
        """(H, W, C) 8-bit, or floats where 0 is black and 1 is full, of what `read` gave: by default the same."""
        return sample

    def prepare(self, sample: NDArray[Any], generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """`pixels`, (C, S, S): see `PictureTokenizer.prepare`.

        With labels=pixels (V, C, S, S); `squares` (V, 2), top and left of each in the resized picture; `resized` (2,)
        and `size` (2,), height and width of that and of the picture; `boxes` (V, 4), the top, left, bottom and right of
        each square in the picture, 0 to 1, left and right exchanged where it is mirrored. In training the squares are
        random ones, which stand one below the other in a resized picture of their own.

        With labels=boxes the same. Squares begin at whole patches. In training they cover a random part of the picture,
        which `resized` and `size` then are of.
        """
        if not self.is_in_squares:
            return super().prepare(self.as_seen(sample), generator)
        return self.prepare_example(sample, None, generator)[0]

    def prepare_example(
        self, sample: NDArray[Any], target: Any, generator: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Any]:
        """See `Tokenizer.prepare_example`; in training the mask is that of the random squares, (V * S, S), and boxes
        are those of the random part, in pixels of the picture from the part's left upper corner.

        Raises:
            InputError: a mask of another size than the picture's, boxes that do not fit the picture.
        """
        if not self.is_in_squares:
            return self.prepare(sample, generator), target
        if self.labels_boxes:
            return self._boxed(sample, target, generator)
        mask_HW = None if target is None else np.asarray(target)
        _check_mask(sample, mask_HW)
        seen = self.as_seen(sample)
        return self._covered(seen, mask_HW) if generator is None else self._drawn(seen, mask_HW, generator)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """Tokens row by row; of pictures in squares a square is a view, and `side` has `pixels` (B, V, 3, S, S) as the
        encoder sees them, `squares`, `boxes`, `resized` and `size`."""
        if not self.is_in_squares:
            return super().forward(batch)
        views = batch["pixels"].shape[1]
        pixels_RCSS = self.normalised(rearrange(batch["pixels"], "b v c s t -> (b v) c s t"))
        tokens = self.tokens_of(pixels_RCSS)
        mask = batch.get("pixels_mask")
        side = {name: batch[name] for name in ("squares", "squares_mask", "boxes", "resized", "size") if name in batch}
        return Tokens(
            tokens.values,
            mask=None if mask is None else mask.flatten()[:, None].expand(tokens.values.shape[:2]),
            coords=tokens.coords,
            grid=tokens.grid,
            views=views,
            side={**side, "pixels": rearrange(_in_colour(pixels_RCSS), "(b v) c s t -> b v c s t", v=views)},
        )

    def regions(self, sample: NDArray[Any], batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Patches in pixels of the picture as it was read; of pictures in squares those of every square."""
        if not self.is_in_squares:
            return super().regions(sample, batch, tokens)
        height, width = sample.shape[:2]
        scale_4 = np.array([height, width, height, width])
        squares_VCSS = self.draw(batch)[0].float().cpu().numpy()
        patches: list[Region] = []
        panels = []
        assert tokens.grid is not None
        rows, columns = tokens.grid
        for number, (square_CSS, box_4) in enumerate(zip(squares_VCSS, batch["boxes"][0].cpu().numpy(), strict=True)):
            top, left, bottom, right = (box_4 * scale_4).tolist()
            down, across = np.linspace(top, bottom, rows + 1), np.linspace(left, right, columns + 1)
            patches += lattice_regions(down, across, panel=number)
            side = square_CSS.shape[-1]
            edges = np.linspace(left, right, side + 1), np.linspace(top, bottom, side + 1)
            panels.append(picture_panel(square_CSS, *edges, f"square {number + 1} of {len(squares_VCSS)}"))
        return TokenRegions(tuple(patches), tuple(panels), "patch")

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The pixels as they are looked at; of pictures in squares every square, NaN where a picture has fewer."""
        if not self.is_in_squares:
            return super().draw(batch)
        num_views = batch["pixels"].shape[1]
        rows = super().draw({"pixels": rearrange(batch["pixels"], "b v c s t -> (b v) c s t")})
        drawn = rearrange(rows, "(b v) 1 c s t -> b v c s t", v=num_views)
        if (mask := batch.get("pixels_mask")) is not None:
            drawn = drawn.masked_fill(~mask[:, :, None, None, None], torch.nan)
        return drawn

    @property
    def _across(self) -> int:
        if self.options.across is not None:
            return self.options.across
        return _ACROSS_OF_BOXES if self.labels_boxes else _ACROSS

    def _boxed(
        self, sample: NDArray[Any], target: Any, generator: torch.Generator | None
    ) -> tuple[dict[str, Tensor], Any]:
        options, (height, width) = self.options, sample.shape[:2]
        if target is not None:
            check_boxes(target, height, width)
        seen, part, step = self.as_seen(sample), whole_box(width, height), 1
        high, wide = lattice_size(height, width, options.size, options.patch, self._across)
        is_turned = False
        if generator is not None:
            part = random_part(height, width, options.augment, generator)
            step = -1 if options.flip and is_drawn(0.5, generator) else 1
            is_turned = self.is_upside_down(generator)
            if target is not None:
                target = boxes_in(target, part, mirrored=step < 0, upside_down=is_turned)
        whole = self._resized(seen, (high, wide), part)[:: -1 if is_turned else 1, ::step]
        squares_V2 = lattice_squares(high, wide, options.size, options.patch, options.overlap)
        cut = [whole[top : top + options.size, left : left + options.size] for top, left in squares_V2.tolist()]
        ends = np.concatenate([squares_V2, squares_V2 + options.size], axis=1) / np.tile((high, wide), 2)
        left, top, right, bottom = part
        item = _item(np.stack(cut), squares_V2, ends, (high, wide), (height, width))
        return {**item, "size": torch.tensor([bottom - top, right - left])}, target

    def _resized(self, seen: NDArray[Any], size: int | tuple[int, int], box: Box) -> NDArray[Any]:
        return resized(seen, size, box, self.options.interpolation)

    def _covered(self, seen: NDArray[Any], mask_HW: NDArray[Any] | None) -> tuple[dict[str, Tensor], Any]:
        options, (height, width) = self.options, seen.shape[:2]
        size = resized_size(height, width, options.size, self._across)
        whole = seen if size == (height, width) else self._resized(seen, size, whole_box(width, height))
        squares_V2 = covering_squares(*size, options.size, options.overlap)
        cut = [whole[top : top + options.size, left : left + options.size] for top, left in squares_V2.tolist()]
        ends = np.concatenate([squares_V2, squares_V2 + options.size], axis=1) / np.tile(size, 2)
        return _item(np.stack(cut), squares_V2, ends, size, (height, width)), mask_HW

    def _drawn(
        self, seen: NDArray[Any], mask_HW: NDArray[Any] | None, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Any]:
        options, (height, width) = self.options, seen.shape[:2]
        size, count = options.size, options.squares
        side = size * min(height, width) / min(resized_size(height, width, size, self._across))
        cut, masks, boxes = [], [], []
        for _ in range(count):
            box = random_square(height, width, side, options.augment, generator)
            step = -1 if options.flip and is_drawn(0.5, generator) else 1
            cut.append(self._resized(seen, size, box)[:, ::step])
            left, top, right, bottom = box
            across = (left / width, right / width)[::step]
            boxes.append((top / height, across[0], bottom / height, across[1]))
            if mask_HW is not None:
                masks.append(mask_in(mask_HW, size, box)[:, ::step])
        squares_V2 = np.stack([np.arange(count) * size, np.zeros(count, np.int64)], axis=-1)
        below = (count * size, size)
        return _item(np.stack(cut), squares_V2, np.array(boxes), below, below), np.concatenate(masks) if masks else None


def _item(
    pixels_VSSC: NDArray[Any],
    squares_V2: NDArray[np.int64],
    boxes_V4: NDArray[np.float64],
    resized_to: tuple[int, int],
    size: tuple[int, int],
) -> dict[str, Tensor]:
    return {
        "pixels": as_tensor(pixels_VSSC),
        "squares": torch.from_numpy(squares_V2),
        "boxes": torch.from_numpy(boxes_V4).float(),
        "resized": torch.tensor(resized_to),
        "size": torch.tensor(size),
    }


def _in_colour(pixels_RCSS: Tensor) -> Tensor:
    """The first three channels; one or two as three of the first."""
    if pixels_RCSS.shape[1] < RGB:
        return pixels_RCSS[:, :1].expand(-1, RGB, -1, -1)
    return pixels_RCSS[:, :RGB]


def _check_mask(sample: NDArray[Any], mask_HW: NDArray[Any] | None) -> None:
    if mask_HW is not None and mask_HW.shape != sample.shape[:2]:
        (high, wide), (mask_high, mask_wide) = sample.shape[:2], mask_HW.shape
        raise InputError(
            f"the picture is {wide} x {high} pixels, and its mask {mask_wide} x {mask_high}",
            fix="give a mask of the picture's own size: resize it to the nearest class, never between classes",
        )
