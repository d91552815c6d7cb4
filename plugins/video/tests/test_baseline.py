"""A mean frame and the mean motion."""

import numpy as np
import torch

from mt_plugin_video.baseline import VideoBaseline
from mt_plugin_video.tokenizer import VideoOptions, VideoTokenizer


def features(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    torch.manual_seed(0)
    tokenizer = VideoTokenizer(8, VideoOptions(size=32, patch=8, frames=4, tubelet=2))
    vector = VideoBaseline(tokenizer).features(tokenizer.read(frames))
    assert vector.shape == (2 * 3 * 32 * 32,)
    return vector[:3072], vector[3072:]


def test_a_still_film_does_not_move_and_is_its_own_mean() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    mean, motion = features(np.stack([frame] * 4))
    assert not motion.any() and np.allclose(mean.reshape(3, 32, 32), np.moveaxis(frame, 2, 0) / 255, atol=0.01)


def test_a_film_that_flickers_moves_by_its_difference() -> None:
    frames = np.zeros((4, 32, 32, 3), np.uint8)
    frames[1::2] = 255
    mean, motion = features(frames)
    assert np.allclose(mean, 0.5, atol=0.01) and np.allclose(motion, 1, atol=0.01)
