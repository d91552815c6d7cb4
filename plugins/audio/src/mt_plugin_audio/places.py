"""The steps of a window of sound that are to be labelled, and when they are.  P steps."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mt_core.sdk import StepClock, StepPart, when
from mt_plugin_audio.filterbank import HOP
from mt_plugin_audio.waveform import RATE_HZ, Waveform


def places_of(window: Waveform, step_ms: int, stride: int) -> dict[str, Tensor]:
    """places (P, 1) float32, the middles of the steps in strides from patch to patch, and what `mt_core.sdk.when`
    gives: seconds since the beginning of the recording.

    Args:
        stride: Frames of 10 ms from patch to patch.
    """
    num_steps = max(1, round(len(window.samples) * 1000 / RATE_HZ / step_ms))
    part = window.part or StepPart(0, num_steps)
    stride_s = stride * HOP / RATE_HZ
    places_P = (np.arange(part.first, part.last) + 0.5) * (step_ms / 1000 / stride_s)
    edges = (part.at + np.arange(part.first, part.last + 1)) * (step_ms * 1000)
    end = part.at * step_ms * 1000 + len(window.samples) * 1_000_000 // RATE_HZ
    ends = np.maximum(np.minimum(edges[1:], end), edges[:-1])
    places_P1 = torch.from_numpy(places_P.astype(np.float32))[:, None]
    return {"places": places_P1, **when(edges[:-1], ends, StepClock.SECONDS, part.recording)}
