"""DICOM files to what a reader of films sees.  H and W pixels.

Of the header, only the elements that say how the pixels are stored and shown are parsed; all others, personal ones
among them, are passed over by their length. What pydicom says of a damaged file may quote it, so that only the kind of
its error is told.

The way from stored value to shown grey: modality table or rescale, then the first VOI table or window, then MONOCHROME1
turned over, in that order. Sources: DICOM PS3.4, annex N.2; PS3.3, C.11.1 and C.11.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError, MissingDependencyError, MtError
from mt_core.sdk import MAX_PIXELS, luminance, too_large_error
from mt_plugin_xray.grey import Grey, by_table, by_window, clipped, stretched

Result = TypeVar("Result")

_PREAMBLE = 128

_PIXELS_GROUP = 0x7FE0

_NEEDED = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "PixelRepresentation",
    "RescaleIntercept",
    "RescaleSlope",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
)

_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")

_BY_GDCM = (
    "1.2.840.10008.1.2.4.57",  # JPEG lossless
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",  # JPEG-LS
    "1.2.840.10008.1.2.4.81",
)


@dataclass(frozen=True)
class _Stored:
    """What a header says, checked."""

    frame: int
    is_grey: bool
    is_inverted: bool


def is_dicom(file: BinaryIO) -> bool:
    """Whether a file begins as DICOM files do; it is at its start again afterwards."""
    first = file.read(_PREAMBLE + 4)
    file.seek(0)
    return first[_PREAMBLE:] == b"DICM"


def is_dataset(source: Any) -> bool:
    """Whether this is a dataset of pydicom's, without importing it."""
    return type(source).__module__.startswith("pydicom.")


def grey_of_file(file: BinaryIO, name: str) -> Grey:
    """(H, W, 1) within 0..1, from a file at its start.

    Raises:
        InputError: damaged, without pixels, in a way of storing them that no radiograph uses, or too large.
        MissingDependencyError: compressed in a way that needs another package.
    """
    header, syntax = _quiet(name, lambda: _header(file, name))
    return _grey(header, syntax, file, name)


def grey_of_dataset(dataset: Any, name: str) -> Grey:
    """(H, W, 1) within 0..1, from a pydicom dataset; raises as `grey_of_file`."""
    return _grey(dataset, _quiet(name, lambda: _syntax(dataset.file_meta)), dataset, name)


def _grey(header: Any, syntax: Any, source: Any, name: str) -> Grey:
    stored = _quiet(name, lambda: _checked(header, name))
    _check_decoder(syntax, name)

    def decoded() -> NDArray[Any]:
        from pydicom.pixels.utils import pixel_array

        return pixel_array(source, index=stored.frame)

    values = _quiet(name, decoded, f"its pixels ({_called(syntax)}) cannot be decoded")
    shown = _quiet(name, lambda: _shown(values, header, stored))
    if not np.isfinite(shown).all():
        raise InputError(
            f"{name} has greys that are not finite numbers, by its rescaling or its table", fix="export it again"
        )
    return shown


def _quiet(name: str, step: Callable[[], Result], what: str = "it cannot be read as DICOM") -> Result:
    """What a step gives; of what pydicom raises, the kind of error is told, and nothing else of it is kept."""
    try:
        return step()
    except (MtError, ModuleNotFoundError):
        raise
    except Exception as error:
        kind = type(error).__name__
    raise InputError(  # outside of the except, so that it does not hold pydicom's error
        f"{name} is damaged or incomplete: {what} ({kind})",
        fix="check that the file is whole and that a viewer shows it, or save it again uncompressed",
    )


def _syntax(meta: Any) -> Any:
    from pydicom.uid import UID

    return UID(str(meta["TransferSyntaxUID"].value))


def _called(syntax: Any) -> str:
    """The name of a registered transfer syntax; what a header says in its place is not repeated."""
    from pydicom.uid import AllTransferSyntaxes

    return str(syntax.name) if syntax in AllTransferSyntaxes else "stored in an unknown way"


