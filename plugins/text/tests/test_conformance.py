"""Every promise that a plugin makes."""

import pytest

from mt_core.conformance import conformance

test_text = conformance("text")
test_text_drawn = pytest.mark.slow(conformance("text", options={"view": "picture"}))
