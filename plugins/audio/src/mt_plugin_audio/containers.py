"""Files of sound as recorders leave them: cut off, streamed, joined, with something in front.

What is found is stated as `Part`s that the decoder understands; nothing is decoded here.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from mt_plugin_audio.stitched import Part

_MOST_CHUNKS = 1000
_UNKNOWN_LENGTHS = (0, 0xFFFFFFFF)
_UNKNOWN_OF_RF64 = (0, 2**64 - 1)
_STREAMED = 0x7FFF0000
# libsndfile knows an MP3 by its tag, or by the name of its file
_EMPTY_ID3 = b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10)
_COUNTS = re.compile(b"(?:Xing|Info)\\x00\\x00\\x00")
_COUNTS_AT = (36, 21, 13)  # bytes from the begin of a frame: of MPEG 1 in stereo, its mono or MPEG 2, its mono
_SCANNED = 1 << 20
_FLAC_TOTAL = 21  # from here four bits, and then four bytes, count the samples

FOREIGN = (
    (4, b"ftyp", "an MPEG-4 file (M4A, AAC, ALAC)"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file (WMA)"),
    (0, b"#!AMR", "an AMR file"),
    (0, b"\x00\x05\x16\x07", "an AppleDouble file, which macOS writes beside another"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"MThd", "a MIDI file, which holds notes and no sound"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, whose file was not fetched"),
    (0, b"wvpk", "a WavPack file"),
    (0, b"\x1f\x8b", "packed by gzip"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"MAC ", "a Monkey's Audio file"),
)
"""Where what stands in files that are not read here, and what they are."""


@dataclass(frozen=True)
class Recordings:
    """What a file holds.

    Attributes:
        parts: Of each recording, one after the other; several where files were joined.
        promised: The samples that the header counts, where the parts no longer say it (FLAC); else None.
        note: What was taken otherwise than the file says, for the user; "" for nothing.
        rest: Bytes behind the sound that belong to nothing.
    """

    parts: list[list[Part]]
    promised: int | None = None
    note: str = ""
    rest: int = 0


def recordings_in(file: BinaryIO) -> Recordings:
    """The recordings of a file, with headers that say what it holds."""
    size = file.seek(0, os.SEEK_END)
    start = behind_id3(file)
    file.seek(start)
    magic = file.read(12)
    if start and magic[:4] not in (b"RIFF", b"RF64", b"RIFX", b"FORM", b"OggS", b"fLaC"):
        start = 0
    if magic[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return _riff(file, start, size, magic[:4])
    if magic[:4] == b"OggS":
        return Recordings([[link] for link in _links(file, start, size)])
    if magic[:4] == b"fLaC" and len(header := _at(file, start, 26)) == 26:
        promised = int.from_bytes(header[_FLAC_TOTAL:26], "big") & 0xFFFFFFFFF
        unknown = bytes([header[_FLAC_TOTAL] & 0xF0]) + bytes(4)
        return Recordings([[(start, start + _FLAC_TOTAL), unknown, (start + 26, size)]], promised=promised)
    file.seek(0)
    first = file.read(2)
    if is_sync(first) or first == b"ID":
        return Recordings([[_EMPTY_ID3, link] for link in _joined_mp3(file, size)])
    return Recordings([[(start, size)]])


def is_sync(start: bytes) -> bool:
    """Whether these two bytes begin an MPEG frame."""
    return len(start) >= 2 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0


def what_it_is(file: BinaryIO) -> str:
    """The kind of a file that is not read here; "" where it is not known."""
    head = _at(file, 0, 64)
    return next((what for place, mark, what in FOREIGN if head[place:].startswith(mark)), "")


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def behind_id3(file: BinaryIO) -> int:
    """Where the file begins behind a tag that players put in front of it."""
    header = _at(file, 0, 10)
    if len(header) < 10 or header[:3] != b"ID3" or max(header[6:10]) > 127:
        return 0
    length = 0
    for byte in header[6:10]:
        length = length << 7 | byte
    return 10 + length + (10 if header[5] & 0x10 else 0)


def _riff(file: BinaryIO, start: int, size: int, magic: bytes) -> Recordings:
    """A WAV, its length put right where its recorder did not know it or did not come to write it."""
    order = ">" if magic == b"RIFX" else "<"
    at = start + 12
    parts: list[Part] = []
    begun = start
    rest = 0
    for _ in range(_MOST_CHUNKS):
        header = _at(file, at, 8)
        if len(header) < 8:
            break
        name, length = header[:4], struct.unpack(f"{order}I", header[4:])[0]
        if name == b"ds64" and length >= 24 and int.from_bytes(_at(file, at + 16, 8), "little") in _UNKNOWN_OF_RF64:
            sound = _data_at(file, at, size)
            parts += [(begun, at + 8), struct.pack("<QQQ", size - start - 8, max(size - sound, 0), 0)]
            begun = at + 32
        if name == b"data":
            is_unknown = length in _UNKNOWN_LENGTHS and magic != b"RF64" and at + 8 < size
            if not is_unknown or (length == 0 and _are_chunks(file, at + 8, size, order)):
                end = at + 8 + length + length % 2
                if magic != b"RF64" and length < _STREAMED and not _are_chunks(file, end, size, order):
                    rest = max(size - end, 0)
                break
            there = min(size - at - 8, 0xFFFFFFFE)
            parts += [(begun, at + 4), struct.pack(f"{order}I", there), (at + 8, size)]
            note = "" if length else "a length of 0 in the header, as of a recorder that was cut off: read to the end"
            return Recordings([parts], note=note)
        behind = at + 8 + length
        if length % 2 and not _is_name(_at(file, behind + 1, 4)) and _is_name(_at(file, behind, 4)):
            parts += [(begun, behind), b"\0"]  # a chunk of odd length without the byte that fills it up
            begun = behind
            at = behind
        else:
            at = behind + length % 2
    return Recordings([[*parts, (begun, size)]], rest=rest)


def _data_at(file: BinaryIO, at: int, size: int) -> int:
    """Where the sound begins behind a chunk of an RF64."""
    for _ in range(_MOST_CHUNKS):
        header = _at(file, at, 8)
        if len(header) < 8:
            break
        if header[:4] == b"data":
            return at + 8
        length = struct.unpack("<I", header[4:])[0]
        at += 8 + length + length % 2
    return size


def _are_chunks(file: BinaryIO, at: int, size: int, order: str) -> bool:
    """Whether chunks and nothing else follow until the end of the file."""
    for _ in range(_MOST_CHUNKS):
        if at >= size:
            return True
        header = _at(file, at, 8)
        if len(header) < 8 or not _is_name(header[:4]):
            return False
        at += 8 + struct.unpack(f"{order}I", header[4:])[0]
        at += at % 2
    return False


def _next_page(file: BinaryIO, at: int, size: int) -> int:
    """Where the next page of an Ogg file begins, whatever stands between; the size of the file where there is none."""
    overlap = b""
    while chunk := _at(file, at, _SCANNED if overlap else 4):
        found = (overlap + chunk).find(b"OggS")
        if found >= 0:
            return at - len(overlap) + found
        at += len(chunk)
        overlap = chunk[-3:]
    return size


def _joined_mp3(file: BinaryIO, size: int) -> list[tuple[int, int]]:
    """Where the recordings of an MP3 begin and end: several where files were joined.

    Each begins with a frame that counts the others, and the decoder believes the first of them.
    """
    begins: list[int] = []
    place, rest = 0, b""
    file.seek(0)
    while chunk := file.read(_SCANNED):
        text = rest + chunk
        for match in _COUNTS.finditer(text):
            for behind in _COUNTS_AT:
                at = match.start() - behind
                if at >= 0 and is_sync(text[at : at + 2]):
                    begins.append(place - len(rest) + at)
                    break
        rest = text[-64:]
        place += len(chunk)
    edges = [0, *sorted(set(begins))[1:], size]
    return [(begin, end) for begin, end in pairwise(edges) if end > begin]


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _links(file: BinaryIO, start: int, size: int) -> Iterator[tuple[int, int]]:
    """Where the recordings of an Ogg file begin and end: several where streams were joined, as radio stations do.

    Source: RFC 3533, section 4: a chained stream begins with pages of its own that begin streams.
    """
    begun, at, was_first = start, start, True
    while (at := _next_page(file, at, size)) < size and len(header := _at(file, at, 27)) == 27:
        is_first = bool(header[5] & 2)
        if is_first and not was_first:
            yield begun, at
            begun = at
        was_first = is_first
        at += 27 + header[26] + sum(file.read(header[26]))
    yield begun, size
