"""Clouds from files and from objects in memory; one file a family of formats."""

from mt_plugin_pointcloud.readers.reading import FORMATS, read_cloud

__all__ = ["FORMATS", "read_cloud"]
