"""Radiographs as hospitals, converters and archives write them: shown as a viewer shows them, told, or refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
)

from mt_core.errors import DataWarning, InputError, MissingDependencyError
from mt_plugin_xray.reading import read_film

foreign = pytest.mark.foreign_file

RAMP = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)  # all of 12 bits

WIDE = {"WindowCenter": 2048, "WindowWidth": 4096}

NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


def read(source: Any) -> np.ndarray[Any, Any]:
    return read_film(source, needed=64)[..., 0]


def dicom(values: np.ndarray[Any, Any] = RAMP, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> Dataset:
    dataset, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    dataset.file_meta = meta
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = values.dtype.itemsize * 8
    dataset.BitsStored = 12 if values.dtype == np.uint16 else dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    dataset.PixelData = values.astype(values.dtype.newbyteorder(order)).tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def file(values: np.ndarray[Any, Any] = RAMP, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> bytes:
    buffer = io.BytesIO()
    dicom(values, syntax, **elements).save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def table(entries: list[int], first: int, bits: int) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 else "SS", [len(entries), first, bits])
    item.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    return [item]


def bordered(values: np.ndarray[Any, Any], border: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A film within a border that takes most of it, and where the film is."""
    framed = np.full((160, 160), border, values.dtype)
    framed[40:104, 40:104] = values
    return framed, framed != border


