"""Pictures of any number of channels to tokens: what the modalities that are pictures share.

B batch, S side in pixels, C channels, N tokens, one a patch, D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from einops import rearrange, reduce
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor

from mt_core.contract import (
    EncoderSpec,
    Options,
    Tokenizer,
    TokenRegions,
    Tokens,
    lattice_regions,
    pad_and_stack,
    picture_panel,
)
from mt_core.sdk.blocks.crops import Box, central_box, is_drawn, random_box, shifted, whole_box
from mt_core.sdk.blocks.patches import PatchEmbed, copy_kernel
from mt_core.sdk.blocks.positions import LearnedPositions, interpolate_positions, lattice_coords
from mt_core.sdk.blocks.stem import ConvStem
from mt_core.sdk.boxes.sizes import header_of

MIDDLE = 0.5
"""Mean and standard deviation of each channel, where 1 is full, until `init_from_encoder` brings the encoder's: they
are within -1..1. ViT's own choice (Dosovitskiy et al. 2021, arXiv:2010.11929; `big_vision`, `value_range(-1, 1)`)."""

RGB = 3


class PictureOptions(Options):
    """How pictures become tokens."""

    size: int = Field(
        default=224,
        ge=4,
        le=4096,
        description="Side in pixels of the square that is looked at; without it the encoder's own (mt-tiny: 64).",
    )
    patch: int = Field(
        default=16,
        ge=2,
        le=512,
        validate_default=True,
        description="Side of a patch in pixels, must divide `size`; without it the encoder's own (mt-tiny: 16).",
    )
    stem: Literal["patch", "conv"] = Field(
        default="patch",
        description="Patches to tokens by one linear map, which can start from the encoder's own, or by a few learned "
        "convolutions, better for small pictures and an encoder without its own; `patch` then is a power of two.",
    )
    fit: Literal["crop", "squash"] = Field(
        default="crop", description="Of a picture that is no square, take the middle, or squash it into one."
    )
    flip: bool = Field(default=True, description="Mirror half of the pictures in training; not for digits or text.")
    augment: float = Field(
        default=0.5, ge=0, le=1, description="How strongly pictures are cropped or shifted in training; 0: not."
    )

    interpolation: Literal["bicubic", "bilinear"] = Field(
        default="bicubic", description="How pictures are resized; without it as they were for the encoder."
    )

    @field_validator("patch")
    @classmethod
    def _patch_divides_size(cls, patch: int, info: ValidationInfo) -> int:
        size = info.data.get("size", patch)
        if size % patch:
            raise ValueError(
                f"patches of {patch} do not divide a size of {size}; the next is {-(-size // patch) * patch}"
            )
        return patch

    @field_validator("stem")
    @classmethod
    def _stem_halves_patch(cls, stem: str, info: ValidationInfo) -> str:
        patch = info.data.get("patch", 2)
        if stem == "conv" and patch & (patch - 1):
            raise ValueError(f"the conv stem halves the picture, and patch={patch} is no power of two")
        return stem


