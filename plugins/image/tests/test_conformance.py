"""Every promise that a plugin makes."""

from mt_core.conformance import conformance

test_image = conformance("image")