def _header(file: BinaryIO, name: str) -> tuple[Any, Any]:
    """The elements that are needed, and the transfer syntax; the file is at its start again afterwards."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.filereader import read_dataset
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    file.seek(_PREAMBLE + 4)
    meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, *_: tag.group != 2)
    syntax = _syntax(meta)
    if syntax == DeflatedExplicitVRLittleEndian:  # pydicom would inflate all of it, however much it is
        raise InputError(
            f"{name} is deflated as a whole, and could unpack to any size",
            fix="save it again uncompressed, for instance by dcmtk's dcmconv +te",
        )
    header = read_dataset(
        file,
        is_implicit_VR=syntax.is_implicit_VR,
        is_little_endian=syntax.is_little_endian,
        stop_when=lambda tag, *_: tag.group >= _PIXELS_GROUP,
        specific_tags=[tag for keyword in _NEEDED if (tag := tag_for_keyword(keyword)) is not None],
    )
    has_pixels = bool(file.read(1))
    file.seek(0)
    if not has_pixels:
        raise InputError(
            f"{name} is a DICOM file without pixels", fix="give the picture itself, not a report or a directory of some"
        )
    return header, syntax


def _checked(header: Any, name: str) -> _Stored:
    """Size and kind, before anything is decoded."""
    if header.get("Rows") is None or header.get("Columns") is None:
        raise InputError(f"{name} is a DICOM file of something else than a picture", fix="give the picture itself")
    rows, columns, samples = int(header.Rows), int(header.Columns), int(header.get("SamplesPerPixel") or 1)
    frames = int(header.get("NumberOfFrames") or 1)
    if rows < 1 or columns < 1 or frames < 1 or samples not in (1, 3):
        raise InputError(
            f"{name} has no pixel: {rows} x {columns}, {samples} samples, {frames} frames", fix="export it again"
        )
    if rows * columns > MAX_PIXELS:
        raise too_large_error(name)
    photometric = str(header.get("PhotometricInterpretation", ""))
    is_grey = photometric in ("MONOCHROME1", "MONOCHROME2") and samples == 1
    if not is_grey and not (photometric in _COLOURS and samples == 3):
        what = "a palette of colours" if photometric == "PALETTE COLOR" else "neither grey nor RGB"
        raise InputError(f"{name} is not a radiograph: its pixels are {what}", fix="save it as MONOCHROME2 or as PNG")
    return _Stored(frames // 2, is_grey, photometric == "MONOCHROME1")


def _check_decoder(syntax: Any, name: str) -> None:
    def is_available() -> bool:
        from pydicom.pixels.decoders.base import get_decoder

        return bool(get_decoder(syntax).is_available)

    if not _quiet(name, is_available, f"it is not a still picture ({_called(syntax)})"):
        raise MissingDependencyError(
            f"{name} is compressed as {_called(syntax)}, which needs another package",
            fix="pip install 'mt-plugin-xray[codecs]'"
            if syntax in _BY_GDCM
            else "save it again uncompressed, or install what pydicom's documentation names for it",
        )


def _shown(values: NDArray[Any], header: Any, stored: _Stored) -> Grey:
    """(H, W, 1) within 0..1, bright where little passed through."""
    if not stored.is_grey:
        return luminance(values).astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
    values = values[..., None]
    if header.get("ModalityLUTSequence"):
        values, _ = by_table(values, header.ModalityLUTSequence[0])
    else:
        slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
        values = values * np.float64(1 if slope is None else slope) + np.float64(0 if intercept is None else intercept)
    shown = _by_voi(values, header)
    if shown is None or shown.max() == 0 or shown.min() == 1:  # no window, or one in which there is nothing
        shown = stretched(values)
    return 1 - shown if stored.is_inverted else shown


def _by_voi(values: NDArray[Any], header: Any) -> Grey | None:
    """Through the first of the file's tables or windows; None where it has none that is usable."""
    if header.get("VOILUTSequence"):
        entries, bits = by_table(values, header.VOILUTSequence[0])
        return clipped(entries / (2**bits - 1))
    centre, width = (_first(header.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
    function = str(header.get("VOILUTFunction") or "LINEAR")
    return by_window(values, centre, width, function)


def _first(number: Any) -> float | None:
    """Of several windows, the first."""
    if number is None or isinstance(number, str):
        return None
    several = number if hasattr(number, "__len__") else [number]
    return float(several[0]) if len(several) else None
