"""Files that are often met among videos and are not read: what they are, and what to do with them."""

from __future__ import annotations

from pathlib import Path

from mt_core.sdk import first_bytes
from mt_core.sdk import stranger as stranger_among_pictures

_CONVERT = "put it into another container, without loss: ffmpeg -i IN -c copy OUT.mkv"

_BY_START = {
    b"FLV\1": "a Flash video",
    b"\x30\x26\xb2\x75": "a Windows Media video",
    b"OggS": "an Ogg file",
    b"\0\0\1\xba": "an MPEG program stream",
    b"\0\0\1\xb3": "a bare MPEG video",
    b"\0\0\0\1": "a bare H.264 or H.265 stream",
    b".RMF": "a RealMedia video",
    b"DKIF": "an IVF video",
}

_TS_PACKET = 188


def stranger(source: str | Path | bytes) -> tuple[str, str] | None:
    """What a file is and what to do with it; None where that is not known."""
    start = first_bytes(source, 4096)
    for mark, kind in _BY_START.items():
        if start.startswith(mark):
            return kind, _CONVERT
    if start[:1] == b"\x47" and start[_TS_PACKET : _TS_PACKET + 1] == b"\x47":
        return "an MPEG transport stream", _CONVERT
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "a WebP picture", "convert it to a GIF or a video, for instance by ImageMagick"
    if start.startswith(b"RIFF") and start[8:12] == b"WAVE":
        return "a sound recording", "use mt-plugin-audio"
    if start.startswith(b"\x89PNG") or start.startswith(b"\xff\xd8\xff"):
        return "a picture", "use mt-plugin-image, or name the folder whose pictures are the frames of one video"
    return None if start[4:8] == b"ftyp" else stranger_among_pictures(start)
