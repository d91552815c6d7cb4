"""Pictures to tokens.  B batch, S side in pixels, N tokens, one a patch, D width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor

from mt_core.contract import Tokenizer, TokenizerOptions, Tokens
from mt_core.nn import LearnedPositions, PatchEmbed, copy_kernel, interpolate_positions
from mt_plugin_image.augmentation import central_box, is_drawn, random_box, shifted, whole_box
from mt_plugin_image.colours import Pixels
from mt_plugin_image.reading import MAX_PIXELS, read_picture
from mt_plugin_image.stem import ConvStem

if TYPE_CHECKING:
    from mt_core.encoder import Encoder

MIDDLE = (0.5, 0.5, 0.5)
"""Mean and standard deviation of each colour, where 1 is full, until `adopt` brings the encoder's own: pixels then are
within -1..1. ViT's own choice (Dosovitskiy et al. 2021, arXiv:2010.11929; `big_vision`, `value_range(-1, 1)`)."""


class ImageOptions(TokenizerOptions):
    """How pictures become tokens."""

    size: int = Field(default=224, ge=4, le=4096, description="Side in pixels of the square that is looked at.")
    patch: int = Field(
        default=16, ge=2, le=512, validate_default=True, description="Side of a patch in pixels; must divide `size`."
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


class ImageTokenizer(Tokenizer):
    """One token a patch, with a learned position on the lattice of patches."""

    Options = ImageOptions
    options: ImageOptions
    sample_limits = f"1 to {MAX_PIXELS / 1e6:.0f} million pixels"

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, options: TokenizerOptions | None = None) -> None:
        super().__init__(width, options)
        size, patch = self.options.size, self.options.patch
        self.patches: PatchEmbed | ConvStem = (
            ConvStem(width, patch) if self.options.stem == "conv" else PatchEmbed(3, width, (patch, patch))
        )
        self.place = LearnedPositions((size // patch, size // patch), width)
        self.register_buffer("mean", torch.tensor(MIDDLE))
        self.register_buffer("std", torch.tensor(MIDDLE))

    def read(self, source: Any) -> Pixels:
        """(H, W, 3) 8-bit RGB, see `read_picture`; not much larger than `size` asks for."""
        return read_picture(source, needed=self.options.size)

    def prepare(self, sample: Pixels, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """`pixels`, (3, S, S) uint8.

        Resized with a bicubic filter that averages where it shrinks. In training a picture larger than `size` is
        cropped at random and a small one is shifted; either is mirrored half of the time.
        """
        picture = Image.fromarray(sample)
        box = central_box(*picture.size) if self.options.fit == "crop" else whole_box(*picture.size)
        size, strength = self.options.size, self.options.augment
        is_small = min(picture.size) <= size
        if generator is not None and not is_small:
            box = random_box(box, strength, generator)
        square = picture.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
        if generator is not None and is_small:
            square = shifted(square, strength, generator)
        if generator is not None and self.options.flip and is_drawn(0.5, generator):
            square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return {"pixels": torch.from_numpy(np.ascontiguousarray(rearrange(np.asarray(square), "h w c -> c h w")))}

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """Tokens row by row; `coords` are the centres of the patches, down and across, in 0..1 of the square."""
        pixels_BCSS = (batch["pixels"].to(self.mean.dtype) / 255 - self.mean[:, None, None]) / self.std[:, None, None]
        down, across = self.patches.grid(pixels_BCSS.shape[-2:])
        values_BND = self.place(self.patches(pixels_BCSS), (down, across))
        centres = torch.cartesian_prod(_centres(down, values_BND), _centres(across, values_BND))
        return Tokens(values_BND, coords=centres.expand(len(values_BND), -1, -1), grid=(down, across))

    def adopt(self, encoder: Encoder) -> None:
        """Start from the encoder's own kernel (patch stem only), positions and normalisation, as far as it has them.

        A kernel for another patch size and positions on another lattice are resampled.
        """
        self.mean.copy_(torch.tensor(encoder.mean))
        self.std.copy_(torch.tensor(encoder.std))
        if encoder.patch_weight is not None and isinstance(self.patches, PatchEmbed):
            copy_kernel(self.patches, encoder.patch_weight, encoder.patch_bias)
        if encoder.positions is not None and encoder.positions_grid is not None:
            with torch.no_grad():
                self.place.weight.copy_(
                    interpolate_positions(encoder.positions, encoder.positions_grid, self.place.lattice)
                )


def _centres(num_patches: int, like: Tensor) -> Tensor:
    """(num_patches,) their middles along one axis, in 0..1."""
    return (torch.arange(num_patches, device=like.device, dtype=torch.float32) + 0.5) / num_patches
