"""Recordings to tokens: patches of a log-mel spectrogram.

B recordings, F frames of 10 ms, M = 128 mel bins, S patches along time (steps), Q along frequency, N = S * Q, D width.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from einops import rearrange, repeat
from pydantic import Field, ValidationInfo, field_validator, model_validator
from torch import Tensor, nn

from mt_core.contract import EncoderSpec, Example, TokenRegions, Tokens
from mt_core.sdk import StepPart, readable, step_windows
from mt_core.sdk.blocks import (
    DrawnTokenizer,
    LearnedPositions,
    PatchEmbed,
    ViewOptions,
    copy_kernel,
    interpolate_positions,
)
from mt_plugin_audio.augmentation import change_speed_and_gain, mask_spectrogram, shift_start
from mt_plugin_audio.events import num_steps_of, window_steps
from mt_plugin_audio.filterbank import HOP, centres_hz, log_mel
from mt_plugin_audio.options import EventOptions
from mt_plugin_audio.places import places_of
from mt_plugin_audio.reading import LONGEST_S, read_recording
from mt_plugin_audio.regions import drawn_regions, patch_regions
from mt_plugin_audio.stem import SpectrumStem
from mt_plugin_audio.views import draw_spectrogram
from mt_plugin_audio.waveform import RATE_HZ, Excerpt, Waveform

BINS = 128

AUDIOSET_MEAN, AUDIOSET_STD = -4.2677393, 4.5689974
"""Of log-mel energies, until `calibrate` finds those of the data. Source: AudioSet's, as AST's published code has
them (Gong et al. 2021, arXiv:2104.01778)."""

_STEPS = 100  # positions are learned for so many, 10 s at a stride of 10; more get them stretched
_CALIBRATED = 500  # recordings from which mean and deviation are estimated


class AudioOptions(EventOptions, ViewOptions):
    """How sound becomes tokens."""

    patch: int = Field(default=16, ge=2, le=BINS, description="Side of a patch: mel bins, and frames of 10 ms.")
    stride: int = Field(
        default=10,
        ge=1,
        le=BINS,
        validate_default=True,
        description="From patch to patch, in bins and frames; at most `patch`.",
    )
    picture_seconds: float = Field(
        default=2.0,
        ge=0.1,
        le=600,
        description="With view=picture: longer recordings are drawn as several pictures of equal length.",
    )
    stem: Literal["patch", "conv"] = Field(
        default="patch",
        description="patch: one linear map a patch, which can start from the encoder's own. conv: two learned "
        "convolutions before it, and patches of all bins, better for an encoder without its own; `patch` and `stride` "
        "then count frames only.",
    )
    speed: float = Field(default=0.1, ge=0, le=0.5, description="In training, play up to this share faster or slower.")
    gain_db: float = Field(default=6.0, ge=0, le=60, description="In training, play up to so much louder or quieter.")
    shift_ms: int = Field(default=80, ge=0, le=10_000, description="In training, begin up to so much earlier or later.")
    mask: float = Field(
        default=0.15, ge=0, le=0.5, description="In training, hide up to this share of the time and of the bins."
    )

    @field_validator("stride")
    @classmethod
    def _stride_leaves_no_gap(cls, stride: int, info: ValidationInfo) -> int:
        if stride > info.data.get("patch", stride):
            raise ValueError(f"a stride of {stride} leaves gaps between patches of {info.data['patch']}")
        return stride

    @model_validator(mode="after")
    def _steps_have_tokens(self) -> AudioOptions:
        if self.view == "picture" and self.labels == "steps":
            raise ValueError("view=picture gives vectors of whole recordings, and labels=steps asks for those of steps")
        return self


class AudioTokenizer(DrawnTokenizer):
    """One token a patch of 160 ms and 16 bins, overlapping, with a position in time and one in frequency; with the conv
    stem a patch has all bins, and Q is 1.

    Time is the slow axis of the lattice, so that what a batch pads comes last. Every sample of a recording is within a
    frame and every frame within a patch: the last patch may reach beyond the end, where it holds zeros, which is the
    mean of the data; a patch is masked where the one before it reaches the end.

    Source: Gong et al. 2021 (AST), arXiv:2104.01778, section 2.1; Zhang et al. 2023 (Meta-Transformer),
    arXiv:2307.10802, section 3.2.
    """

    Options = AudioOptions
    options: AudioOptions
    sample_limits = "1,000 to 768,000 Hz, 1 to 64 channels; of what is longer than max_seconds, the beginning"

    def __init__(self, width: int, options: AudioOptions | None = None) -> None:
        super().__init__(width, options)
        # numbers, not tensors: a worker process needs them too, wherever the parameters are
        self.mean, self.std = AUDIOSET_MEAN, AUDIOSET_STD
        self._is_calibrated = False
        if self.picture is None:
            self._make_tokens(width)

    def _make_tokens(self, width: int) -> None:
        patch, stride = self.options.patch, self.options.stride
        if self.options.stem == "conv":
            self.stem: SpectrumStem | None = SpectrumStem(BINS)
            self.patches = PatchEmbed(SpectrumStem.CHANNELS, width, (patch, 1), (stride, 1))
        else:
            self.stem = None
            self.patches = PatchEmbed(1, width, (patch, patch), (stride, stride))
        self._height = patch if self.stem is None else BINS
        self.num_bands = (BINS - self._height) // stride + 1
        self.time_positions = LearnedPositions(_STEPS, width)
        self.band_positions = LearnedPositions(self.num_bands, width)

    def read(self, source: Any) -> Waveform:
        return read_recording(source, self.options.max_seconds)

    def file_facts(self, source: Any) -> dict[str, Any]:
        """Format, encoding, rate, channels and length, as the file's header says."""
        if not isinstance(source, str | Path):
            return {}
        from mt_plugin_audio.decoding import header_of

        return header_of(source)

    def stream(self, source: Any) -> Iterator[Waveform]:
        """The recording; with labels=steps its windows."""
        if not self.labels_steps or isinstance(source, Excerpt) or getattr(source, "part", None) is not None:
            yield self.read(source)
            return
        step_ms = self.options.step_ms
        whole = read_recording(source, LONGEST_S).samples
        steps = num_steps_of(len(whole) / RATE_HZ, step_ms)
        for window in step_windows(steps, window_steps(self.options.max_seconds, step_ms)):
            first, last = (step * step_ms * RATE_HZ // 1000 for step in (window.start, window.end))
            yield Waveform(whole[first:last], StepPart(0, steps).window(window))

    @property
    def labels_steps(self) -> bool:
        return self.options.labels == "steps"

    def prepare(self, sample: Waveform, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """`frames`, (F, M) float16 log-mel energies, not yet normalised; see `log_mel`.

        With labels=steps also places (P, 1), the steps to be labelled in strides, and what `mt_core.sdk.when` gives;
        training then moves nothing in time.
        """
        options, samples = self.options, sample.samples
        if generator is not None:
            speed = 0.0 if self.labels_steps else options.speed
            samples = change_speed_and_gain(samples, speed, options.gain_db, generator)
        frames_FM = log_mel(samples, BINS)
        if generator is not None:
            shift_ms = 0 if self.labels_steps else options.shift_ms
            frames_FM = shift_start(frames_FM, shift_ms * RATE_HZ // (1000 * HOP), self.mean, generator)
            frames_FM = mask_spectrogram(frames_FM, options.mask, self.mean, generator)
        prepared = {"frames": frames_FM.half()}
        return {**prepared, **places_of(sample, options.step_ms, options.stride)} if self.labels_steps else prepared

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """Tokens along frequency, then along time; with view=picture those of what `draw` gives.

        Returns:
            values (B, S * Q, D), grid (S, Q); coords (B, S * Q, 2), the middle of each patch in seconds and Hz, or with
            labels=steps in strides and Hz, with places and places_mask in side.
        """
        if self.picture is not None:
            return self.see(batch)
        frames_BFM, mask_BF = batch["frames"], batch.get("frames_mask")
        num_frames, patch, stride = frames_BFM.shape[1], self.options.patch, self.options.stride
        steps = (max(0, num_frames - patch) + stride - 1) // stride + 1  # rounded up; ONNX divides towards zero
        values_BND = self.patches(self._plane(frames_BFM, mask_BF, (steps - 1) * stride + patch))
        values_BSQD = rearrange(values_BND, "b (s q) d -> b s q d", s=steps)
        mask_BS = None
        if mask_BF is not None:
            before_S = torch.arange(-1, steps - 1, device=mask_BF.device)
            mask_BS = (before_S * stride + patch < mask_BF.sum(1, keepdim=True)) | (before_S < 0)
        nothing_BSD = torch.zeros_like(values_BSQD[:, :, 0])
        times_BSD = self.time_positions(nothing_BSD, mask=mask_BS)
        values_BSQD = values_BSQD + rearrange(times_BSD, "b s d -> b s 1 d") + self.band_positions.weight
        middles_N2 = self._middles(steps)
        if self.labels_steps:  # a patch is one from the next, as far as the head's layers expect
            middles_N2[:, 0] *= RATE_HZ / HOP / stride
        return Tokens(
            rearrange(values_BSQD, "b s q d -> b (s q) d"),
            mask=None if mask_BS is None else repeat(mask_BS, "b s -> b (s q)", q=self.num_bands),
            coords=middles_N2.to(frames_BFM.device).expand(frames_BFM.shape[0], -1, -1),
            grid=(steps, self.num_bands),
            side={name: batch[name] for name in ("places", "places_mask") if name in batch},
        )

    def regions(self, sample: Waveform, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Patches in seconds and Hz, of either view."""
        assert tokens.grid is not None
        frames_FM = batch["frames"][0].float()
        if self.picture is not None:
            pictures_VSS = self.draw(batch)[0, :, 0].cpu().numpy()
            return drawn_regions(pictures_VSS, tokens.grid, frames=len(frames_FM), bins=BINS)
        levels_FM = ((frames_FM - self.mean) / (4 * self.std) + 0.5).clamp(0, 1).cpu().numpy()
        own = self.options
        return patch_regions(levels_FM, steps=tokens.grid[0], patch=own.patch, stride=own.stride, height=self._height)

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The spectrogram: white and black are two deviations from the mean of the data."""
        return draw_spectrogram(
            batch["frames"],
            batch.get("frames_mask"),
            size=self.options.picture_size,
            frames=max(1, round(self.options.picture_seconds * RATE_HZ / HOP)),
            low=self.mean - 2 * self.std,
            high=self.mean + 2 * self.std,
        )

    def _plane(self, frames_BFM: Tensor, mask_BF: Tensor | None, num_frames: int) -> Tensor:
        """(B, C, F', M) what patches are cut from: normalised, with zeros behind the end, F' = `num_frames`."""
        # halved, as AST has it: most values then are within -1..1
        normal_BFM = (frames_BFM.to(self.time_positions.weight.dtype) - self.mean) / (2 * self.std)
        real_BF = mask_BF if mask_BF is not None else frames_BFM.new_ones(frames_BFM.shape[:2], dtype=torch.bool)
        beyond = num_frames - frames_BFM.shape[1]
        normal_BFM = nn.functional.pad(normal_BFM * real_BF[..., None], (0, 0, 0, beyond))
        if self.stem is None:
            return rearrange(normal_BFM, "b f m -> b 1 f m")
        seen_BFC: Tensor = self.stem(normal_BFM, nn.functional.pad(real_BF, (0, beyond)))
        return rearrange(seen_BFC, "b f c -> b c f 1")

    def _middles(self, steps: int) -> Tensor:
        """(S * Q, 2) seconds and Hz."""
        patch, stride = self.options.patch, self.options.stride
        seconds_S = (torch.arange(steps) * stride + patch / 2) * (HOP / RATE_HZ)
        hz_Q = centres_hz(BINS).unfold(0, self._height, stride).mean(1)
        return torch.cartesian_prod(seconds_S, hz_Q)

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Mean and standard deviation of all log-mel energies, from 500 recordings drawn at random.

        One that cannot be read is passed over: training tells of it, or leaves it out where that was asked for.
        """
        draw = random.Random(0)
        remaining = iter(examples)
        drawn = list(islice(remaining, _CALIBRATED))
        for count, example in enumerate(remaining, start=_CALIBRATED + 1):
            if (place := draw.randrange(count)) < _CALIBRATED:
                drawn[place] = example
        total = squares = 0.0
        num_values = 0
        frames = readable(drawn, lambda example: self.prepare(self.read(example.sample))["frames"].double())
        for frames_FM in frames:
            total += float(frames_FM.sum())
            squares += float(frames_FM.square().sum())
            num_values += frames_FM.numel()
        if num_values:
            mean = total / num_values
            # digital silence alone has no deviation
            self.restore({"mean": mean, "std": max(1.0, squares / num_values - mean * mean) ** 0.5})

    def calibration(self) -> dict[str, Any]:
        """{"mean", "std"} of the log-mel energies; {} before `calibrate`."""
        return {"mean": self.mean, "std": self.std} if self._is_calibrated else {}

    def restore(self, calibration: Mapping[str, Any]) -> None:
        if calibration:
            self.mean, self.std = float(calibration["mean"]), float(calibration["std"])
            self._is_calibrated = True

    def init_from_encoder(self, encoder: EncoderSpec) -> None:
        """Start from the encoder's own kernel (patch stem only) and positions, as far as it has them.

        A picture's height becomes frequency and its width time, as in AST. Positions on a plane become one in time and
        one in frequency, whose sum is the closest there is: the means over columns and rows. The conv stem has
        one frequency only. With view=picture the encoder's stem is taken over as it is.
        """
        super().init_from_encoder(encoder)
        if self.picture is not None:
            return
        if encoder.patch_weight is not None and self.stem is None:
            copy_kernel(self.patches, rearrange(encoder.patch_weight, "d c h w -> d c w h"), encoder.patch_bias)
        if encoder.positions is not None and encoder.positions_grid is not None:
            down, across = encoder.positions_grid
            plane_HWD = rearrange(encoder.positions, "(h w) d -> h w d", h=down)
            bands_HD = plane_HWD.mean(1) if self.stem is None else plane_HWD.mean((0, 1))[None]
            times_WD = plane_HWD.mean(0) - plane_HWD.mean((0, 1))
            with torch.no_grad():
                self.band_positions.weight.copy_(interpolate_positions(bands_HD, bands_HD.shape[:1], (self.num_bands,)))
                self.time_positions.weight.copy_(interpolate_positions(times_WD, (across,), (_STEPS,)))
