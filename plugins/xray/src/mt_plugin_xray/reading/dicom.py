"""DICOM files to what a reader of films sees.  H and W pixels.

Of the header, only the elements that say how the pixels are stored and shown are parsed; all others, personal ones
among them, are passed over by their length. What pydicom says of a damaged file may quote it, so that only the kind of
its error is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DataWarning, InputError, MissingDependencyError, MtError
from mt_core.sdk import MAX_PIXELS, left_out, reinterpreted, too_large_error
from mt_plugin_xray.grey import Grey
from mt_plugin_xray.reading.bits import padding_of, shifted
from mt_plugin_xray.reading.showing import Stored, shown_as_film

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
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "PresentationLUTShape",
    "PixelAspectRatio",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)

_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")

_BY_GDCM = (
    "1.2.840.10008.1.2.4.57",  # JPEG lossless
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",  # JPEG-LS
    "1.2.840.10008.1.2.4.81",
)


def is_dicom(file: BinaryIO) -> bool:
    """Whether a file begins as DICOM files do, or as their elements do where the preamble was left out; it is at its
    start again afterwards."""
    first = file.read(_PREAMBLE + 4)
    file.seek(0)
    return first[_PREAMBLE:] == b"DICM" or _is_bare(first)


def _is_bare(first: bytes) -> bool:
    """Whether an element of group 2 or 8 stands at the very start: its tag, then its type in letters or its length."""
    if first[_PREAMBLE:] == b"DICM" or first[:2] not in (b"\2\0", b"\x08\0", b"\0\x08") or len(first) < 8:
        return False
    is_explicit = first[4:6].isalpha() and first[4:6].isupper()
    return is_explicit or (first[:1] != b"\0" and int.from_bytes(first[4:8], "little") <= 1024)


def is_dataset(source: Any) -> bool:
    """Whether this is a dataset of pydicom's, without importing it."""
    return type(source).__module__.startswith("pydicom.")


def grey_of_file(file: BinaryIO, name: str) -> Grey:
    """(H, W, 1) within 0..1, from a file at its start.

    Raises:
        InputError: damaged, without pixels, in a way of storing them that no radiograph uses, or too large.
        MissingDependencyError: compressed in a way that needs another package.
    """
    first = file.read(_PREAMBLE + 4)
    file.seek(0)
    if not _is_bare(first) and _quiet(name, lambda: "TransferSyntaxUID" in _meta(file)):
        header, syntax = _quiet(name, lambda: _header(file, name))
        return _grey(header, syntax, file, name)
    dataset = _quiet(name, lambda: _bare(file, name))
    return grey_of_dataset(dataset, name)


def size_of_file(file: BinaryIO, name: str) -> dict[str, Any]:
    """Size and kind of pixels, for `Tokenizer.file_facts`: of the header nothing else. The file is at its start.

    Raises:
        InputError: as `grey_of_file`.
    """
    header, _ = _quiet(name, lambda: _header(file, name))
    stored = _checked(header, name)
    facts = {"format": "DICOM", "width_px": int(header.Columns), "height_px": int(header.Rows)}
    return {**facts, "pixels": str(header.PhotometricInterpretation), "bits": stored.bits}


def grey_of_dataset(dataset: Any, name: str) -> Grey:
    """(H, W, 1) within 0..1, from a pydicom dataset; raises as `grey_of_file`."""
    return _grey(dataset, _quiet(name, lambda: _syntax(dataset.file_meta)), dataset, name)


