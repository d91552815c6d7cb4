"""Every promise that a plugin makes."""

import pytest

from mt_core.conformance import conformance

test_timeseries = conformance("timeseries")
test_timeseries_drawn = pytest.mark.slow(conformance("timeseries", options={"view": "picture"}))
