"""Files and pictures in memory to one channel, one format a file."""

from mt_plugin_xray.reading.opening import SUFFIXES, Film, read_film

__all__ = ["SUFFIXES", "Film", "read_film"]
