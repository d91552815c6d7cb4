"""Every promise that a plugin makes."""

from mt_core.testing import conformance

test_xray = conformance("xray")
