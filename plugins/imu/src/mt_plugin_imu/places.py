"""The steps of a window that are to be labelled, and when they are.  T steps of the window, P labelled ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mt_core.sdk import StepClock, StepPart, when
from mt_plugin_imu.recording import Recording


def places_of(window: Recording, num_steps: int) -> dict[str, Tensor]:
    """places (P, 1) float32, steps at the rate at which the window is looked at, and what `mt_core.sdk.when` gives:
    seconds since the beginning of the recording, or numbers of steps where its rate is not known.

    Args:
        num_steps: Of the window at that rate.
    """
    part = window.part or StepPart(0, len(window.values))
    steps_P = np.arange(part.first, part.last)
    places_P = (steps_P + 0.5) * (num_steps / len(window.values)) - 0.5
    edges = part.at + np.arange(part.first, part.last + 1)
    clock = StepClock.STEPS if window.rate is None else StepClock.SECONDS
    if window.rate is not None:
        edges = np.rint(edges * (1e6 / window.rate)).astype(np.int64)
    places_P1 = torch.from_numpy(places_P.astype(np.float32))[:, None]
    return {"places": places_P1, **when(edges[:-1], edges[1:], clock, part.recording)}
