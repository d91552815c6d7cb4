"""Every promise that a plugin makes."""

from mt_core.conformance import conformance

test_pointcloud = conformance("pointcloud")
