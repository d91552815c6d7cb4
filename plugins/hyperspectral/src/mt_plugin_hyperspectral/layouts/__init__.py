"""The folders that public scenes ship in, one kind a file."""

from mt_plugin_hyperspectral.layouts.pixel_table import find_pixel_table
from mt_plugin_hyperspectral.layouts.scene import find_scene
from mt_plugin_hyperspectral.layouts.spectra_table import find_spectra_table

__all__ = ["find_pixel_table", "find_scene", "find_spectra_table"]