def stretched(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    low, high = np.percentile(values, (1, 99))
    return np.clip((values - low) / (high - low), 0, 1)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("syntax", NATIVE)
@foreign("a border of PixelPaddingValue, and no window", "mammography, DICOM", "read: left out of the contrast, black")
def test_padding_does_not_set_the_contrast(photometric: str, syntax: str):
    framed, is_film = bordered((1000 + RAMP // 8).astype(np.int16), -2000)
    film = read_film(file(framed, syntax, PixelPaddingValue=-2000, PhotometricInterpretation=photometric), needed=160)[
        ..., 0
    ]
    expected = stretched(1000 + RAMP // 8)
    expected = 1 - expected if photometric == "MONOCHROME1" else expected
    assert np.abs(film[is_film] - expected.ravel()).max() < 1e-4 and not film[~is_film].any()


@foreign("a range of padding (PixelPaddingRangeLimit)", "radiography, DICOM", "read: left out of the contrast, black")
def test_a_range_of_padding_is_left_out():
    framed, is_film = bordered((1000 + RAMP // 8).astype(np.uint16), 4095)
    framed[:10] = 4000
    is_film[:10] = False
    content = file(framed, PixelPaddingValue=4000, PixelPaddingRangeLimit=4095)
    film = read_film(content, needed=160)[..., 0]
    assert np.abs(film[is_film] - stretched(1000 + RAMP // 8).ravel()).max() < 1e-4 and not film[~is_film].any()


@foreign("negative padding written without its sign", "converter, DICOM", "read: as the negative number")
def test_padding_without_its_sign_is_known():
    framed, is_film = bordered((1000 + RAMP // 8).astype(np.int16), -2000)
    dataset = dicom(framed)
    dataset.add_new("PixelPaddingValue", "US", 2**16 - 2000)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    film = read_film(buffer.getvalue(), needed=160)[..., 0]
    assert np.abs(film[is_film] - stretched(1000 + RAMP // 8).ravel()).max() < 1e-4


@foreign("nothing but padding", "mammography, DICOM", "refused")
def test_a_film_of_padding_alone_is_refused():
    with pytest.raises(InputError, match="nothing but padding"):
        read(file(np.full((8, 8), 7, np.uint16), PixelPaddingValue=7))


OVERLAY = (np.indices((64, 64)).sum(0) % 2 * 0x8000).astype(np.uint16)


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize(
    ("values", "elements"),
    [
        pytest.param(
            RAMP | OVERLAY, {}, marks=foreign("an overlay in the unused high bits", "older CR, DICOM", "read: dropped")
        ),
        pytest.param(
            RAMP << 4,
            {"HighBit": 15},
            marks=foreign("12 bits at the upper end of 16 (HighBit 15)", "older CR, DICOM", "read: shifted down"),
        ),
        pytest.param(
            RAMP << 2 | OVERLAY | 1,
            {"HighBit": 13},
            marks=foreign("12 bits in the middle of 16, an overlay above", "older CR, DICOM", "read: shifted down"),
        ),
    ],
)
def test_only_the_bits_of_the_picture_count(values: np.ndarray[Any, Any], elements: dict[str, Any], syntax: str):
    assert np.abs(read(file(values, syntax, **elements, **WIDE)) - RAMP / 4095).max() < 1e-6


@foreign("signed numbers of 12 bits that end at bit 15", "older CT, DICOM", "read: with their sign")
def test_shifted_numbers_keep_their_sign():
    signed = RAMP.astype(np.int16) - 2048
    content = file(signed << 4, BitsStored=12, HighBit=15, WindowCenter=0, WindowWidth=4096)
    assert np.abs(read(content) - RAMP / 4095).max() < 1e-6


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param(
            {"WindowCenter": [900, 300], "WindowWidth": [700, 50]},
            marks=foreign("several windows", "radiography, DICOM", "read: through the first"),
        ),
        pytest.param(
            {"VOILUTSequence": table(list(range(0, 4096, 2)), 500, 12), "WindowCenter": 5, "WindowWidth": 2},
            marks=foreign("a VOI table beside a window", "mammography, DICOM", "read: through the table"),
        ),
        pytest.param(
            {"ModalityLUTSequence": table(list(range(4095, -1, -1)), 0, 16), "WindowCenter": 900, "WindowWidth": 700},
            marks=foreign("a modality table", "film digitiser, DICOM", "read: through it"),
        ),
    ],
)
@pytest.mark.parametrize("syntax", NATIVE[:2])
def test_tables_and_windows_are_those_of_pydicom(elements: dict[str, Any], syntax: str):
    dataset = dicom(RAMP, syntax, **elements)
    shown = apply_voi_lut(apply_modality_lut(RAMP, dataset), dataset).astype(np.float64)
    top = 2**12 - 1 if "VOILUTSequence" in elements else shown.max()
    bottom = 0 if "VOILUTSequence" in elements else shown.min()
    assert np.abs(read(file(RAMP, syntax, **elements)) - (shown - bottom) / (top - bottom)).max() < 1e-3


@foreign("a negative slope", "radiography, DICOM", "read: rescaled")
def test_a_negative_slope_turns_the_film_over():
    elements = {"RescaleSlope": "-1", "RescaleIntercept": "4095", "WindowCenter": 900, "WindowWidth": 700}
    expected = np.clip((4095.0 - RAMP - 899.5) / 699 + 0.5, 0, 1)  # PS3.3, C.11.2.1.2
    assert np.abs(read(file(**elements)) - expected).max() < 1e-5


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param(
            {"WindowCenter": 90_000, "WindowWidth": 10},
            marks=foreign("a window in which there is nothing", "converter, DICOM", "read, told: not used"),
        ),
        pytest.param(
            {"WindowCenter": 5, "WindowWidth": 0},
            marks=foreign("a window without width", "converter, DICOM", "read, told: not used"),
        ),
    ],
)
def test_a_useless_window_is_told(elements: dict[str, Any]):
    with pytest.warns(DataWarning, match=r"its window.*not used"):
        assert np.abs(read(file(**elements)) - stretched(RAMP)).max() < 1e-4


@pytest.mark.parametrize(
    ("photometric", "shape", "is_told"),
    [
        pytest.param(
            "MONOCHROME2",
            "INVERSE",
            True,
            marks=foreign("MONOCHROME2 with the presentation INVERSE", "CR, DICOM", "read, told: turned over"),
        ),
        pytest.param(
            "MONOCHROME1",
            "IDENTITY",
            True,
            marks=foreign("MONOCHROME1 with the presentation IDENTITY", "CR, DICOM", "read, told: turned over"),
        ),
        pytest.param(
            "MONOCHROME1",
            "INVERSE",
            False,
            marks=foreign("MONOCHROME1 with the presentation INVERSE", "DX, DICOM", "read: turned over once"),
        ),
    ],
)
def test_a_presentation_that_is_inverse_is_turned_over(photometric: str, shape: str, is_told: bool):
    content = file(PhotometricInterpretation=photometric, PresentationLUTShape=shape, **WIDE)
    if is_told:
        with pytest.warns(DataWarning, match=f"{photometric} with the presentation {shape} is turned over"):
            film = read(content)
    else:
        film = read(content)
    assert np.abs(film - (1 - RAMP / 4095)).max() < 1e-6


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param(
            {"PixelAspectRatio": [2, 1]},
            marks=foreign("PixelAspectRatio 2:1", "film digitiser, DICOM", "read, told: taken for squares"),
        ),
        pytest.param(
            {"PixelSpacing": ["0.2", "0.1"]},
            marks=foreign("pixels that are not square by their spacing", "CR, DICOM", "read, told: taken for squares"),
        ),
    ],
)
def test_pixels_that_are_not_square_are_told(elements: dict[str, Any]):
    with pytest.warns(DataWarning, match="its pixels, 2 times as high as wide, are taken for squares"):
        assert np.abs(read(file(**elements, **WIDE)) - RAMP / 4095).max() < 1e-6


@foreign("a rescale slope of 0", "converter, DICOM", "read, told: not applied")
def test_a_slope_of_zero_is_told():
    with pytest.warns(DataWarning, match="slope of 0"):
        assert np.abs(read(file(RescaleSlope="0", RescaleIntercept="0", **WIDE)) - RAMP / 4095).max() < 1e-6


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize(
    "with_meta",
    [
        pytest.param(True, marks=foreign("no preamble", "old archive, DICOM", "read, told")),
        pytest.param(False, marks=foreign("no preamble and no meta header", "treatment planning, DICOM", "read, told")),
    ],
)
def test_a_file_without_preamble_is_read_and_told(syntax: str, with_meta: bool):
    content = file(RAMP, syntax, **WIDE)
    bare = (
        content[132:]
        if with_meta
        else content[content.index(b"\0\x08\0\x16" if syntax == NATIVE[2] else b"\x08\0\x16\0") :]
    )
    with pytest.warns(DataWarning, match="lacks the header"):
        assert np.abs(read(bare) - RAMP / 4095).max() < 1e-6


@foreign("no TransferSyntaxUID", "anonymised archive, DICOM", "read, told: as little-endian")
def test_a_file_without_transfer_syntax_is_read_and_told():
    dataset = dicom(**WIDE)
    del dataset.file_meta.TransferSyntaxUID
    buffer = io.BytesIO()
    dataset.save_as(buffer, implicit_vr=True, little_endian=True, enforce_file_format=False)
    with pytest.warns(DataWarning, match="lacks the header"):
        assert (
            np.abs(
                read(b"\0" * 128 + b"DICM" + buffer.getvalue().removeprefix(b"\0" * 128 + b"DICM")) - RAMP / 4095
            ).max()
            < 1e-6
        )


@foreign("several frames", "tomosynthesis, DICOM", "read, told: the middle one")
def test_of_several_frames_the_middle_one_is_read_and_told():
    frames = np.stack([RAMP // 2, RAMP, RAMP // 4])
    with pytest.warns(DataWarning, match="all but one of its 3 frames"):
        film = read(file(RAMP, NumberOfFrames=3, PixelData=frames.tobytes(), **WIDE))
    assert np.abs(film - RAMP / 4095).max() < 1e-6


@foreign("the window of each frame in functional groups", "enhanced multi-frame, DICOM", "read: that of the frame")
def test_the_window_of_the_frame_is_found():
    def group(centre: int) -> Dataset:
        window, item = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = centre, 1024
        item.FrameVOILUTSequence = [window]
        return item

    rescale, shared = Dataset(), Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept = "1", "-1000"
    shared.PixelValueTransformationSequence = [rescale]
    content = file(
        RAMP,
        NumberOfFrames=2,
        PixelData=np.stack([RAMP, RAMP]).tobytes(),
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=[group(0), group(1000)],
    )
    with pytest.warns(DataWarning, match="frames"):
        film = read(content)
    assert np.abs(film - np.clip((RAMP - 1000.0 - 999.5) / 1023 + 0.5, 0, 1)).max() < 1e-4


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@foreign("colours", "screen capture, DICOM", "read: their luminance")
def test_colours_become_grey(photometric: str):
    """Y'CbCr of grey is (grey, 128, 128)."""
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    other = grey if photometric == "RGB" else np.full_like(grey, 128)
    content = file(
        np.stack([grey, other, other], -1),
        SamplesPerPixel=3,
        PhotometricInterpretation=photometric,
        PlanarConfiguration=0,
    )
    assert np.abs(read(content) * 255 - grey).max() <= 1


@foreign("colours of 12 bits in 16", "screen capture, DICOM", "read: scaled by 4095")
def test_colours_of_twelve_bits_fill_the_range():
    values = np.repeat(RAMP[..., None], 3, axis=2)
    content = file(values, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    assert np.abs(read(content) - RAMP / 4095).max() < 1e-3


@foreign("colours of 32 bits", "screen capture, DICOM", "read: white stays white")
def test_colours_of_32_bits_do_not_overflow():
    values = np.zeros((8, 8, 3), np.uint32)
    values[:4] = 2**32 - 1
    film = read(file(values, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0))
    assert film[:4].min() > 0.9999 and film[4:].max() == 0


@foreign("JPEG within DICOM", "web archive, DICOM", "read")
def test_jpeg_within_dicom_is_read():
    buffer = io.BytesIO()
    grey = (RAMP >> 4).astype(np.uint8)
    Image.fromarray(grey).save(buffer, "JPEG", quality=100)
    content = file(
        grey, JPEGBaseline8Bit, PixelData=encapsulate([buffer.getvalue()]), WindowCenter=128, WindowWidth=256
    )
    assert np.abs(read(content) * 255 - grey).max() <= 2


@pytest.mark.parametrize(
    ("syntax", "package"),
    [
        pytest.param(
            JPEGLosslessSV1, r"codecs", marks=foreign("JPEG lossless", "hospital archive, DICOM", "read with [codecs]")
        ),
        pytest.param(
            JPEGExtended12Bit,
            "pylibjpeg",
            marks=foreign("JPEG of 12 bits", "hospital archive, DICOM", "refused: names the package"),
        ),
        pytest.param(
            HTJ2KLossless,
            "pylibjpeg",
            marks=foreign("High-Throughput JPEG 2000", "cloud archive, DICOM", "refused: names the package"),
        ),
    ],
)
def test_what_needs_another_package_names_it(syntax: str, package: str):
    if syntax == JPEGLosslessSV1 and _has_gdcm():
        pytest.skip("it is installed")
    with pytest.raises(MissingDependencyError) as caught:
        read(file(RAMP, syntax, PixelData=encapsulate([b"\xff\xd8\xff\xc1"])))
    assert package in caught.value.fix


def _has_gdcm() -> bool:
    from importlib.util import find_spec

    return find_spec("gdcm") is not None


@foreign("pixels cut off", "broken transfer, DICOM", "refused")
@pytest.mark.parametrize("part", [0.2, 0.6, 0.99])
def test_truncated_pixels_are_refused(part: float):
    content = file(**WIDE)
    with pytest.raises(InputError):
        read(content[: int(len(content) * part)])


@foreign("bytes after the pixels", "older software, DICOM", "read: passed over")
def test_bytes_after_the_pixels_are_passed_over():
    assert np.abs(read(file(PixelData=RAMP.tobytes() + b"\0" * 10, **WIDE)) - RAMP / 4095).max() < 1e-6


@foreign("no pixels: a report, a directory", "hospital archive, DICOM", "refused")
def test_a_file_without_pixels_is_refused():
    dataset = dicom()
    del dataset.PixelData
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    with pytest.raises(InputError, match="without pixels"):
        read(buffer.getvalue())


@foreign("PNG under the name .dcm", "converter", "read: by its content")
def test_a_png_called_dcm_is_read(tmp_path: Any):
    Image.fromarray((RAMP >> 4).astype(np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.dcm")
    assert np.array_equal(read(tmp_path / "a.dcm"), RAMP >> 4)
