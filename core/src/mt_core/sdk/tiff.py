"""TIFF files by tifffile, for the plugins that depend on it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from mt_core.contract import name_of
from mt_core.errors import InputError, MissingDependencyError
from mt_core.sdk.quiet import quiet


@contextmanager
def open_tiff(source: str | Path | bytes | BinaryIO, *, codecs: str, name: str = "") -> Iterator[Any]:
    """A `tifffile.TiffFile`, which shows and logs nothing; decode its pages within the `with`.

    Args:
        source: A path, the bytes of a file, or an open file.
        codecs: What to install for compressions that need imagecodecs: "mt-plugin-infrared[codecs]".
        name: How it is called in messages; by default its path.

    Raises:
        InputError: its chain of pages comes back to an earlier one, and has no end.
        MissingDependencyError: a page whose compression needs imagecodecs is decoded, and it is not installed.
    """
    import tifffile

    with quiet("tifffile"), tifffile.TiffFile(BytesIO(source) if isinstance(source, bytes) else source) as file:
        _check_chain(file, name or name_of(source))
        try:
            yield file
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            raise MissingDependencyError(
                f"{name or name_of(source)} is a TIFF file with a compression that needs the package 'imagecodecs'",
                fix=f"pip install '{codecs}', or save it uncompressed",
            ) from None


def _check_chain(file: Any, name: str) -> None:
    """Follow the pages of a file, each of which says where the next is; tifffile would follow a ring for hours."""
    handle, form = file.filehandle, file.tiff
    offset, seen = file.pages.first.offset, set[int]()
    while 0 < offset < handle.size:
        if offset in seen:
            raise InputError(
                f"{name} is a damaged TIFF file: page {len(seen)} is followed by an earlier one",
                fix="save it again, or copy it again from where it came",
            )
        seen.add(offset)
        handle.seek(offset)
        count = handle.read(form.tagnosize)
        if len(count) < form.tagnosize:
            return
        handle.seek(offset + form.tagnosize + struct.unpack(form.tagnoformat, count)[0] * form.tagsize)
        following = handle.read(form.offsetsize)
        if len(following) < form.offsetsize:
            return
        offset = struct.unpack(form.offsetformat, following)[0]
