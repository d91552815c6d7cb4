import numpy as np

from mt_core.sdk import Moments


def test_moments_of_parts_are_those_of_the_whole_however_far_from_zero():
    rows = np.random.default_rng(0).normal(1e6, [1, 1e-3], size=(1000, 2))
    moments = Moments()
    for part in np.array_split(rows, [1, 7, 500]):
        moments.add(part)
    assert moments.count == 1000
    np.testing.assert_allclose(moments.mean, rows.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.std, rows.std(0), rtol=1e-6)


def test_no_rows_have_no_deviation():
    assert Moments().count == 0 and Moments().std == 0