def _grey(header: Any, syntax: Any, source: Any, name: str) -> Grey:
    stored = _quiet(name, lambda: _checked(header, name))
    _check_decoder(syntax, stored, name)

    def decoded() -> NDArray[Any]:
        from pydicom.pixels.utils import pixel_array

        if not stored.shift or syntax.is_compressed:
            return pixel_array(source, index=stored.frames // 2)
        return shifted(
            pixel_array(source, index=stored.frames // 2, correct_unused_bits=False), stored.shift, stored.bits
        )

    values = _quiet(name, decoded, f"its pixels ({_called(syntax)}) cannot be decoded")
    if stored.frames > 1:
        left_out(name, f"all but one of its {stored.frames} frames: the middle one is read")
    shown = _quiet(name, lambda: shown_as_film(values, header, stored, name))
    if not np.isfinite(shown).all():
        raise InputError(
            f"{name} has greys that are not finite numbers, by its rescaling or its table", fix="export it again"
        )
    return shown


def _quiet(name: str, step: Callable[[], Result], what: str = "it cannot be read as DICOM") -> Result:
    """What a step gives; of what pydicom raises, the kind of error is told, and nothing else of it is kept."""
    try:
        return step()
    except (MtError, ModuleNotFoundError, DataWarning):
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


def _meta(file: BinaryIO) -> Any:
    """The elements of group 2; the file is after them."""
    from pydicom.filereader import read_dataset

    file.seek(_PREAMBLE + 4)
    return read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, *_: tag.group != 2)


def _header(file: BinaryIO, name: str) -> tuple[Any, Any]:
    """The elements that are needed, and the transfer syntax; the file is at its start again afterwards."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.filereader import read_dataset
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    syntax = _syntax(_meta(file))
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
        raise _without_pixels(name)
    return header, syntax


def _bare(file: BinaryIO, name: str) -> Any:
    """What is needed of a file without preamble or without its transfer syntax, as a dataset."""
    from pydicom import dcmread
    from pydicom.datadict import tag_for_keyword
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    file.seek(0)
    tags = [tag for keyword in (*_NEEDED, "PlanarConfiguration", "PixelData") if (tag := tag_for_keyword(keyword))]
    dataset = dcmread(file, force=True, specific_tags=list(tags))
    if "PixelData" not in dataset:
        raise _without_pixels(name)
    if "TransferSyntaxUID" not in dataset.file_meta:
        is_implicit, is_little = dataset.original_encoding
        plain = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else plain
    reinterpreted(
        name, "it lacks the header of a DICOM file, or a part of it, and is read as such files usually are meant"
    )
    return dataset


def _without_pixels(name: str) -> InputError:
    return InputError(
        f"{name} is a DICOM file without pixels", fix="give the picture itself, not a report or a directory of some"
    )


def _checked(header: Any, name: str) -> Stored:
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
    bits = int(header.get("BitsStored") or header.get("BitsAllocated") or 16)
    high = header.get("HighBit")
    shift = 0 if high is None or int(header.get("BitsAllocated") or 0) <= bits else max(0, int(high) + 1 - bits)
    padding = padding_of(header) if is_grey else None
    is_inverted = photometric == "MONOCHROME1" or str(header.get("PresentationLUTShape", "")) == "INVERSE"
    return Stored(frames, is_grey, is_inverted, bits, shift, padding)


_EXTENDED = "1.2.840.10008.1.2.4.51"  # JPEG of 12 bits, which Pillow says that it decodes


def _check_decoder(syntax: Any, stored: Stored, name: str) -> None:
    def is_available() -> bool:
        from pydicom.pixels.decoders.base import get_decoder

        decoder = get_decoder(syntax)
        needed.extend(decoder.missing_dependencies)
        plugins = decoder.available_plugins
        return bool(decoder.is_available) and not (syntax == _EXTENDED and stored.bits > 8 and plugins == ("pillow",))

    needed: list[str] = []
    if not _quiet(name, is_available, f"it is not a still picture ({_called(syntax)})"):
        raise MissingDependencyError(
            f"{name} is compressed as {_called(syntax)}, which needs another package",
            fix="pip install 'mt-plugin-xray[codecs]'"
            if syntax in _BY_GDCM
            else f"save it again uncompressed, or install what pydicom needs for it: {'; or '.join(needed)}",
        )
