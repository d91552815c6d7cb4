"""Series as pictures without a look at how long they are: what `draw_series` draws, by the same operations for every
batch. It draws more than is seen, charts and spectrograms of all counts of bands, and chooses; a graph that is exported
has no other way.

M series, L steps, C channels in groups of three, G groups, S side in pixels, Q frequencies, T frames, W pixels across.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from mt_core.sdk.blocks.stretching import stretching_weights

_RGB = 3


class Spectra(NamedTuple):
    """How spectrograms are drawn.

    Attributes:
        steps: Of a short-time Fourier transform.
        hop: Steps from one to the next.
        white: The amplitude that is shown as white.
    """

    steps: int
    hop: int
    white: float


def draw_masked(
    series_MLC: Tensor,
    spans_M2: Tensor,
    counts_M: Tensor,
    *,
    size: int,
    patch: int,
    half_range: float,
    spectra: Spectra,
) -> Tensor:
    """(M, 3, S, S) as `draw_series` gives them; see there."""
    num_steps = series_MLC.shape[1]
    lengths_M = spans_M2[:, 1] - spans_M2[:, 0]
    series_MCL = _in_groups(_from_first(series_MLC.float(), spans_M2), counts_M)
    lines_MCW = torch.einsum("mcl,mwl->mcw", series_MCL, stretching_weights(lengths_M, num_steps, size))
    shares_MCW = ((lines_MCW + half_range) / (2 * half_range)).clamp(0, 1)
    groups_M = (counts_M + _RGB - 1) // _RGB
    rows = size // patch
    above = max(1, rows // 4) * patch
    grey_MCQW = None
    if rows > 1:
        grey_MCQW = _spectra(series_MCL, lengths_M, size, spectra)
    pictures_MCSS = series_MLC.new_full((series_MLC.shape[0], _RGB, size, size), torch.nan, dtype=torch.float32)
    for count in range(1, series_MCL.shape[1] // _RGB + 1):
        drawn_MCSS = _charts(shares_MCW, count, size)
        if grey_MCQW is not None:
            parts = [_charts(shares_MCW, count, above), _spectrograms(grey_MCQW, count, size - above)]
            is_long_M = (lengths_M >= spectra.steps)[:, None, None, None]
            drawn_MCSS = torch.where(is_long_M, torch.cat(parts, dim=2), drawn_MCSS)
        is_drawn_M = (groups_M == count) & (lengths_M > 0)
        pictures_MCSS = torch.where(is_drawn_M[:, None, None, None], drawn_MCSS, pictures_MCSS)
    return pictures_MCSS


def _from_first(series_MLC: Tensor, spans_M2: Tensor) -> Tensor:
    """(M, C, L) the real steps of each series at its beginning, zeros behind them."""
    steps_L = torch.arange(series_MLC.shape[1], device=series_MLC.device)
    places_ML = (spans_M2[:, :1] + steps_L).clamp(max=series_MLC.shape[1] - 1)
    moved_MLC = series_MLC.gather(1, places_ML[..., None].expand(-1, -1, series_MLC.shape[2]))
    is_real_ML = steps_L < spans_M2[:, 1:] - spans_M2[:, :1]
    return rearrange(moved_MLC.masked_fill(~is_real_ML[..., None], 0), "m l c -> m c l")


def _in_groups(series_MCL: Tensor, counts_M: Tensor) -> Tensor:
    """(M, C', L), C' a multiple of three; what a group lacks is the mean of the channels that it has."""
    series_MCL = nn.functional.pad(series_MCL, (0, 0, 0, -series_MCL.shape[1] % _RGB))
    is_real_MC = torch.arange(series_MCL.shape[1], device=series_MCL.device) < counts_M[:, None]
    is_real_MGC1 = rearrange(is_real_MC, "m (g c) -> m g c 1", c=_RGB)
    series_MGCL = rearrange(series_MCL, "m (g c) l -> m g c l", c=_RGB)
    real_MGCL = series_MGCL * is_real_MGC1
    mean_MG1L = real_MGCL.sum(2, keepdim=True) / is_real_MGC1.sum(2, keepdim=True).clamp_min(1)
    return rearrange(torch.where(is_real_MGC1, series_MGCL, mean_MG1L), "m g c l -> m (g c) l")


def _spectra(series_MCL: Tensor, lengths_M: Tensor, width: int, spectra: Spectra) -> Tensor:
    """(M, C, Q, W) the greys of each frequency, half the rate first, stretched over the width."""
    is_real_M1L = torch.arange(series_MCL.shape[2], device=series_MCL.device) < lengths_M[:, None, None]
    mean_MC1 = (series_MCL * is_real_M1L).sum(2, keepdim=True) / lengths_M.clamp_min(1)[:, None, None]
    centred_NL = rearrange((series_MCL - mean_MC1) * is_real_M1L, "m c l -> (m c) 1 l")
    window = torch.hann_window(spectra.steps, device=series_MCL.device)
    angles_QP = (
        2
        * math.pi
        / spectra.steps
        * torch.outer(torch.arange(spectra.steps // 2 + 1), torch.arange(spectra.steps)).double()
    )
    waves_QP = torch.cat([angles_QP.cos(), angles_QP.sin()]).to(window) * window
    padded_NL = nn.functional.pad(centred_NL, (spectra.steps // 2, spectra.steps // 2))
    cosine_NQT, sine_NQT = nn.functional.conv1d(padded_NL, waves_QP[:, None], stride=spectra.hop).chunk(2, dim=1)
    amplitude_NQT = (cosine_NQT.square() + sine_NQT.square()).sqrt() * (2 / window.sum())
    grey_MCQT = rearrange((amplitude_NQT / spectra.white).sqrt().flip(1), "(m c) q t -> m c q t", c=series_MCL.shape[1])
    weights_MWT = stretching_weights(1 + lengths_M // spectra.hop, grey_MCQT.shape[3], width)
    return torch.einsum("mcqt,mwt->mcqw", grey_MCQT, weights_MWT)


def _charts(shares_MCW: Tensor, count: int, height: int) -> Tensor:
    """(M, 3, height, W): the charts of the first groups, one below the other."""
    bands = []
    for group, high in enumerate(band_heights(count, height)):
        bottoms_H1 = torch.arange(high - 1, -1, -1, device=shares_MCW.device, dtype=shares_MCW.dtype)[:, None]
        of_group_M31W = shares_MCW[:, _RGB * group : _RGB * (group + 1), None]
        bands.append((of_group_M31W * high - bottoms_H1).clamp(0, 1))
    return _shrunk(torch.cat(bands, dim=2), height)


def _spectrograms(grey_MCQW: Tensor, count: int, height: int) -> Tensor:
    """(M, 3, height, W): the spectrograms of the first groups, one below the other."""
    num_frequencies = torch.tensor([grey_MCQW.shape[2]], device=grey_MCQW.device)
    bands = []
    for group, high in enumerate(band_heights(count, height)):
        (weights_HQ,) = stretching_weights(num_frequencies, grey_MCQW.shape[2], high)
        bands.append(torch.einsum("mcqw,hq->mchw", grey_MCQW[:, _RGB * group : _RGB * (group + 1)], weights_HQ))
    return _shrunk(torch.cat(bands, dim=2).clamp(0, 1), height)


def _shrunk(picture_MCHW: Tensor, height: int) -> Tensor:
    """As high as it is to be: more groups than rows are drawn in a row each, and shrunk."""
    rows = picture_MCHW.shape[2]
    if rows == height:
        return picture_MCHW
    (weights_HR,) = stretching_weights(torch.tensor([rows], device=picture_MCHW.device), rows, height)
    return torch.einsum("mcrw,hr->mchw", picture_MCHW, weights_HR)


def band_heights(count: int, height: int) -> list[int]:
    """Rows of each of so many bands, one below the other; of more bands than rows a row each."""
    rows = max(height, count)
    edges = [round(rows * index / count) for index in range(count + 1)]
    return [end - first for first, end in pairwise(edges)]
