"""Samples that are no pictures, drawn as pictures: they enter through the encoder's own patch embedding.

B samples, V pictures a sample, S side in pixels, N patches a picture, D width.

A plugin whose samples can be drawn takes its options from `ViewOptions` and draws in `draw`:

    class SeriesTokenizer(DrawnTokenizer):
        def __init__(self, width, options=None):
            super().__init__(width, options)       # makes `self.picture` where view=picture
            if self.picture is None:
                self.project = ...

        def draw(self, batch):                      # no parameters, on the device
            return heat_map(batch["values"], size=self.options.picture_size)

        def forward(self, batch):
            return self.see(batch) if self.picture is not None else self.tokens(batch)

Source of the idea, per kind of data: Gong et al. 2021 (AST), arXiv:2104.01778; Zhang et al. 2022 (PointCLIP),
arXiv:2112.02413; Chen et al. 2024 (VisionTS), arXiv:2408.17253; Rust et al. 2023 (PIXEL), arXiv:2207.06991.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from einops import rearrange, repeat
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from mt_core.contract import EncoderSpec, Options, Tokenizer, Tokens
from mt_core.errors import ContractError
from mt_core.sdk.blocks.patches import PatchEmbed
from mt_core.sdk.blocks.pictures import MIDDLE, RGB, copy_stem, has_stem, native_options
from mt_core.sdk.blocks.positions import LearnedPositions, lattice_coords

View = Literal["tokens", "picture"]


class ViewOptions(Options):
    """How a sample is shown to the encoder."""

    view: View = Field(
        default="tokens",
        description="tokens: the modality's own, learned. picture: the sample is drawn, and enters through the "
        "encoder's own patch embedding; nothing has to be learned. Without it, what was measured to be better.",
    )
    picture_size: int = Field(
        default=64, ge=8, le=1024, description="Side in pixels of what is drawn; without it the encoder's own."
    )
    picture_patch: int = Field(
        default=16,
        ge=2,
        le=512,
        validate_default=True,
        description="Side of its patches, must divide `picture_size`; without it the encoder's own.",
    )

    @field_validator("picture_patch")
    @classmethod
    def _patch_divides_size(cls, patch: int, info: ValidationInfo) -> int:
        size = info.data.get("picture_size", patch)
        if size % patch:
            raise ValueError(f"patches of {patch} do not divide a picture_size of {size}")
        return patch


class PictureStem(nn.Module):
    """RGB pictures to tokens by the encoder's own patch embedding, positions and normalisation.

    Args:
        width: D.
        size: S, the side of the pictures.
        patch: Side of a patch; divides S.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, size: int, patch: int) -> None:
        super().__init__()
        self.patches = PatchEmbed(RGB, width, (patch, patch))
        self.place = LearnedPositions((size // patch, size // patch), width)
        self.register_buffer("mean", torch.full((RGB,), MIDDLE))
        self.register_buffer("std", torch.full((RGB,), MIDDLE))

    def forward(self, pictures_BVCSS: Tensor) -> Tokens:
        """Tokens of pictures.

        Args:
            pictures_BVCSS: (B, V, 3, S, S) in 0..1; a picture that holds NaN is not there.

        Returns:
            values (B * V, N, D), masked where a picture is not there; coords (B * V, N, 2), the middles of the patches
            down and across, in 0..1; grid (S / patch, S / patch).
        """
        views = pictures_BVCSS.shape[1]
        pictures_RCSS = rearrange(pictures_BVCSS, "b v c h w -> (b v) c h w").to(self.mean.dtype)
        is_there_R = pictures_RCSS.flatten(1).isfinite().all(1)
        pictures_RCSS = torch.where(is_there_R[:, None, None, None], pictures_RCSS, 0)
        pictures_RCSS = (pictures_RCSS - self.mean[:, None, None]) / self.std[:, None, None]
        grid = self.patches.grid(pictures_RCSS.shape[-2:])
        values_RND = self.place(self.patches(pictures_RCSS), grid)
        mask_RN = repeat(is_there_R, "r -> r n", n=values_RND.shape[1]) if views > 1 else None
        return Tokens(values_RND, mask_RN, lattice_coords(grid, values_RND), grid, views)

    def init_from_encoder(self, encoder: EncoderSpec) -> None:
        """Take over the encoder's kernel, positions and normalisation, as far as it has them, resampled to this size
        and patch."""
        copy_stem(encoder, self.patches, self.place, self.mean, self.std)


class DrawnTokenizer(Tokenizer):
    """A tokenizer of two views: the modality's own tokens, or the sample as pictures. A subclass implements `draw`.

    Attributes:
        picture: Pictures to tokens, with view=picture; else None.
    """

    Options = ViewOptions
    options: Any

    def __init__(self, width: int, options: ViewOptions | None = None) -> None:
        super().__init__(width, options)
        is_drawn = self.options.view == "picture"
        self.picture = PictureStem(width, self.options.picture_size, self.options.picture_patch) if is_drawn else None

    def see(self, batch: Mapping[str, Tensor]) -> Tokens:
        """The tokens of what `draw` gives, with view=picture."""
        pictures_BVCSS = self.draw(batch)
        if self.picture is None or pictures_BVCSS is None:
            raise ContractError(
                f"{type(self).__name__} draws nothing, or its view is not picture",
                fix="implement `draw`, and call `see` where `self.picture` is there",
            )
        tokens: Tokens = self.picture(pictures_BVCSS)
        return tokens

    @classmethod
    def suggested_options(cls, encoder: EncoderSpec) -> dict[str, Any]:
        """Size and patch of the pictures that the encoder was made for."""
        return native_options(encoder, size="picture_size", patch="picture_patch")

    def is_native_to(self, encoder: EncoderSpec) -> bool:
        return self.picture is not None and has_stem(encoder)

    def init_from_encoder(self, encoder: EncoderSpec) -> None:
        """With view=picture, take over the encoder's patch embedding, positions and normalisation."""
        if self.picture is not None:
            self.picture.init_from_encoder(encoder)
