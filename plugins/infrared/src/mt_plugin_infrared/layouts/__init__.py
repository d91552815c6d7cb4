"""The folders that public data sets of thermal pictures ship in, one kind a file."""

from mt_plugin_infrared.layouts.reidentification import find_regdb, find_sysu
from mt_plugin_infrared.layouts.solar_modules import find_solar_modules

__all__ = ["find_regdb", "find_solar_modules", "find_sysu"]
