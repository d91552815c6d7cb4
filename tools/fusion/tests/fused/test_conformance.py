"""Every promise that a plugin makes, by the one that is made of others: a row of a table beside a picture."""

import pytest

from mt_core.conformance import conformance

test_fused = pytest.mark.slow(conformance("fused"))
