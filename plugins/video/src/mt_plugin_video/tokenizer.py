"""Video to tokens: tubelets, small blocks of frames and pixels.

B samples, V clips, T frames, t frames and p pixels of a tubelet, C channels, S side in pixels, N tokens, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange, repeat
from pydantic import Field, ValidationInfo, field_validator, model_validator
from torch import Tensor

from mt_core.contract import EncoderSpec, Tokenizer, TokenRegions, Tokens
from mt_core.sdk.blocks import (
    ConvStem,
    LearnedPositions,
    PatchEmbed,
    PictureOptions,
    PictureStem,
    View,
    copy_kernel,
    crop_squares,
    interpolate_positions,
    lattice_coords,
    looked_at,
    native_options,
)
from mt_plugin_video.motion import MOTION_CHANNELS, motion_of
from mt_plugin_video.reading import read_video
from mt_plugin_video.reading.counting import MAX_HOURS
from mt_plugin_video.reading.decoding import MAX_PIXELS
from mt_plugin_video.regions import block_regions
from mt_plugin_video.sampling import SPARE, Times, Video, times_of_clips

_MIDDLE = 0.5
"""Mean and standard deviation of each colour until `init_from_encoder` brings the encoder's: pixels are in -1..1."""

_COLOURS = 3


class VideoOptions(PictureOptions):
    """How videos become tokens: (frames / tubelet) * (size / patch)² a clip."""

    size: int = Field(
        default=112,
        ge=4,
        le=4096,
        description="Side in pixels of the square that is looked at; without it the encoder's own (mt-tiny: 64).",
    )
    flip: bool = Field(
        default=True, description="Mirror half of the videos in training; not where left and right mean something."
    )
    frames: int = Field(default=16, ge=1, le=1024, description="Frames of a clip.")
    tubelet: int = Field(
        default=2, ge=1, le=64, validate_default=True, description="Frames of a token; must divide `frames`."
    )
    clips: int = Field(
        default=1, ge=1, le=64, description="Clips of a video that are looked at and averaged; in training it is one."
    )
    rate_hz: float = Field(
        default=0,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        description="Frames per second of a clip, a stretch of the video; 0: a clip goes over the whole video.",
    )
    view: View = Field(
        default="tokens",
        description="tokens: tubelets, learned. picture: every frame is a picture by itself, and enters through the "
        "encoder's own patch embedding; nothing has to be learned. Without it, what was measured to be better.",
    )
    motion: bool = Field(
        default=False, description="Show change and movement since the frame before, beside the colours."
    )

    @model_validator(mode="after")
    def _pictures_are_frames(self) -> VideoOptions:
        if self.view == "picture" and (self.motion or self.stem != "patch"):
            raise ValueError("view=picture shows frames as they are to the encoder's own stem: no motion, stem=patch")
        return self

    @field_validator("tubelet")
    @classmethod
    def _tubelet_divides_frames(cls, tubelet: int, info: ValidationInfo) -> int:
        frames = info.data.get("frames", tubelet)
        if frames % tubelet:
            raise ValueError(f"tubelets of {tubelet} frames do not divide {frames} frames")
        return tubelet


