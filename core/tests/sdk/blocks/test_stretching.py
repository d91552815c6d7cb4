"""Series of different lengths, stretched together."""

import pytest
import torch
from torch.nn.functional import interpolate

from mt_core.sdk.blocks import stretching_weights


@pytest.mark.parametrize("pixels", [3, 16, 50])
def test_each_series_is_stretched_as_by_itself(pixels):
    lengths = torch.tensor([40, 17, 3, 1])
    series = torch.randn(4, 2, 40, generator=torch.Generator().manual_seed(0))
    stretched = torch.einsum("mcl,mwl->mcw", series, stretching_weights(lengths, 40, pixels))
    for row, length in enumerate(lengths.tolist()):
        alone = interpolate(series[row, :, None, :length][None], (1, pixels), mode="bilinear", antialias=True)
        torch.testing.assert_close(stretched[row], alone[0, :, 0], atol=2e-5, rtol=0)


def test_series_are_stretched_over_widths_of_their_own():
    weights = stretching_weights(torch.tensor([4, 9]), 9, 12, torch.tensor([6, 12]))
    torch.testing.assert_close(weights[0, :6, :4], stretching_weights(torch.tensor([4]), 4, 6)[0])
    torch.testing.assert_close(weights[1], stretching_weights(torch.tensor([9]), 9, 12)[0])
