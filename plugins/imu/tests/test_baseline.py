"""Statistics of the axes at one rate."""

import numpy as np
import torch

from mt_plugin_imu.baseline import ImuBaseline
from mt_plugin_imu.recording import make_recording
from mt_plugin_imu.tokenizer import ImuTokenizer


def test_the_same_movement_at_twice_the_rate_has_nearly_the_same_statistics() -> None:
    torch.manual_seed(0)
    tokenizer = ImuTokenizer(8, ImuTokenizer.Options.parse({"rate_hz": 50}))
    seconds = np.arange(0, 4, 0.01)
    fast = np.stack([np.sin(2 * np.pi * 2 * seconds), 3 + np.cos(2 * np.pi * seconds)], axis=1)
    both = (make_recording(fast, 100, "fast"), make_recording(fast[::2], 50, "slow"))
    first, second = (ImuBaseline(tokenizer).features(each) for each in both)
    assert len(first) == 22 and np.allclose(first, second, atol=0.1)
