"""JPEG files in which a thermal camera keeps its measurement beside the picture that it shows.

Source: ExifTool, tag tables FLIR (APP1 segments that begin with FLIR) and DJI (APP3 raw data, APP4, APP5 calibration).
"""

from __future__ import annotations

_APP1, _APP3, _APP4 = 0xE1, 0xE3, 0xE4

_START_OF_SCAN = 0xDA


def camera_of(start: bytes) -> str:
    """Whose radiometric JPEG begins so: "FLIR" or "DJI"; "" for any other file."""
    at = 2
    segments: list[tuple[int, bytes]] = []
    while start[:2] == b"\xff\xd8" and at + 4 <= len(start) and start[at] == 0xFF and start[at + 1] != _START_OF_SCAN:
        size = int.from_bytes(start[at + 2 : at + 4])
        segments.append((start[at + 1], start[at + 4 : at + 2 + size]))
        at += 2 + size
    if any(kind == _APP1 and content.startswith(b"FLIR\0") for kind, content in segments):
        return "FLIR"
    is_of_dji = any(kind == _APP1 and b"DJI" in content for kind, content in segments)
    return "DJI" if is_of_dji and any(kind in (_APP3, _APP4) for kind, _ in segments) else ""
