"""Pixels to tokens, one a group of neighbouring bands.

B pixels, P places in a pixel's neighbourhood, C bands, F features of a band, S spatial filters, G groups, K bands a
group, D width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor, nn

from mt_core.contract import Example, TokenRegions, Tokens, name_of
from mt_core.errors import InputError, MtError, OptionError
from mt_core.sdk import Moments, readable
from mt_core.sdk.blocks import DrawnTokenizer, ViewOptions
from mt_plugin_hyperspectral.augmentation import augmented
from mt_plugin_hyperspectral.bands import band_groups, band_positions, spread
from mt_plugin_hyperspectral.cube import MAX_BANDS, Cube, Wavelengths
from mt_plugin_hyperspectral.drawing import draw_spectra
from mt_plugin_hyperspectral.embedding import GroupEmbedding
from mt_plugin_hyperspectral.features import Feature, features_of
from mt_plugin_hyperspectral.pixel import Pixel, PixelAt
from mt_plugin_hyperspectral.reading import files_beside, open_array, open_cube
from mt_plugin_hyperspectral.regions import group_regions

_FURTHEST = 50.0  # standard deviations from the mean that a feature can be
_SMALLEST = 1e-6  # of the largest mean: a standard deviation below it is rounding
_POSITIONS = 32  # learned along the spectrum, and interpolated between
_INITIAL_STD = 0.02  # of the positions


class HyperspectralOptions(ViewOptions):
    """How a pixel is cut into groups of bands."""

    bands: int = Field(default=0, ge=0, le=MAX_BANDS, description="Bands a token; 0: four strides.")
    stride: int = Field(
        default=0,
        ge=0,
        le=MAX_BANDS,
        description="Bands from a token to the next; 0: a quarter of `bands`. Both 0: about 15 tokens.",
    )
    window: int = Field(
        default=1, ge=1, le=31, description="Side of the neighbourhood that is looked at, odd; 1: none."
    )
    features: tuple[Feature, ...] = Field(
        default=("shape",),
        description="What is seen of a band beside its value. shape: the value less the pixel's own mean, in its own "
        "deviations, which brightness does not change; derivative: the difference of its neighbours.",
    )
    wavelengths_nm: Wavelengths = Field(
        default=(), description="Nanometres of each band, or of the first and the last, where the file does not tell."
    )
    augment: float = Field(
        default=0.0, ge=0, le=1, description="How strongly training pixels vary in brightness and noise; 0: not."
    )

    @field_validator("window")
    @classmethod
    def _window_has_a_middle(cls, window: int) -> int:
        if window % 2 == 0:
            raise ValueError(f"a window of {window} has no middle; the next is {window + 1}")
        return window


class HyperspectralTokenizer(DrawnTokenizer):
    """One token for each group of neighbouring bands: a linear map of what is seen of them, plus a learned position,
    interpolated to where the group lies in the spectrum.

    The number of bands is that of the training pixels; there are no weights before `calibrate` or `restore`.

    Source: Zhang et al. 2023 (Meta-Transformer), arXiv:2307.10802, section 3.2; Hong et al. 2021 (SpectralFormer),
    arXiv:2107.02988, section III.
    """

    Options = HyperspectralOptions
    options: HyperspectralOptions
    sample_limits = (
        f"2 to {MAX_BANDS:,} bands, as many as in training; a pixel with a finite value in some of its bands only is "
        "refused, one of a scene without any counts as average"
    )

    mean: Tensor
    gain: Tensor
    middle: Tensor
    position: Tensor

    def __init__(self, width: int, options: HyperspectralOptions | None = None) -> None:
        super().__init__(width, options)
        self.restore({})

    def read(self, source: Any) -> Pixel:
        """A spectrum (B,), a neighbourhood (window, window, B), a mapping of such "values" and "wavelengths", a file
        with one pixel, or a `PixelAt`."""
        window = self.options.window
        if isinstance(source, PixelAt):
            pixel = source.look_up(window)
        elif isinstance(source, Pixel):
            pixel = source
        else:
            cube = _cube(source)
            if (cube.height, cube.width) not in ((1, 1), (window, window)) or (_is_file(source) and cube.height > 1):
                raise InputError(
                    f"{cube.name} has {cube.height} x {cube.width} pixels, and one is to be read",
                    fix="use stream, which embed and predict do, for all pixels; or pass the spectrum of one",
                )
            side = window if _is_file(source) else cube.height
            values = cube.neighbourhood(cube.height // 2, cube.width // 2, side)
            pixel = Pixel(values, cube.wavelengths, cube.name)
        self._require_fit(pixel)
        if not np.isfinite(pixel.spectrum).all():
            raise InputError(f"{pixel.filename} has no data: no band has a finite value", fix="leave this pixel out")
        return pixel

    def files_beside(self, source: str) -> list[str]:
        """The data of an ENVI header, or the header of its data."""
        return files_beside(source)

    def stream(self, source: Any) -> Iterator[Pixel]:
        """Every pixel of a cube, row by row, also those without data; of anything else what `read` gives."""
        window = self.options.window
        cube = None if isinstance(source, Pixel | PixelAt) else _cube(source)
        if cube is None or (not _is_file(source) and (cube.height, cube.width) in ((1, 1), (window, window))):
            yield self.read(source)
            return
        for values in cube.neighbourhoods(window):
            pixel = Pixel(values, cube.wavelengths, cube.name)
            self._require_fit(pixel)
            yield pixel

    def prepare(self, sample: Pixel, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """{"spectra": (P, C) float32 in the unit of the file, the neighbourhood row by row}."""
        if not self._calibration:
            raise MtError(
                "this hyperspectral tokenizer knows no bands yet",
                fix="calibrate it on pixels first (`fit` does so), or load a run that was trained",
            )
        self._require_fit(sample)
        values = np.where(np.isfinite(sample.values), sample.values, self._band_mean)
        if generator is not None:
            values = augmented(values, self._band_std, self.options.augment, generator)
        return {"spectra": torch.from_numpy(values.reshape(-1, len(self._band_mean)))}

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """(B, G, D); `coords` (B, G, 1) are the middles of the groups in nanometres, or in bands from 0."""
        if self.picture is not None:
            return self.see(batch)
        features_BPFC = (features_of(batch["spectra"], self.options.features) - self.mean) * self.gain
        values_BGD = self.embed(features_BPFC.nan_to_num().clamp(-_FURTHEST, _FURTHEST))
        values_BGD = values_BGD + _interpolated(self.place, self.position)
        coords_BG1 = self.middle[:, None].expand(values_BGD.shape[0], -1, 1)
        return Tokens(values_BGD, coords=coords_BG1, grid=(values_BGD.shape[1],))

    def regions(self, sample: Pixel, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Groups of bands in nanometres, or by their numbers; with view=picture patches of what is drawn."""
        if self.picture is not None:
            return super().regions(sample, batch, tokens)
        groups_GK = band_groups(len(self._band_mean), self.options.bands, self.options.stride)
        return group_regions(sample, groups_GK, self._wavelengths)

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The spectrum of the pixel itself, without its neighbourhood; see `draw_spectra`."""
        spectra_BC = batch["spectra"][:, self.options.window**2 // 2]
        levels_BC = ((spectra_BC - self.mean[0]) * self.gain[0]).nan_to_num().clamp(-_FURTHEST, _FURTHEST)
        shapes_BC = features_of(levels_BC, ("shape",))[:, 1]
        return draw_spectra(levels_BC, shapes_BC, size=self.options.picture_size)

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Learn the bands, their wavelengths, and mean and deviation of each band's features, from the pixels alone,
        without their neighbourhoods.

        Raises:
            InputError: no pixel that can be read, or pixels of different bands.
        """
        self.restore({})
        first: Pixel | None = None
        moments = Moments()
        for pixel in readable((example.sample for example in examples), self.read):
            first = first or pixel
            _require_alike(pixel, len(first.spectrum), first.wavelengths)
            moments.add(features_of(torch.from_numpy(pixel.spectrum).double(), self.options.features).numpy()[None])
        if first is None:
            raise InputError("there is no pixel to calibrate on", fix="give at least one that has data")
        wavelengths = first.wavelengths or self._wavelengths_by_option(len(first.spectrum))
        self.restore(
            {
                "mean": moments.mean.tolist(),
                "std": moments.std.tolist(),
                "wavelengths": list(wavelengths) if wavelengths is not None else None,
            }
        )

    def calibration(self) -> dict[str, Any]:
        """{"mean", "std": of each feature of each band, (F, C) in lists; "wavelengths": nanometres, or None}."""
        return dict(self._calibration)

    def restore(self, calibration: Mapping[str, Any]) -> None:
        self._calibration = dict(calibration)
        mean_FC = np.array(calibration.get("mean", np.zeros((1, 0))))
        std_FC = np.array(calibration.get("std", np.zeros((1, 0))))
        wavelengths = calibration.get("wavelengths")
        self._wavelengths: Wavelengths | None = tuple(wavelengths) if wavelengths is not None else None
        self._band_mean, self._band_std = mean_FC[0].astype(np.float32), std_FC[0].astype(np.float32)
        # a band that is the same in all training pixels says nothing
        is_varying = std_FC > _SMALLEST * np.abs(mean_FC).max(1, keepdims=True, initial=0)
        gain_FC = np.divide(1.0, std_FC, out=np.zeros_like(std_FC), where=is_varying)
        self._buffer("mean", mean_FC)
        self._buffer("gain", gain_FC)
        num_features, bands = mean_FC.shape
        groups_GK = band_groups(bands, self.options.bands, self.options.stride)
        along = np.array(self._wavelengths if self._wavelengths is not None else np.arange(bands))
        self._buffer("middle", along[groups_GK].mean(1))
        self._buffer("position", band_positions(groups_GK, along) if bands else along)
        if self.picture is not None:
            return
        self.embed = GroupEmbedding(torch.from_numpy(groups_GK), num_features, self.options.window**2, self.width)
        self.place = nn.Parameter(torch.randn(_POSITIONS, self.width) * _INITIAL_STD)

    def _buffer(self, name: str, values: NDArray[Any]) -> None:
        self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def _wavelengths_by_option(self, bands: int) -> Wavelengths | None:
        told = self.options.wavelengths_nm
        if not told:
            return None
        if (wavelengths := spread(told, bands)) is None:
            raise OptionError(
                f"wavelengths has {len(told)} numbers, and the pixels have {bands} bands",
                fix="give one a band, or the first and the last",
            )
        return wavelengths

    def _require_fit(self, pixel: Pixel) -> None:
        side, window = pixel.values.shape[0], self.options.window
        if side != window:
            raise InputError(
                f"{pixel.filename} comes with a neighbourhood of {side} x {side} pixels, and {window} x {window} are "
                "looked at",
                fix=f"pass arrays of ({window}, {window}, bands), or use the tokenizer's option window={side}",
            )
        if self._calibration:
            _require_alike(pixel, len(self._band_mean), self._wavelengths)


