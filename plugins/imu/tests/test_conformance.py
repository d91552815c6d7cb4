"""Every promise that a plugin makes."""

import pytest

from mt_core.conformance import conformance

test_imu = conformance("imu")
test_imu_drawn = pytest.mark.slow(conformance("imu", options={"view": "picture", "window": 64}))