class VideoTokenizer(Tokenizer):
    """One token a tubelet, with a learned position in time, down and across; the clips of a video are its views.

    Source: Arnab et al. 2021 (ViViT), arXiv:2103.15691, section 3.2, tubelet embedding.
    """

    Options = VideoOptions
    options: VideoOptions
    sample_limits = f"1 frame to {MAX_HOURS} hours, {MAX_PIXELS / 1e6:.0f} million pixels a frame"

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, options: VideoOptions | None = None) -> None:
        super().__init__(width, options)
        is_drawn = self.options.view == "picture"
        self.picture = PictureStem(width, self.options.size, self.options.patch) if is_drawn else None
        if self.picture is None:
            self._make_tubelets(width)

    def _make_tubelets(self, width: int) -> None:
        tubelet, patch, side = self.options.tubelet, self.options.patch, self.options.size // self.options.patch
        channels = _COLOURS + MOTION_CHANNELS * self.options.motion
        self.patches: PatchEmbed | ConvStem = (
            ConvStem(channels * tubelet, width, patch)
            if self.options.stem == "conv"
            else PatchEmbed(channels, width, (tubelet, patch, patch))
        )
        self.place = LearnedPositions((self.options.frames // tubelet, side, side), width)
        self.register_buffer("mean", torch.full((_COLOURS,), _MIDDLE))
        self.register_buffer("std", torch.full((_COLOURS,), _MIDDLE))

    def read(self, source: Any) -> Video:
        """The frames that these options may look at, not much larger than `size` asks for; see `read_video`."""
        return read_video(source, self.options.size, self._times)

    def _times(self, duration_s: float) -> Times:
        return times_of_clips(duration_s, self.options.frames, self.options.clips, self.options.rate_hz)

    def file_facts(self, source: Any) -> dict[str, Any]:
        """Container, codec, size and rate of a video file, as its header says; of frames in a folder nothing."""
        if not isinstance(source, str | Path):
            return {}
        from mt_plugin_video.reading.decoding import header_of

        return header_of(source)

    def prepare(self, sample: Video, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """`pixels`, (V, T, 3, S, S) uint8: all clips, or one drawn at random in training.

        All frames are cut, moved and mirrored alike; see `PictureTokenizer.prepare`.
        """
        shown_AT = sample.shown_at(self._times(sample.duration_s))
        if generator is None:
            shown_VT = shown_AT[SPARE // 2 :: SPARE]
        else:
            drawn = int(torch.randint(len(shown_AT), (), generator=generator))
            shown_VT = shown_AT[drawn : drawn + 1]
        wanted, places = np.unique(shown_VT, return_inverse=True)
        frames = crop_squares(list(sample.frames[wanted]), self.options, generator)
        pixels_VTCSS = rearrange(frames[places.reshape(shown_VT.shape)], "v t h w c -> v t c h w")
        return {"pixels": torch.from_numpy(np.ascontiguousarray(pixels_VTCSS))}

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """Tokens from the first tubelet to the last, row by row; `coords` are the middles of the tubelets in time, down
        and across, in 0..1 of the clip. With view=picture every frame of every clip is a view of the video."""
        if self.picture is not None:
            seen: Tokens = self.picture(self.draw(batch))
            return seen
        views = batch["pixels"].shape[1]
        pixels_BTCSS = rearrange(batch["pixels"], "b v t c h w -> (b v) t c h w").to(self.mean.dtype) / 255
        pixels_BTCSS = (pixels_BTCSS - self.mean[:, None, None]) / self.std[:, None, None]
        if self.options.motion:
            pixels_BTCSS = torch.cat([pixels_BTCSS, motion_of(pixels_BTCSS)], dim=2)
        tubelet, patch = self.options.tubelet, self.options.patch
        num_frames, _, height, width = pixels_BTCSS.shape[1:]
        grid = (num_frames // tubelet, height // patch, width // patch)
        if isinstance(self.patches, ConvStem):
            blocks = rearrange(pixels_BTCSS, "b (n t) c h w -> (b n) (t c) h w", t=tubelet)
            values_BND = rearrange(self.patches(blocks), "(b n) s d -> b (n s) d", n=grid[0])
        else:
            values_BND = self.patches(rearrange(pixels_BTCSS, "b t c h w -> b c t h w"))
        values_BND = self.place(values_BND, grid)
        return Tokens(values_BND, coords=lattice_coords(grid, values_BND), grid=grid, views=views)

    def regions(self, sample: Video, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Blocks in seconds and pixels, of either view."""
        assert tokens.grid is not None
        own = self.options
        height, width = sample.frames.shape[1:3]
        times_VT = self._times(sample.duration_s)[SPARE // 2 :: SPARE]
        frames_MCSS = self.draw(batch)[0].cpu().numpy()
        box = looked_at(own, height, width)
        tubelet = own.tubelet if self.picture is None else 1
        return block_regions(sample, times_VT, frames_MCSS, box, tokens.grid[-2:], tubelet)

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The frames, clip after clip."""
        return rearrange(batch["pixels"], "b v t c h w -> b (v t) c h w").float() / 255

    @classmethod
    def suggested_options(cls, encoder: EncoderSpec) -> dict[str, Any]:
        """Size and patch of the pictures that the encoder was made for."""
        return native_options(encoder, size="size", patch="patch", interpolation="interpolation")

    def init_from_encoder(self, encoder: EncoderSpec) -> None:
        """Start from the encoder's own kernel (patch stem only), positions and normalisation, as far as it has them.

        The kernel becomes that of the tubelet's middle frame and the others begin at zero, as does motion: a tubelet
        begins as the patch of one frame. Positions are repeated over time.

        Source: Arnab et al. 2021 (ViViT), arXiv:2103.15691, section 3.4, central frame initialisation.
        """
        if self.picture is not None:
            self.picture.init_from_encoder(encoder)
            return
        self.mean.copy_(torch.tensor(encoder.mean))
        self.std.copy_(torch.tensor(encoder.std))
        if encoder.patch_weight is not None and isinstance(self.patches, PatchEmbed):
            patch = self.options.patch
            still = PatchEmbed(_COLOURS, self.width, (patch, patch))
            copy_kernel(still, encoder.patch_weight, encoder.patch_bias)
            with torch.no_grad():
                self.patches.project.weight.zero_()
                self.patches.project.weight[:, :_COLOURS, self.options.tubelet // 2] = still.project.weight
                assert self.patches.project.bias is not None and still.project.bias is not None
                self.patches.project.bias.copy_(still.project.bias)
        if encoder.positions is not None and encoder.positions_grid is not None:
            times, *lattice = self.place.lattice
            resampled_ND = interpolate_positions(encoder.positions, encoder.positions_grid, lattice)
            with torch.no_grad():
                self.place.weight.copy_(repeat(resampled_ND, "n d -> (t n) d", t=times))
