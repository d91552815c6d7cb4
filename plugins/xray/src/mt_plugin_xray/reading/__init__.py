"""Files and pictures in memory to one channel, one format a file."""

from mt_plugin_xray.reading.opening import SUFFIXES, Film, dicom_facts, read_film

__all__ = ["SUFFIXES", "Film", "dicom_facts", "read_film"]
