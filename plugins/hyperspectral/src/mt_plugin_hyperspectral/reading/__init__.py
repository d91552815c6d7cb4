"""Files and arrays to cubes, one format a file."""

from mt_plugin_hyperspectral.reading.opening import SUFFIXES, open_array, open_cube

__all__ = ["SUFFIXES", "open_array", "open_cube"]
