"""Clouds from files and from objects in memory; one file a family of formats."""

from mt_plugin_pointcloud.reading.opening import SUFFIXES, read_cloud

__all__ = ["SUFFIXES", "read_cloud"]