def _is_file(source: Any) -> bool:
    return isinstance(source, str | Path | bytes)


def _cube(source: Any) -> Cube:
    if _is_file(source):
        return open_cube(source)
    if (cube := open_array(source)) is None:
        raise InputError(
            f"{name_of(source)} is neither a scene nor a pixel",
            fix="pass a path, an array of (bands), (window, window, bands) or (rows, columns, bands), or a mapping of "
            "values and wavelengths",
        )
    return cube


def _require_alike(pixel: Pixel, bands: int, wavelengths: Wavelengths | None) -> None:
    if len(pixel.spectrum) != bands:
        raise InputError(
            f"{pixel.filename} has {len(pixel.spectrum)} bands, the training pixels have {bands}",
            fix="use scenes of one sensor with the same bands left out, or train another model for these",
        )
    if pixel.wavelengths is None or wavelengths is None or pixel.wavelengths == wavelengths:
        return
    furthest = np.abs(np.subtract(pixel.wavelengths, wavelengths)).max()
    if furthest > np.ptp(wavelengths) / (bands - 1):
        raise InputError(
            f"{pixel.filename}: a band lies {furthest:.0f} nm from where it lay in training",
            fix="resample the scene to the wavelengths of the training scene",
        )


def _interpolated(place_ND: Tensor, position_G: Tensor) -> Tensor:
    """(G, D) positions learned at even distances from 0 to 1, linearly between them."""
    at_G = position_G * (len(place_ND) - 1)
    left_G = at_G.floor().long().clamp(max=len(place_ND) - 2)
    return torch.lerp(place_ND[left_G], place_ND[left_G + 1], (at_G - left_G)[:, None])
