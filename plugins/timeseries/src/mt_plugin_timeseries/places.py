"""The steps of a window that are to be labelled, and when they are.  T steps of the window, P labelled ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mt_core.sdk import StepClock, StepPart, when
from mt_plugin_timeseries.series import Series


def places_of(window: Series) -> dict[str, Tensor]:
    """places (P, 1) float32, steps after the newest one, and what `mt_core.sdk.when` gives: dates where the series has
    times, else numbers of steps from the beginning of the whole."""
    steps = len(window)
    part = window.part or StepPart(0, steps)
    chosen = slice(part.first, part.last)
    places_P = torch.arange(part.first, part.last, dtype=torch.float32) - (steps - 1)
    starts_T = window.times if window.times is not None else part.at + np.arange(steps)
    usual = int(np.median(np.diff(starts_T))) if steps > 1 else 1
    ends_T = np.append(starts_T[1:], starts_T[-1] + usual)
    clock = StepClock.STEPS if window.times is None else StepClock.DATES
    return {"places": places_P[:, None], **when(starts_T[chosen], ends_T[chosen], clock, part.recording)}
