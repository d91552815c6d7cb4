"""The folders and lists that public data sets of videos ship as, one kind a file."""

from mt_plugin_video.layouts.kinetics import find_kinetics
from mt_plugin_video.layouts.lists import find_lists
from mt_plugin_video.layouts.ucf101 import find_ucf101

__all__ = ["find_kinetics", "find_lists", "find_ucf101"]
