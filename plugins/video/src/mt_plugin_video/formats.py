"""Which files are taken for videos, and which for frames of one."""

from __future__ import annotations

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")
"""Lower-case endings of video files, the same as in plugin.toml. Folders are listed by them; a file is read by its
content, whatever it is called."""

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Lower-case endings of the pictures in a folder of frames."""

FRAME_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
"""The same, as Pillow calls them."""

DEMUXERS = "mov,matroska,avi,gif"
"""The containers that FFmpeg may open. It knows others that fetch what a file names from elsewhere (playlists)."""

FORMATS = " ".join(SUFFIXES)
