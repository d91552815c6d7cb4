"""Classical features of series and of pictures."""

import numpy as np
import torch
from PIL import Image

from mt_core.sdk import axis_statistics
from mt_core.sdk.blocks import PictureBaseline, PictureTokenizer
from mt_core.sdk.blocks.picture_baseline import oriented_gradients


def test_statistics_of_a_wave_are_those_of_the_formula():
    wave = 5 + 2 * np.sin(2 * np.pi * 10 * np.arange(2000) / 2000)
    found = axis_statistics(wave[:, None])
    mean, deviation, low, high, first, median, third, activity, largest, place, amplitude = found
    assert np.allclose([mean, median, low, high], [5, 5, 3, 7], atol=0.05)
    assert np.allclose([deviation, first, third], [np.sqrt(2), 5 - np.sqrt(2), 5 + np.sqrt(2)], atol=0.05)
    assert np.allclose([place, amplitude], [10 / 1000, 1])  # half of the height, on each side of zero
    assert np.allclose([activity, largest], [4 * 2 * 10 / 2000, 2 * 2 * np.pi * 10 / 2000], rtol=0.02)


def test_one_step_has_statistics_too():
    assert axis_statistics(np.array([[3.0, 4.0]])).tolist()[:4] == [3, 4, 0, 0]


def test_stripes_have_all_their_edges_in_one_direction_at_any_contrast():
    upright = torch.sin(torch.arange(64) / 2).expand(64, 64)
    for contrast in (1.0, 0.2):
        cells = oriented_gradients(contrast * upright)
        assert cells.shape == (8, 8, 9)
        assert torch.allclose(cells[..., 0].sum(), cells.sum())
        assert torch.allclose(cells, oriented_gradients(upright), rtol=0.05)
    lying = oriented_gradients(upright.T)
    assert lying[..., 0].sum() == 0 and torch.allclose(lying[..., 4] + lying[..., 5], lying.sum(-1))


class Squares(PictureTokenizer):
    def read(self, source):
        return np.asarray(source)


def test_pictures_of_any_size_have_as_many_features_and_their_levels_among_them():
    torch.manual_seed(0)
    baseline = PictureBaseline(Squares(8, Squares.Options.parse({"size": 32, "patch": 8})))
    red = np.zeros((20, 30, 3), np.uint8)
    red[..., 0] = 255
    vectors = [baseline.features(red), baseline.features(np.asarray(Image.new("RGB", (200, 100))))]
    assert {len(vector) for vector in vectors} == {8 * 8 * 9 + 3 * 16 + 3 * 16}
    levels = vectors[0][576 : 576 + 48].reshape(3, 16)
    assert levels[0, 15] == levels[1, 0] == levels[2, 0] == 1 and levels.sum() == 3
