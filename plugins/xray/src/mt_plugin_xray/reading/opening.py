"""Radiographs to one channel, bright where little passed through.  H and W pixels.

Only pixels leave: no header field, no text chunk, no comment of a file is returned or told in a message.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_core.sdk import as_standard_pixels, declared_suffixes, luminance, open_picture, picture_to_array, quiet, shrink
from mt_plugin_xray.grey import stretched
from mt_plugin_xray.reading.dicom import grey_of_dataset, grey_of_file, is_dataset, is_dicom, size_of_file

SUFFIXES = declared_suffixes("mt_plugin_xray")

Film = NDArray[Any]
"""(H, W, 1): uint8, or float32 within 0..1."""

_FORMATS = ("PNG", "JPEG")


def read_film(source: Any, needed: int) -> Film:
    """One radiograph.

    Args:
        source: A path, the bytes of a file, a pydicom dataset, a PIL image, a numpy array (H, W) or (H, W, C), or a
            torch tensor (H, W) or (C, H, W). Of several frames, the middle one is read.
        needed: Pixels that the shorter side should keep at least, where it has them.

    Returns:
        (H, W, 1), averaged until the shorter side is less than twice `needed`. 8-bit pictures stay 8-bit; DICOM is
        shown as `dicom.py` says; 16-bit pictures, and floats outside 0..1, go from their 1st percentile (0) to their
        99th (1), since nothing tells how many of the bits are used. What it returns it takes as it is.

    Raises:
        InputError: no radiograph, damaged, empty, NaN or infinite, or more than `MAX_PIXELS`.
        MissingDependencyError: a DICOM file whose compression needs another package.
    """
    name = name_of(source)
    with reading(source, formats=" ".join(SUFFIXES)), quiet("pydicom"):  # what it says may quote the header
        if isinstance(source, bytes):
            film = _from_file(BytesIO(source), source, name, needed)
        elif isinstance(source, str | Path):
            with Path(source).open("rb") as file:
                film = _from_file(file, source, name, needed)
        elif is_dataset(source):
            film = grey_of_dataset(source, name)
        else:
            film = _film(as_standard_pixels(source, name))
        return shrink(film, needed)


def dicom_facts(path: str | Path) -> dict[str, Any]:
    """Size and kind of pixels of a DICOM file; {} of another one."""
    with Path(path).open("rb") as file, quiet("pydicom"):
        return size_of_file(file, name_of(path)) if is_dicom(file) else {}


def _from_file(file: BinaryIO, source: str | Path | bytes, name: str, needed: int) -> Film:
    if is_dicom(file):
        return grey_of_file(file, name)
    try:
        picture = open_picture(source, _FORMATS, SUFFIXES)
    except InputError:
        if not name.lower().endswith((".dcm", ".dicom")):
            raise
        raise InputError(
            f"{name} is not a DICOM file: the letters DICM do not stand after its first 128 bytes, nor does it begin "
            "with an element",
            fix="check that it is whole; dcmtk's dcmconv gives an old file without that header one",
        ) from None
    with picture:
        picture.draft(None, (needed, needed))  # a large JPEG is decoded at 1/2, 1/4 or 1/8
        return _film(picture_to_array(picture))


def _film(values_HWC: NDArray[Any]) -> Film:
    """Colours to their luminance, transparent pixels laid on black, any numbers to uint8 or 0..1."""
    grey = luminance(values_HWC) if values_HWC.shape[2] >= 3 else values_HWC[..., :1]
    if values_HWC.shape[2] in (2, 4) and grey.dtype != np.float32:
        opacity = values_HWC[..., -1:] / np.float32(np.iinfo(grey.dtype).max)
        grey = np.rint(grey * opacity).astype(grey.dtype)
    if grey.dtype == np.uint8 or (grey.dtype == np.float32 and 0 <= grey.min() <= grey.max() <= 1):
        return np.ascontiguousarray(grey)
    return stretched(grey)
