"""Every promise that a plugin makes."""

import pytest

from mt_core.conformance import conformance

test_graph = conformance("graph")
test_graph_drawn = pytest.mark.slow(conformance("graph", options={"view": "picture"}))
