"""Every promise that a plugin makes."""

import pytest

from mt_core.conformance import conformance

test_audio = conformance("audio")
test_audio_drawn = pytest.mark.slow(conformance("audio", options={"view": "picture", "picture_seconds": 0.3}))
