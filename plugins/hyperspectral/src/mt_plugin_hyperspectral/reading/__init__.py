"""Files and arrays to cubes, one format a file."""

from mt_plugin_hyperspectral.reading.envi import files_beside
from mt_plugin_hyperspectral.reading.opening import SUFFIXES, open_array, open_cube

__all__ = ["SUFFIXES", "files_beside", "open_array", "open_cube"]
