"""Files, folders of frames and arrays to the frames that are needed, one kind a file."""

from mt_plugin_video.reading.decoding import SUFFIXES
from mt_plugin_video.reading.frames import FRAME_SUFFIXES
from mt_plugin_video.reading.opening import read_video

__all__ = ["FRAME_SUFFIXES", "SUFFIXES", "read_video"]
