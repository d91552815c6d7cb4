"""Recordings to tokens, one a patch of time over all axes.

B samples, V windows a sample, R = B * V rows, L steps, C axes, G triples of axes, P patch, N patches, D width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn

from mt_core.contract import Example, TokenRegions, Tokens, pad_and_stack
from mt_core.errors import InputError, OptionError
from mt_core.sdk import StepOptions, StepPart, left_out, readable, step_windows
from mt_core.sdk.blocks import DrawnTokenizer, LearnedPositions, PatchEmbed, ViewOptions
from mt_plugin_imu.augmentation import jitter, rotate, scale, time_warp
from mt_plugin_imu.places import places_of
from mt_plugin_imu.reading import only_recording, read_recordings
from mt_plugin_imu.recording import MAX_STEPS, Recording
from mt_plugin_imu.regions import patch_regions
from mt_plugin_imu.resampling import resample
from mt_plugin_imu.scales import Scales, Survey, scales_of
from mt_plugin_imu.stem import DilatedStem, Spectrum
from mt_plugin_imu.steps import window_length, window_of
from mt_plugin_imu.views import draw_windows

_HIDDEN = 64


class ImuOptions(StepOptions, ViewOptions):
    """How recordings are brought to one rate, cut and varied."""

    rate_hz: float = Field(
        default=50.0,
        ge=0,
        le=10_000,
        description="Steps a second that recordings are brought to; 0: as they are. One whose own rate is not known is "
        "taken as it is.",
    )
    patch: int = Field(default=16, ge=2, le=4096, description="Steps in a patch, that is in a token.")
    stride: int | None = Field(default=None, ge=1, description="Steps from patch to patch; none: half a patch.")
    window: int = Field(default=512, ge=2, le=65_536, description="Steps that the encoder sees at once.")
    max_windows: int = Field(
        default=8, ge=1, le=256, description="Windows that are spread over a longer recording, at most."
    )
    max_axes: int = Field(default=12, ge=1, le=256, description="Axes that a recording may have, at most.")
    columns: tuple[str, ...] = Field(
        default=(), description="Columns that are axes, in this order; none: found by their names."
    )
    spectrum: bool = Field(default=True, description="Give each token the strength of each frequency in its patch too.")
    jitter: float = Field(default=0.03, ge=0, description="Training: noise, in standard deviations of an axis.")
    scale: float = Field(default=0.1, ge=0, description="Training: standard deviation of a factor on each axis.")
    rotate_degrees: float = Field(
        default=15.0, ge=0, le=180, description="Training: degrees that a device is turned by, at most."
    )
    warp: float = Field(default=0.1, ge=0, description="Training: standard deviation of the speed of time about 1.")
    shift: float = Field(
        default=0.05, ge=0, le=0.5, description="Training: share of a recording it is moved by, at most."
    )

    @model_validator(mode="after")
    def _steps_have_tokens(self) -> ImuOptions:
        if self.view == "picture" and self.labels == "steps":
            raise ValueError("view=picture gives vectors of whole recordings, and labels=steps asks for those of steps")
        return self


class ImuTokenizer(DrawnTokenizer):
    """Convolutions over time and all axes, cut into patches that overlap, with learned positions.

    Each axis has a place of its own in the first convolution; recordings of fewer axes leave the others empty, so that
    their number needs not be known in advance. Beside the axes stands the magnitude of each triple of them, which stays
    when the device is turned. A recording longer than a window is seen through several, each a view of the sample.

    Calibrated, axes are standardised by mean and deviation of the training split; before, a recording is divided by its
    own root mean square, each triple on its own. So units do not matter as long as they are always the same.
    """

    Options = ImuOptions
    options: ImuOptions
    sample_limits = (
        f"2 to {MAX_STEPS:,} steps, and at least a patch; a gap is interpolated, and at most half of an axis may be "
        "missing; of a recording longer than max_windows windows, so many are looked at"
    )

    def __init__(self, width: int, options: ImuOptions | None = None) -> None:
        super().__init__(width, options)
        patch = self.options.patch
        self.stride = self.options.stride or max(1, patch // 2)
        if self.stride > patch or self.options.window < patch:
            raise OptionError(
                f"stride={self.stride} patch={patch} window={self.options.window}",
                fix="a stride is at most a patch, and a patch at most a window",
            )
        num_patches = math.ceil((self.options.window - patch) / self.stride) + 1
        self.window = patch + (num_patches - 1) * self.stride
        self.scales: Scales | None = None
        if self.picture is None:
            self._make_tokens(width, num_patches)

    def _make_tokens(self, width: int, num_patches: int) -> None:
        patch = self.options.patch
        channels = self.options.max_axes + self.options.max_axes // 3
        self.stem = DilatedStem(channels, _HIDDEN)
        self.patches = PatchEmbed(_HIDDEN, width, (patch,), (self.stride,))
        self.spectrum = Spectrum(channels, width, patch, self.stride) if self.options.spectrum else None
        self.norm = nn.LayerNorm(width)
        self.place = LearnedPositions(num_patches, width)

    def read(self, source: Any) -> Recording:
        """The only recording of a source; see `reading.read_recordings`."""
        recording = only_recording(source, self.options.columns)
        self._tell_what_is_not_seen(recording)
        return recording

    def stream(self, source: Any) -> Iterator[Recording]:
        """All recordings of a .ts or .arff file, or of an array (N, T, C); of any other source the only one. With
        labels=steps the windows of each."""
        for number, recording in enumerate(read_recordings(source, self.options.columns)):
            if self.labels_steps and recording.part is None:
                whole = replace(recording, part=StepPart(0, len(recording.values), recording=number))
                length = window_length(recording, self.options.window, self.options.rate_hz)
                yield from (window_of(whole, window) for window in step_windows(len(recording.values), length))
                continue
            self._tell_what_is_not_seen(recording)
            yield recording

    def prepare(self, sample: Recording, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """The windows of a recording at the option `rate_hz`, standardised.

        Returns:
            axes (V, L, C) and magnitudes (V, L, G): V windows of L steps, C axes, and the G triples that they make,
            none where C is no multiple of 3; with view=picture the axes alone. The last step is repeated until the last
            patch is full. With labels=steps also places (P, 1), the steps to be labelled in steps at `rate_hz`, and
            what `mt_core.sdk.when` gives; training then neither warps nor shifts time.
        """
        options = self.options
        values_TC = resample(sample, options.rate_hz)
        num_axes = values_TC.shape[1]
        self._check(sample, len(values_TC), num_axes)
        scales = self.scales or scales_of(values_TC)
        if generator is not None:
            if options.rotate_degrees:
                values_TC = rotate(values_TC, options.rotate_degrees, generator)
            if options.scale:
                values_TC = scale(values_TC, options.scale, generator)
            if (options.warp or options.shift) and not self.labels_steps:
                values_TC = time_warp(values_TC, options.warp, options.shift, generator)
            if options.jitter:
                values_TC = jitter(values_TC, options.jitter * scales.deviations[:num_axes], generator)
        windows_VLC = self._windows(scales.standardised(values_TC))
        prepared = {"axes": torch.from_numpy(windows_VLC[..., :num_axes].copy())}
        if self.picture is None:
            prepared["magnitudes"] = torch.from_numpy(windows_VLC[..., num_axes:].copy())
        return {**prepared, **places_of(sample, len(values_TC))} if self.labels_steps else prepared

    def collate(self, items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Zeros behind what has fewer windows, steps or axes than its neighbours; `lengths` (B, V), the real steps of
        each window; and where the numbers of axes differ, `num_axes` (B,)."""
        batch: dict[str, Tensor] = {}
        for name in ("axes", "magnitudes")[: 1 if self.picture is not None else 2]:
            tensors = [item[name] for item in items]
            largest = [max(sizes) for sizes in zip(*(tensor.shape for tensor in tensors), strict=True)]
            batch[name] = tensors[0].new_zeros(len(tensors), *largest)
            for row, (views, steps, columns) in enumerate(tensor.shape for tensor in tensors):
                batch[name][row, :views, :steps, :columns] = tensors[row]
        batch["lengths"] = torch.zeros(batch["axes"].shape[:2], dtype=torch.int64)
        for row, item in enumerate(items):
            batch["lengths"][row, : item["axes"].shape[0]] = item["axes"].shape[1]
        num_axes = [item["axes"].shape[2] for item in items]
        if len(set(num_axes)) > 1:
            batch["num_axes"] = torch.tensor(num_axes)
        if self.labels_steps:
            batch |= pad_and_stack([{"places": item["places"]} for item in items])
        return batch

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """(B * V, N, D), a view for each window; with view=picture of what `draw` gives.

        With labels=steps, coords (B * V, N, 1), the middle of each patch in steps; side with places and places_mask.
        """
        if self.picture is not None:
            return self.see(batch)
        num_axes = self.options.max_axes
        # every axis and magnitude in its own place, whatever else is in the batch
        parts = [_widened(batch["axes"], num_axes), _widened(batch["magnitudes"], num_axes // 3)]
        values_RCL = rearrange(torch.cat(parts, dim=-1), "b v l c -> (b v) c l")
        num_steps = values_RCL.shape[-1]
        (num_patches,) = self.patches.grid((num_steps,))
        lengths_R1 = batch["lengths"].flatten()[:, None]
        real_R1L = (torch.arange(num_steps, device=lengths_R1.device) < lengths_R1)[:, None]
        ends_N = torch.arange(num_patches, device=lengths_R1.device) * self.stride + self.options.patch
        mask = ends_N <= lengths_R1
        values_RCL = values_RCL * real_R1L
        tokens_RND = self.patches(self.stem(values_RCL, real_R1L))
        if self.spectrum is not None:
            tokens_RND = tokens_RND + self.spectrum(values_RCL)
        tokens = Tokens(self.place(self.norm(tokens_RND), mask=mask), mask=mask, views=batch["axes"].shape[1])
        if not self.labels_steps:
            return tokens
        middles_N = torch.arange(num_patches, device=tokens_RND.device) * self.stride + (self.options.patch - 1) / 2
        side = {name: batch[name] for name in ("places", "places_mask") if name in batch}
        return replace(tokens, coords=middles_N[:, None].expand(len(tokens_RND), -1, -1), side=side)

    @property
    def labels_steps(self) -> bool:
        return self.options.labels == "steps"

    def regions(self, sample: Recording, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Patches in seconds, or in steps where the rate is not known; with view=picture patches of what is drawn."""
        if self.picture is not None:
            return super().regions(sample, batch, tokens)
        values_TC = resample(sample, self.options.rate_hz)
        is_resampled = sample.rate is not None and self.options.rate_hz > 0
        return patch_regions(
            values_TC,
            self._starts(len(values_TC)),
            num_tokens=tokens.values.shape[1],
            patch=self.options.patch,
            stride=self.stride,
            rate_hz=self.options.rate_hz if is_resampled else sample.rate,
        )

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor:
        """A picture for each window; see `views`."""
        return draw_windows(
            batch["axes"],
            batch["lengths"],
            batch.get("num_axes"),
            size=self.options.picture_size,
            patch=self.options.picture_patch,
        )

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Mean and standard deviation of each axis, and of each triple's magnitude, over all steps of all recordings
        that can be read and have as many axes as most.

        Raises:
            InputError: none can be read.
        """
        surveys: dict[int, Survey] = {}
        for recording in readable((example.sample for example in examples), self.read):
            surveys.setdefault(recording.values.shape[1], Survey()).add(recording)
        most = max(surveys.values(), key=lambda survey: survey.num_recordings, default=Survey())
        self.restore(most.scales().to_json())

    def calibration(self) -> dict[str, Any]:
        """{"axes": C, "means": …, "deviations": …}, of C axes and then of the triples' magnitudes."""
        return self.scales.to_json() if self.scales is not None else {}

    def restore(self, calibration: Mapping[str, Any]) -> None:
        self.scales = Scales.from_json(calibration) if calibration else None

    def with_channels(self, sample: Recording, channels: int) -> Recording:
        """The recording with so many axes, some left out or repeated."""
        return replace(sample, values=sample.values[:, np.arange(channels) % sample.values.shape[1]])

    def _tell_what_is_not_seen(self, recording: Recording) -> None:
        options = self.options
        faster = options.rate_hz / recording.rate if options.rate_hz and recording.rate else 1.0
        if len(recording.values) * faster > 1.01 * options.max_windows * self.window:
            left_out(
                recording.name,
                f"what lies between {options.max_windows} windows of {self.window} steps (options max_windows, window)",
            )

    def _check(self, sample: Recording, num_steps: int, num_axes: int) -> None:
        options = self.options
        if self.scales is not None and num_axes != self.scales.num_axes:
            raise InputError(
                f"{sample.name} has {num_axes} axes, and this model was calibrated on {self.scales.num_axes}",
                fix="give the same axes as in training, for instance by the option columns",
            )
        if num_axes > options.max_axes:
            raise InputError(
                f"{sample.name} has {num_axes} axes, and the option max_axes allows {options.max_axes}",
                fix=f"set max_axes={num_axes}; or, if its rows are axes and its columns steps, transpose it",
            )
        if num_steps < options.patch:
            at = f" at {options.rate_hz:g} Hz" if options.rate_hz and sample.rate else ""
            smaller = f"patch={max(2, num_steps // 4)}"
            if len(sample.values) >= options.patch:  # brought to a lower rate
                smaller = f"rate_hz=0, which leaves recordings at their own rate, or {smaller}"
            raise InputError(
                f"{sample.name} has {num_steps} steps{at}, and a patch takes {options.patch}",
                fix=f"choose the option {smaller}; or leave such recordings out, by --skip-unreadable",
            )

    def _windows(self, values_TC: NDArray[np.float32]) -> NDArray[np.float32]:
        """(V, L, C): the whole, its end repeated until patches fill it; or windows spread evenly from end to end."""
        num_steps, patch = len(values_TC), self.options.patch
        if num_steps <= self.window:
            missing = -(num_steps - patch) % self.stride
            return np.pad(values_TC, ((0, missing), (0, 0)), mode="edge")[None]
        return np.stack([values_TC[start : start + self.window] for start in self._starts(num_steps)])

    def _starts(self, num_steps: int) -> list[int]:
        """The first step of each window."""
        if num_steps <= self.window:
            return [0]
        count = min(self.options.max_windows, math.ceil(num_steps / self.window))
        starts: list[int] = np.linspace(0, num_steps - self.window, count).round().astype(int).tolist()
        return starts


def _widened(values_BVLC: Tensor, columns: int) -> Tensor:
    return nn.functional.pad(values_BVLC, (0, columns - values_BVLC.shape[-1]))
