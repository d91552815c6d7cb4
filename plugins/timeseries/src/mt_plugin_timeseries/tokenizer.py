"""Series to tokens, one a patch of a channel.

B series, C channels (views), T steps, L steps with padding, N patches, P steps of a patch, D width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, Literal

import numpy as np
import torch
from einops import rearrange
from pydantic import Field, model_validator
from torch import Tensor, nn

from mt_core.contract import Example, TokenRegions, Tokens, only_one, pad_and_stack
from mt_core.errors import InputError
from mt_core.sdk import StepOptions, StepPart, readable, step_windows
from mt_core.sdk.blocks import DrawnTokenizer, ViewOptions
from mt_plugin_timeseries.calendar import FEATURES, calendar_features
from mt_plugin_timeseries.drawing import CHANNELS, draw_channels
from mt_plugin_timeseries.places import places_of
from mt_plugin_timeseries.reading import read_series
from mt_plugin_timeseries.regions import patch_regions
from mt_plugin_timeseries.series import MAX_VALUES, Series, default_names
from mt_plugin_timeseries.tables import RowsOption, Text, resolved
from mt_plugin_timeseries.windows import filled, interpolate, normalise, num_patches, pad, patch_centres, window_of

_POSITION_STD = 0.02
_LEVEL_STD = 0.3
_LEAST_SPREAD = 1e-3
_CALIBRATED = 256  # examples whose levels are looked at


class TimeSeriesOptions(StepOptions, ViewOptions):
    """What of a series is looked at, and how it is cut into patches."""

    lookback: int = Field(default=336, ge=1, le=65_536, description="Steps looked at: the newest of a series.")
    patch: int = Field(default=16, ge=1, le=1024, description="Steps in a patch.")
    stride: int = Field(default=8, ge=1, le=1024, description="Steps from patch to patch, at most `patch`.")
    short: Literal["auto", "refuse", "use"] = Field(
        default="auto",
        description="A series shorter than `lookback`: refuse it, or use what is there; auto: refuse it where the "
        "model was trained to forecast.",
    )
    columns: tuple[str, ...] = Field(
        default=(), description="Columns of a table to read, in this order; none: all of numbers."
    )
    irregular: RowsOption = Field(
        default="auto",
        description="Rows that are not one step after the other: repair (sort, average doubles, leave gaps to "
        "interpolation), refuse, or ignore the times. auto: ignore with labels=steps, since then each row is a step; "
        "else repair.",
    )
    text: Text = Field(default="refuse", description="Columns of text in a table: refuse or ignore.")
    calendar: bool = Field(
        default=False, description="Add hour, day of week, day of month and month to each token; needs times."
    )
    level: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Tell each token the mean and scale of its channel's window; auto: where the model was trained to "
        "classify, since their size tells classes apart.",
    )
    channel_ids: bool = Field(default=False, description="Add a learned vector for each channel of the training data.")

    @model_validator(mode="after")
    def _fits(self) -> TimeSeriesOptions:
        if self.stride > self.patch:
            raise ValueError(f"stride={self.stride} is more than patch={self.patch} and would leave steps out")
        if self.patch > self.lookback:
            raise ValueError(f"patch={self.patch} is more than lookback={self.lookback}")
        if self.view == "picture" and (self.calendar or self.channel_ids or self.level == "on"):
            raise ValueError("calendar, channel_ids and level=on add to learned tokens: choose view=tokens")
        if self.view == "picture" and self.labels == "steps":
            raise ValueError("view=picture gives vectors of whole series, and labels=steps asks for those of steps")
        return self


class TimeSeriesTokenizer(DrawnTokenizer):
    """Channels as views; each on its own scale, in overlapping patches, projected by one linear map for all channels.

    Mean and scale of each channel go past the encoder to the head, which gives forecasts in the series' own unit.
    Patches are counted from the newest step, and so are their positions: a short series has the tokens that the end
    of a long one has.

    Sources: Nie et al. 2023 (PatchTST), arXiv:2211.14730, section 3.1, for patches and independent channels; Kim et al.
    2022 (RevIN), ICLR, for the normalisation; Zhang et al. 2023 (Meta-Transformer), arXiv:2307.10802, for what follows.
    """

    Options = TimeSeriesOptions
    options: TimeSeriesOptions
    level_mean: Tensor
    level_scale: Tensor
    sample_limits = f"up to {MAX_VALUES:,} values (steps times channels); of a series the newest `lookback` steps count"

    def __init__(self, width: int, options: TimeSeriesOptions | None = None) -> None:
        super().__init__(width, options)
        if self.picture is None:
            self._make_tokens(width)
        self._become({})

    def _make_tokens(self, width: int) -> None:
        own = self.options
        self.project = nn.Linear(own.patch, width)
        # Normalisation within the encoder divides by a token's size, which would take the size of the values away.
        # Beside a constant of unit size it varies little, and what is linear in the patch arrives at the head.
        nn.init.normal_(self.project.bias)
        self.place = nn.Parameter(torch.randn(num_patches(own.lookback, own.patch, own.stride), width) * _POSITION_STD)
        self.calendar = nn.Linear(FEATURES, width, bias=False) if own.calendar else None

    def read(self, source: Any) -> Series:
        """The one series of a source, or the one window of it."""
        return only_one(self.stream(source), source, "series")

    def stream(self, source: Any) -> Iterator[Series]:
        """The series of a source: those of a .ts or .arff file, else one; with labels=steps the windows of each."""
        own = self.options
        columns = own.columns
        if self.labels_steps and self.channels != default_names(len(self.channels)):
            columns = columns or self.channels  # a table may still have the labels beside them
        irregular = resolved(own.irregular, own.labels)
        for number, series in enumerate(read_series(source, columns=columns, irregular=irregular, text=own.text)):
            series = series.of(self.channels) if self.channels else series
            if not self.labels_steps or series.part is not None:
                yield series
                continue
            whole = replace(filled(series), part=StepPart(0, len(series), recording=number))
            yield from (window_of(whole, window) for window in step_windows(len(whole), own.lookback))

    def prepare(self, sample: Series, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """The newest `lookback` steps on their own scale.

        Returns:
            values (C, L) float32, the oldest and the newest repeated to fill patches; mean and scale (C,) float32 in
            the series' unit; with `calendar`, calendar (N, 8); with labels=steps, places (P, 1), the steps to be
            labelled in steps after the newest, and what `mt_core.sdk.when` gives.
        """
        own = self.options
        window = sample.last(own.lookback)
        self._check_length(window)
        values, mean, scale = normalise(interpolate(window))
        filled = pad(values, own.patch, own.stride)
        prepared = {
            "values": torch.from_numpy(np.ascontiguousarray(filled.T)),
            "mean": torch.from_numpy(mean),
            "scale": torch.from_numpy(scale),
        }
        if own.calendar:
            if window.times is None:
                raise InputError(
                    f"{sample.name} has no times, and the option calendar needs them",
                    fix="give a table with a column of dates, or leave calendar off",
                )
            centres = patch_centres(num_patches(len(window), own.patch, own.stride), own.patch, own.stride)
            prepared["calendar"] = torch.from_numpy(calendar_features(window.times, centres))
        return {**prepared, **places_of(sample)} if self.labels_steps else prepared

    def collate(self, items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Padding stands before the oldest step, so that the newest of all series are in one place, and behind the last
        channel.

        Returns:
            values (B, C, L), mean and scale (B, C), and mask (B, C, N), True where a patch is real.
        """
        own = self.options
        channels = max(item["values"].shape[0] for item in items)
        length = max(item["values"].shape[1] for item in items)
        patches = (length - own.patch) // own.stride + 1
        batch = {
            "values": torch.zeros(len(items), channels, length),
            "mean": torch.zeros(len(items), channels),
            "scale": torch.ones(len(items), channels),
            "mask": torch.zeros(len(items), channels, patches, dtype=torch.bool),
        }
        if own.calendar:
            batch["calendar"] = torch.zeros(len(items), patches, FEATURES)
        for row, item in enumerate(items):
            count, steps = item["values"].shape
            real = (steps - own.patch) // own.stride + 1
            batch["values"][row, :count, length - steps :] = item["values"]
            batch["mask"][row, :count, patches - real :] = True
            batch["mean"][row, :count] = item["mean"]
            batch["scale"][row, :count] = item["scale"]
            if own.calendar:
                batch["calendar"][row, patches - real :] = item["calendar"]
        if self.labels_steps:
            batch |= pad_and_stack([{"places": item["places"]} for item in items])
        return batch

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """One token a patch, the channels of a series as its views, the newest patch last; with view=picture those of
        what `draw` gives.

        Returns:
            values (B * C, N, D); coords (B * C, N, 1), the middle of each patch in steps after the newest value; side:
            mean and scale, (B, C) each, and places and places_mask where steps are labelled.
        """
        own = self.options
        side = {name: batch[name] for name in ("mean", "scale", "places", "places_mask") if name in batch}
        if self.picture is not None:
            return replace(self.see(batch), side=side)
        patches_BCNP = batch["values"].unfold(-1, own.patch, own.stride)
        num_series, num_channels, num_tokens, _ = patches_BCNP.shape
        values = self.project(patches_BCNP) + self.place[-num_tokens:]
        if self.calendar is not None:
            values = values + self.calendar(batch["calendar"])[:, None]
        if self.level is not None:
            levels_BC2 = (levels(batch["mean"], batch["scale"]) - self.level_mean) / self.level_scale
            values = values + self.level(levels_BC2)[:, :, None]
        if self.channel is not None:
            values = values + self.channel[:num_channels, None]
        centres_N1 = torch.from_numpy(patch_centres(num_tokens, own.patch, own.stride)).to(values)[:, None]
        mask = rearrange(batch["mask"], "b c n -> (b c) n")
        return Tokens(
            rearrange(values, "b c n d -> (b c) n d"),
            mask=mask,
            coords=centres_N1.expand(num_series * num_channels, -1, -1),
            views=num_channels,
            side=side,
        )

    @property
    def labels_steps(self) -> bool:
        return self.options.labels == "steps"

    def regions(self, sample: Series, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Patches of each channel by their dates, or by steps; with view=picture patches of what is drawn."""
        if self.picture is not None:
            return super().regions(sample, batch, tokens)
        own = self.options
        return patch_regions(sample.last(own.lookback), tokens.values.shape[1], own.patch, own.stride)

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Area charts and spectrograms of up to 12 channels in a picture; to forecast, a picture for each channel."""
        own, mask_BCN = self.options, batch["mask"]
        # without the newest step that `pad` repeats to fill the last patch
        lengths_B = own.patch + (mask_BCN[:, 0].sum(1) - 1) * own.stride - own.stride
        return draw_channels(
            batch["values"][..., : -own.stride],
            batch["mean"] / batch["scale"],
            lengths_B,
            mask_BCN.any(2).sum(1),
            together=1 if self.forecasts else CHANNELS,
            size=own.picture_size,
            patch=own.picture_patch,
        )

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Learn from the first example which channels there are and whether the model is to forecast; where it is told
        the levels, from some more how they are distributed."""
        self.restore({})
        loaded = readable(examples, lambda example: (example, self.read(example.sample)))
        first = next(loaded, None)
        if first is None:
            return
        example, series = first
        forecasts = np.ndim(example.target) == 2
        record: dict[str, Any] = {"channels": list(series.channels), "forecasts": forecasts}
        tells_levels = self.options.level == "on" or (self.options.level == "auto" and not forecasts)
        if tells_levels and self.picture is None:
            some = islice(chain([series], (each for _, each in loaded)), _CALIBRATED)
            prepared = list(readable(some, self.prepare))
            levels_M2 = torch.cat([levels(item["mean"], item["scale"]) for item in prepared])
            record["level_mean"] = levels_M2.mean(0).tolist()
            record["level_scale"] = (levels_M2.std(0, correction=0) + _LEAST_SPREAD).tolist()
        self.restore(record)

    def calibration(self) -> dict[str, Any]:
        """channels: names in order; forecasts: whether short series are refused where `short` is auto; level_mean and
        level_scale: of `levels`, where tokens are told them."""
        return self._calibration

    def restore(self, calibration: Mapping[str, Any]) -> None:
        self._become(dict(calibration))

    def with_channels(self, sample: Series, channels: int) -> Series:
        """The series with so many channels, some left out or repeated; they have no names of their own any more."""
        values = sample.values[:, np.arange(channels) % sample.values.shape[1]]
        return replace(sample, values=values, channels=default_names(channels))

    def _become(self, calibration: dict[str, Any]) -> None:
        """Take the channels from a calibration, and make the weights that hang on it."""
        self._calibration = calibration
        self.channels = tuple(calibration.get("channels", ()))
        self.forecasts = bool(calibration.get("forecasts", False))
        self.channel: nn.Parameter | None = None
        if self.options.channel_ids and self.channels:
            self.channel = nn.Parameter(torch.randn(len(self.channels), self.width))
        self.level: nn.Linear | None = None
        if "level_mean" in calibration:
            self.level = nn.Linear(2, self.width, bias=False)
            nn.init.normal_(self.level.weight, std=_LEVEL_STD)
            self.register_buffer("level_mean", torch.tensor(calibration["level_mean"]), persistent=False)
            self.register_buffer("level_scale", torch.tensor(calibration["level_scale"]), persistent=False)

    def _check_length(self, window: Series) -> None:
        own = self.options
        refuses = own.short == "refuse" or (own.short == "auto" and self.forecasts)
        needed = own.lookback if refuses else own.patch
        if len(window) >= needed:
            return
        raise InputError(
            f"{window.name} has {len(window)} steps, {needed} are needed",
            fix=f"give at least {needed} steps, or train with the option lookback={len(window)} (as the option of the "
            "data as well); short=use takes shorter series as they are"
            if refuses
            else f"choose the option{'s' * (len(window) < own.stride)} patch={len(window)}"
            f"{f' and stride={len(window)}' if len(window) < own.stride else ''}; or leave such series out, by "
            "--skip-unreadable",
        )


def levels(mean: Tensor, scale: Tensor) -> Tensor:
    """(..., 2) how large the mean is beside the scale, and the logarithm of the scale: another unit shifts the latter
    by a constant, and no more."""
    return torch.stack([(mean / scale).asinh(), scale.log()], dim=-1)
