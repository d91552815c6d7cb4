"""The same sound, heard again: what training changes in a recording.  T samples, F frames, M mel bins.

Everything is drawn from the generator it is given, so that an interrupted training goes on as it would have.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from mt_plugin_audio.waveform import RATE_HZ, Samples

_LARGEST_CUT = 0.1  # of the frames, where a shift moves the beginning out


def change_speed_and_gain(samples: Samples, speed: float, gain_db: float, generator: Generator) -> Samples:
    """(T',) up to a share `speed` faster or slower, the pitch with it, and up to `gain_db` louder or quieter.

    Source: Ko et al. 2015, Audio augmentation for speech recognition, Interspeech.
    """
    faster, louder = (2 * torch.rand(2, generator=generator) - 1).tolist()
    if speed:
        import soxr  # type: ignore[import-untyped,unused-ignore]

        changed = soxr.resample(samples, RATE_HZ * (1 + speed * faster), RATE_HZ, quality="MQ")
        samples = changed if len(changed) else samples
    return samples * samples.dtype.type(10 ** (gain_db * louder / 20))


def shift_start(frames_FM: Tensor, most: int, blank: float, generator: Generator) -> Tensor:
    """(F', M) begun up to `most` frames earlier, with blank ones, or later, by at most a tenth of what there is."""
    earlier = int(torch.randint(-most, most + 1, (), generator=generator))
    if earlier >= 0:
        return torch.cat([frames_FM.new_full((earlier, frames_FM.shape[1]), blank), frames_FM])
    return frames_FM[min(-earlier, int(len(frames_FM) * _LARGEST_CUT)) :]


def mask_spectrogram(frames_FM: Tensor, share: float, blank: float, generator: Generator) -> Tensor:
    """(F, M) with a stretch of time and a band of frequencies made blank, each up to a share of the whole.

    Source: Park et al. 2019 (SpecAugment), arXiv:1904.08779, section 2.
    """
    frames_FM = frames_FM.clone()
    for axis, length in enumerate(frames_FM.shape):
        extent, place = torch.rand(2, generator=generator).tolist()
        extent = int(length * share * extent)
        first = int((length - extent + 1) * place)
        frames_FM.narrow(axis, first, extent).fill_(blank)
    return frames_FM
