"""Files that are often met among pictures and are none: what they are, and what to do with them."""

from __future__ import annotations

import re

_BY_START = {
    b"%PDF": ("a PDF document", "save its pages as pictures, for instance by pdftoppm -png"),
    b"8BPS": ("a Photoshop document", "save it as PNG or TIFF"),
    b"II*\0": ("a TIFF picture", "save it as PNG"),
    b"MM\0*": ("a TIFF picture", "save it as PNG"),
    b"%!PS": ("a PostScript drawing", "draw it into a PNG first"),
    b"version https://git-lfs": ("a Git LFS pointer, not the file itself", "fetch the files, by git lfs pull"),
    b"SIMPLE  =": ("a FITS file of astronomy", "save its picture as TIFF"),
    b"v/1\x01": ("an OpenEXR picture", "save it as TIFF of floats, or as PNG"),
    b"#?RADIANCE": ("a Radiance HDR picture", "save it as TIFF of floats, or as PNG"),
    b"\xff\x0a": ("a JPEG XL picture", "save it as JPEG or PNG"),
    b"\0\0\0\x0cJXL ": ("a JPEG XL picture", "save it as JPEG or PNG"),
    b"\0\0\1\0": ("an icon", "save it as PNG"),
    b"PK\3\4": ("a ZIP archive", "unpack it"),
    b"\x1f\x8b": ("packed by gzip", "unpack it"),
    b"Rar!": ("a RAR archive", "unpack it"),
    b"MZ": ("a program", "leave it out"),
    b"FUJIFILMCCD-RAW": ("the raw file of a camera", "develop it, for instance to JPEG or TIFF"),
    b"BPG\xfb": ("a BPG picture", "save it as PNG"),
    b"glTF": ("a 3-D model", "leave it out"),
    b"\x89HDF": ("an HDF5 file", "save its picture as TIFF or PNG"),
    b"\x93NUMPY": ("a NumPy array", "load it by numpy.load and pass the array"),
}

_BY_MARK = (
    (
        re.compile(rb"<svg[\s>]", re.IGNORECASE),
        ("an SVG drawing", "draw it into a PNG first, for instance by rsvg-convert"),
    ),
    (re.compile(rb"<!doctype html|<html[\s>]", re.IGNORECASE), ("a web page", "download the file itself")),
    (re.compile(rb"\A\s*[{\[]\s*[\"{\[]"), ("JSON text", "download the file itself")),
    (
        re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?[,;\t ]+){3}"),
        ("a table of numbers in text", "load it, for instance by numpy.loadtxt with its delimiter, and pass the array"),
    ),
)

_HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")

LOOKED_AT = 4096
"""Bytes at a file's start by which it is known."""


def stranger(start: bytes) -> tuple[str, str] | None:
    """What a file is that begins so, and what to do with it; None where that is not known.

    Args:
        start: Its first `LOOKED_AT` bytes.
    """
    for mark, told in _BY_START.items():
        if start.startswith(mark):
            return told
    if start[4:8] == b"ftyp":
        return _by_brand(start[8:12])
    if start and not start.strip(b"\0"):
        return "full of zeros, as after a broken download or copy", "copy or download it again"
    text = start.replace(b"\0", b"") if start.startswith((b"\xff\xfe", b"\xfe\xff")) else start
    return next((told for mark, told in _BY_MARK if mark.search(text)), None)


def _by_brand(brand: bytes) -> tuple[str, str] | None:
    """Source: ISO/IEC 14496-12 and 23008-12, the `ftyp` box."""
    if brand in (b"avif", b"avis"):  # known to Pillow: then it is damaged
        return None
    if brand in _HEIC:
        return "a HEIC picture", "save it as JPEG or PNG"
    if brand == b"crx ":
        return "the raw file of a camera", "develop it, for instance to JPEG or TIFF"
    return "a video", "take a frame of it"
