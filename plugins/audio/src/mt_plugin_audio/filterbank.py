"""Log-mel energies by Kaldi's conventions.  T samples, F frames, M mel bins, K bins of the Fourier transform."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from mt_plugin_audio.waveform import RATE_HZ, Samples

WINDOW, HOP = RATE_HZ * 25 // 1000, RATE_HZ * 10 // 1000
"""Samples in a window, 25 ms, and between neighbouring ones, 10 ms."""

_TRANSFORM = 512  # the next power of two
_PREEMPHASIS = 0.97
_LOWEST_HZ = 20.0
_FLOOR = float(torch.finfo(torch.float32).eps)


def num_frames(num_samples: int) -> int:
    """F for a recording of T samples: a frame begins every 10 ms, and a rest of 5 ms or more is one more."""
    return max(1, (num_samples + HOP // 2) // HOP)


def log_mel(samples: Samples, bins: int = 128) -> Tensor:
    """Natural logarithms of the energies in triangular bands, spaced evenly in mel from 20 Hz to 8 kHz.

    Each window of 25 ms loses its mean, is pre-emphasised by 0.97, multiplied by a Hamming window and transformed; no
    dither. Frame i is centred on 10 i + 5 ms (Kaldi's `snip_edges=false`) and the edges are mirrored, so that every
    sample is within a frame. A band without energy, and one too narrow to hold a line of the transform, has
    log(1.2e-7) = -15.9.

    Args:
        samples: (T,) at 16 kHz; fewer than 5 ms are followed by silence.

    Returns:
        (F, M) float32, `num_frames(T)` rows.

    Source: Kaldi, `feat/feature-window.cc` and `feat/mel-computations.cc`; the settings are those of Gong et al. 2021
    (AST), arXiv:2104.01778, section 2.1.
    """
    count = num_frames(len(samples))
    padded = np.pad(samples, (0, max(0, HOP // 2 - len(samples))))
    before = (WINDOW - HOP) // 2
    after = max(0, (count - 1) * HOP + WINDOW - before - len(padded))
    mirrored = torch.from_numpy(np.pad(padded, (before, after), mode="symmetric"))
    frames_FT = mirrored.unfold(0, WINDOW, HOP)[:count]
    frames_FT = frames_FT - frames_FT.mean(1, keepdim=True)
    previous_FT = torch.cat([frames_FT[:, :1], frames_FT[:, :-1]], dim=1)
    frames_FT = (frames_FT - _PREEMPHASIS * previous_FT) * torch.hamming_window(WINDOW, periodic=False)
    power_FK: Tensor = torch.fft.rfft(frames_FT, _TRANSFORM).abs().square()
    return (power_FK @ mel_bands(bins)).clamp(min=_FLOOR).log()


@cache
def mel_bands(bins: int) -> Tensor:
    """(K, M) triangular weights of the Fourier lines in each band."""
    lowest, highest = _mel(torch.tensor([_LOWEST_HZ, RATE_HZ / 2], dtype=torch.float64)).tolist()
    edges = torch.linspace(lowest, highest, bins + 2, dtype=torch.float64)
    left_M, centre_M, right_M = edges[:-2], edges[1:-1], edges[2:]
    lines_K1 = _mel(torch.arange(_TRANSFORM // 2 + 1, dtype=torch.float64) * RATE_HZ / _TRANSFORM)[:, None]
    rising_KM = (lines_K1 - left_M) / (centre_M - left_M)
    falling_KM = (right_M - lines_K1) / (right_M - centre_M)
    return torch.minimum(rising_KM, falling_KM).clamp(min=0).float()


def centres_hz(bins: int) -> Tensor:
    """(M,) the middle of each band."""
    lowest, highest = _mel(torch.tensor([_LOWEST_HZ, RATE_HZ / 2], dtype=torch.float64)).tolist()
    centres_M = torch.linspace(lowest, highest, bins + 2, dtype=torch.float64)[1:-1]
    return (700 * (torch.exp(centres_M / 1127) - 1)).float()


def edges_hz(bins: int) -> Tensor:
    """(M + 1,) where bands end and the next ones begin: half-way in mel between their middles."""
    lowest, highest = _mel(torch.tensor([_LOWEST_HZ, RATE_HZ / 2], dtype=torch.float64)).tolist()
    half = (highest - lowest) / (bins + 1) / 2
    edges = torch.linspace(lowest + half, highest - half, bins + 1, dtype=torch.float64)
    return (700 * (torch.exp(edges / 1127) - 1)).float()


def _mel(frequencies_hz: Tensor) -> Tensor:
    return 1127 * torch.log1p(frequencies_hz / 700)
