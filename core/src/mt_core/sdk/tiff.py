"""TIFF files by tifffile, for the plugins that depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from mt_core.contract import name_of
from mt_core.errors import MissingDependencyError
from mt_core.sdk.quiet import quiet


@contextmanager
def open_tiff(source: str | Path | bytes | BinaryIO, *, codecs: str, name: str = "") -> Iterator[Any]:
    """A `tifffile.TiffFile`, which shows and logs nothing; decode its pages within the `with`.

    Args:
        source: A path, the bytes of a file, or an open file.
        codecs: What to install for compressions that need imagecodecs: "mt-plugin-infrared[codecs]".
        name: How it is called in messages; by default its path.

    Raises:
        MissingDependencyError: a page whose compression needs imagecodecs is decoded, and it is not installed.
    """
    import tifffile

    with quiet("tifffile"), tifffile.TiffFile(BytesIO(source) if isinstance(source, bytes) else source) as file:
        try:
            yield file
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            raise MissingDependencyError(
                f"{name or name_of(source)} is a TIFF file with a compression that needs the package 'imagecodecs'",
                fix=f"pip install '{codecs}', or save it uncompressed",
            ) from None
