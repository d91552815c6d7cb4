"""Files, folders of frames and arrays to the frames that are needed, one kind a file."""

from mt_plugin_video.reading.opening import read_video

__all__ = ["read_video"]
