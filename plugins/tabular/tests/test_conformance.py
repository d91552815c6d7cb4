"""Every promise that a plugin makes."""

import pytest

from mt_core.conformance import conformance

test_tabular = conformance("tabular")
test_tabular_drawn = pytest.mark.slow(conformance("tabular", options={"view": "picture"}))
