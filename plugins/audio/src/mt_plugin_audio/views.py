"""Recordings as pictures: the log-mel spectrogram, time across, low frequencies at the bottom.

B recordings, V pictures a recording, F frames of 10 ms, M mel bins, S side in pixels.

Source: Gong et al. 2021 (AST), arXiv:2104.01778, section 2: spectrograms through the patch embedding of an image model.
"""

from __future__ import annotations

import math

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from mt_core.sdk.blocks import stretching_weights

_RGB = 3


def draw_spectrogram(
    frames_BFM: Tensor, mask_BF: Tensor | None, *, size: int, frames: int, low: float, high: float
) -> Tensor:
    """Spectrograms as grey pictures.

    A recording shorter than a picture is stretched over its width; a longer one is cut into pictures of equal length,
    as few as there can be with no more than `frames` each.

    Args:
        frames_BFM: Log-mel energies.
        mask_BF: True where a frame is real; None: all are.
        size: S.
        frames: Frames of a picture, at most.
        low, high: The energies that are black and white.

    Returns:
        (B, V, 3, S, S) in 0..1, NaN where a recording has fewer than V pictures.
    """
    if mask_BF is not None and torch.compiler.is_compiling():
        return _levels(_stretched(frames_BFM, mask_BF, size, frames), low, high)
    lengths = [frames_BFM.shape[1]] * len(frames_BFM) if mask_BF is None else mask_BF.sum(1).tolist()
    counts = [max(1, math.ceil(length / frames)) for length in lengths]
    pictures_BVSS = frames_BFM.new_full((len(lengths), max(counts), size, size), torch.nan, dtype=torch.float32)
    for row, (length, count) in enumerate(zip(lengths, counts, strict=True)):
        plane_MF = rearrange(frames_BFM[row, :length].float(), "f m -> 1 1 m f").flip(2)
        # all pictures of a recording are one, count times as wide, cut
        wide = nn.functional.interpolate(plane_MF, (size, size * count), mode="bilinear", antialias=True)
        pictures_BVSS[row, :count] = rearrange(wide[0, 0], "h (v w) -> v h w", v=count)
    return _levels(pictures_BVSS, low, high)


def _levels(pictures_BVSS: Tensor, low: float, high: float) -> Tensor:
    levels_BVSS = ((pictures_BVSS - low) / (high - low)).clamp(0, 1)
    return repeat(levels_BVSS, "b v h w -> b v c h w", c=_RGB)


def _stretched(frames_BFM: Tensor, mask_BF: Tensor, size: int, frames: int) -> Tensor:
    """(B, V, S, S) the same without a look at how long recordings are, which a graph that is exported cannot take."""
    num_frames, bins = frames_BFM.shape[1:]
    views = (num_frames + frames - 1) // frames
    lengths_B = mask_BF.sum(1)
    counts_B = ((lengths_B + frames - 1) // frames).clamp_min(1)
    across_BWF = stretching_weights(lengths_B, num_frames, size * views, counts_B * size)
    (up_SM,) = stretching_weights(torch.tensor([bins], device=frames_BFM.device), bins, size)
    real_BFM = (frames_BFM.float() * mask_BF[..., None]).flip(2)
    wide_BSW = torch.einsum("bfm,bwf,sm->bsw", real_BFM, across_BWF, up_SM)
    pictures_BVSS = rearrange(wide_BSW, "b h (v w) -> b v h w", v=views)
    is_there_BV = torch.arange(views, device=frames_BFM.device) < counts_B[:, None]
    return torch.where(is_there_BV[..., None, None], pictures_BVSS, torch.nan)