class PictureTokenizer(Tokenizer):
    """One token a patch, with a learned position on the lattice of patches. A subclass implements `read`, which gives
    (H, W, C) arrays: 8-bit, or floats where 0 is black and 1 is full.

    Attributes:
        num_channels: C; a subclass sets it, or has an option called so.
    """

    Options = PictureOptions
    options: PictureOptions
    num_channels: ClassVar[int] = 3

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, options: PictureOptions | None = None) -> None:
        super().__init__(width, options)
        size, patch = self.options.size, self.options.patch
        channels = getattr(self.options, "num_channels", self.num_channels)
        self.patches: PatchEmbed | ConvStem = (
            ConvStem(channels, width, patch)
            if self.options.stem == "conv"
            else PatchEmbed(channels, width, (patch, patch))
        )
        self.place = LearnedPositions((size // patch, size // patch), width)
        self.register_buffer("mean", torch.full((channels,), MIDDLE))
        self.register_buffer("std", torch.full((channels,), MIDDLE))

    def file_facts(self, source: Any) -> dict[str, Any]:
        """Format, size and kind of pixels; of more formats than Pillow's own nothing."""
        return header_of(source) if isinstance(source, str | Path) else {}

    def prepare(self, sample: NDArray[Any], generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """`pixels`, (C, S, S): uint8 as the sample is, else float16 of 0..1.

        Resized with a filter (bicubic, if not chosen otherwise) that averages where it shrinks. In training a picture
        larger than `size` is cropped at random and a small one is shifted; either is mirrored half of the time.
        """
        square = crop_squares([sample], self.options, generator)[0]
        return {"pixels": as_tensor(square)}

    def collate(self, items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """8-bit pictures stay so where all of a batch are; beside floats they become floats."""
        if len({item["pixels"].dtype for item in items}) > 1:
            items = [{"pixels": _as_floats(item["pixels"])} for item in items]
        return pad_and_stack(items)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """Tokens row by row; `coords` are the centres of the patches, down and across, in 0..1 of the square."""
        return self.tokens_of(self.normalised(batch["pixels"]))

    def normalised(self, pixels_BCSS: Tensor) -> Tensor:
        """Pixels as the encoder was trained on them, in floats."""
        if pixels_BCSS.dtype == torch.uint8:
            pixels_BCSS = pixels_BCSS.to(self.mean.dtype) / 255
        return (pixels_BCSS.to(self.mean.dtype) - self.mean[:, None, None]) / self.std[:, None, None]

    def tokens_of(self, pixels_BCSS: Tensor) -> Tokens:
        """The tokens of normalised pixels."""
        grid = self.patches.grid(pixels_BCSS.shape[-2:])
        values_BND = self.place(self.patches(pixels_BCSS), grid)
        return Tokens(values_BND, coords=lattice_coords(grid, values_BND), grid=grid)

    def regions(self, sample: NDArray[Any], batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Patches in pixels of the picture as it was read: of the square in its middle, or of all of it."""
        height, width = sample.shape[:2]
        left, top, right, bottom = looked_at(self.options, height, width)
        pixels_CSS = self.draw(batch)[0, 0].float().cpu().numpy()
        side = pixels_CSS.shape[-1]
        edges = np.linspace(left, right, side + 1), np.linspace(top, bottom, side + 1)
        assert tokens.grid is not None
        rows, columns = tokens.grid
        patches = lattice_regions(np.linspace(top, bottom, rows + 1), np.linspace(left, right, columns + 1))
        return TokenRegions(tuple(patches), (picture_panel(pixels_CSS, *edges),), "patch")

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The pixels as they are looked at; one channel as grey, of more than three the first three."""
        pixels_BCSS = _as_floats(batch["pixels"]).float().clamp(0, 1)
        if pixels_BCSS.shape[1] < RGB:
            pixels_BCSS = pixels_BCSS[:, :1].expand(-1, RGB, -1, -1)
        return pixels_BCSS[:, None, :RGB]

    @classmethod
    def suggested_options(cls, encoder: EncoderSpec) -> dict[str, Any]:
        """Size and patch of the pictures that the encoder was made for, how they were resized and became squares."""
        own = native_options(encoder, size="size", patch="patch", interpolation="interpolation")
        return own if encoder.fit is None else {**own, "fit": encoder.fit}

    def is_native_to(self, encoder: EncoderSpec) -> bool:
        return self.options.stem == "patch" and has_stem(encoder)

    def init_from_encoder(self, encoder: EncoderSpec) -> None:
        """Start from the encoder's own kernel (patch stem only), positions and normalisation, as far as it has them.

        A kernel for another patch size and positions on another lattice are resampled; one for another number of
        channels is adapted as `adapt_channels` says, and each channel then gets the mean of the constants.
        """
        copy_stem(encoder, self.patches, self.place, self.mean, self.std)


def copy_stem(
    encoder: EncoderSpec, patches: PatchEmbed | ConvStem, place: LearnedPositions, mean: Tensor, std: Tensor
) -> None:
    """Start a stem for pictures from the encoder's own kernel (of a `PatchEmbed` only), positions and normalisation, as
    far as it has them, resampled to this patch and lattice and adapted to the channels of `mean`."""
    mean.copy_(_for_channels(torch.tensor(encoder.mean), len(mean)))
    std.copy_(_for_channels(torch.tensor(encoder.std), len(std)))
    if encoder.patch_weight is not None and isinstance(patches, PatchEmbed):
        copy_kernel(patches, encoder.patch_weight, encoder.patch_bias)
    if encoder.positions is not None and encoder.positions_grid is not None:
        with torch.no_grad():
            place.weight.copy_(interpolate_positions(encoder.positions, encoder.positions_grid, place.lattice))


def has_stem(encoder: EncoderSpec) -> bool:
    """Whether an encoder has all that `copy_stem` takes over."""
    return encoder.patch_weight is not None and encoder.positions is not None


def native_options(encoder: EncoderSpec, *, size: str, patch: str, interpolation: str | None = None) -> dict[str, Any]:
    """The encoder's native size and patch under these names of options; {} for an encoder without.

    Args:
        interpolation: The option for the way of resizing, set where the encoder's is not bicubic; None: there is none.
    """
    if encoder.native_size is None or encoder.native_patch is None:
        return {}
    is_other = interpolation is not None and encoder.interpolation != "bicubic"
    resizing = {str(interpolation): encoder.interpolation} if is_other else {}
    return {size: encoder.native_size, patch: encoder.native_patch, **resizing}


def looked_at(options: PictureOptions, height: int, width: int) -> Box:
    """What is looked at of a picture of this size, where nothing is drawn at random."""
    return central_box(width, height) if options.fit == "crop" else whole_box(width, height)


def crop_squares(
    pictures: Sequence[NDArray[Any]], options: PictureOptions, generator: torch.Generator | None
) -> NDArray[Any]:
    """Pictures of one size as (K, S, S, C) squares, all cut, moved and mirrored alike; at random with a generator."""
    height, width = pictures[0].shape[:2]
    box = looked_at(options, height, width)
    is_small = min(width, height) <= options.size
    if generator is not None and not is_small:
        box = random_box(box, options.augment, generator)
    squares_KSSC = np.stack([resized(picture, options.size, box, options.interpolation) for picture in pictures])
    if generator is not None and is_small:
        moved = shifted(np.moveaxis(squares_KSSC, 0, 2), options.augment, generator)
        squares_KSSC = np.moveaxis(moved, 2, 0)
    if generator is not None and options.flip and is_drawn(0.5, generator):
        squares_KSSC = squares_KSSC[:, :, ::-1]
    return squares_KSSC


def resized(
    pixels: NDArray[Any],
    size: int | tuple[int, int],
    box: Box,
    interpolation: Literal["bicubic", "bilinear"] = "bicubic",
) -> NDArray[Any]:
    """A part of a picture as a square, or as a picture of another size.

    Args:
        pixels: (H, W, C), uint8 or floats.
        size: S, the square's side; or height and width.
        box: The part, in pixels.

    Returns:
        (S, S, C), or (height, width, C), of the same kind; floats as float32.
    """
    from PIL import Image

    way = Image.Resampling[interpolation.upper()]
    wide = (size, size) if isinstance(size, int) else size[::-1]
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        square = Image.fromarray(pixels).resize(wide, way, box=box, reducing_gap=2.0)
        return np.asarray(square)
    kind = np.uint8 if pixels.dtype == np.uint8 else np.float32
    # one channel at a time: Pillow takes a second or fourth one for opacity
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., at], kind)) for at in range(pixels.shape[2])]
    gap = 2.0 if kind == np.uint8 else None  # Pillow cannot reduce float pictures first
    squares = [plane.resize(wide, way, box=box, reducing_gap=gap) for plane in planes]
    return np.stack([np.asarray(square) for square in squares], axis=-1)


def as_tensor(pixels: NDArray[Any]) -> Tensor:
    """(…, H, W, C) to (…, C, H, W), 8 bits as they are and floats as float16."""
    tensor = torch.from_numpy(np.ascontiguousarray(rearrange(pixels, "... h w c -> ... c h w")))
    return tensor if tensor.dtype == torch.uint8 else tensor.half()


def _as_floats(pixels: Tensor) -> Tensor:
    return (pixels / 255).half() if pixels.dtype == torch.uint8 else pixels


def _for_channels(constants_C: Tensor, channels: int) -> Tensor:
    if len(constants_C) == channels:
        return constants_C
    return reduce(constants_C, "c -> 1", "mean").expand(channels)
