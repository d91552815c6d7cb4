"""Thermal pictures as cameras and other programs write them: the numbers that were measured, or told, or refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from mt_core.contract import Example
from mt_core.errors import DataWarning, InputError
from mt_plugin_infrared.reading import read_frame
from mt_plugin_infrared.tokenizer import InfraredOptions, InfraredTokenizer

foreign = pytest.mark.foreign_file

CELSIUS = np.linspace(15, 40, 48, dtype=np.float32).reshape(6, 8)
COUNTS = np.arange(7000, 7048, dtype=np.uint16).reshape(6, 8)

NODATA, SUBFILE = 42113, "subfiletype"


def read(content: Any, channels: int = 1) -> np.ndarray[Any, Any]:
    return read_frame(content, channels, needed=64)


def written(*pages: tuple[np.ndarray[Any, Any], dict[str, Any]], **options: Any) -> bytes:
    """By tifffile, a page after the other; those after one with `subifds` are its children."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as writer:
        for pixels, told in pages:
            writer.write(pixels, metadata=None, **{"photometric": "minisblack", **told})
    return buffer.getvalue()


def marked(values: np.ndarray[Any, Any], mark: str, **told: Any) -> bytes:
    return written((values, {"extratags": [(NODATA, "s", 0, mark, True)], **told}))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            written((COUNTS[::2, ::2], {SUBFILE: 1}), (COUNTS, {})),
            COUNTS,
            marks=foreign(
                "the first page is a thumbnail (NewSubfileType 1)", "camera software, TIFF", "read: the frame"
            ),
        ),
        pytest.param(
            written((COUNTS[::2, ::2], {SUBFILE: 1, "subifds": 1}), (COUNTS, {})),
            COUNTS,
            marks=foreign("the frame is a child of a thumbnail (SubIFD)", "camera software, TIFF", "read: the frame"),
        ),
        pytest.param(
            written((np.array([[1, 3_000_000_000]], np.uint32), {})),
            np.array([[1, 3e9]], np.float32),
            marks=foreign("unsigned 32-bit integers", "laboratory software, TIFF", "read"),
        ),
        pytest.param(
            written((np.array([[-40, 85]], np.int8), {})),
            np.array([[-40, 85]], np.float32),
            marks=foreign("signed 8-bit degrees", "converter, TIFF", "read"),
        ),
        pytest.param(
            written((np.array([[-4000, 8500]], np.int16), {}), byteorder=">"),
            np.array([[-4000, 8500]], np.float32),
            marks=foreign("hundredths of a degree, signed, big-endian", "drone software, TIFF", "read"),
        ),
        pytest.param(
            written((CELSIUS.astype(np.float64), {"tile": (16, 16)}), bigtiff=True),
            CELSIUS,
            marks=foreign("doubles in tiles, BigTIFF", "GIS software, GeoTIFF", "read"),
        ),
        pytest.param(
            written((CELSIUS.astype(np.float16), {})),
            CELSIUS.astype(np.float16).astype(np.float32),
            marks=foreign("half floats", "neural network, TIFF", "read"),
        ),
        pytest.param(
            written((np.array([[0, 1000, 65535]], np.uint16), {"photometric": "miniswhite"})),
            np.array([[65535, 64535, 0]], np.uint16),
            marks=foreign("black-hot: white is zero", "camera, TIFF", "read: turned over, so that hot is large"),
        ),
        pytest.param(
            written((COUNTS, {"extratags": [(274, "H", 1, 6, True)]})),
            np.rot90(COUNTS, -1),
            marks=foreign("turned by its orientation tag", "hand-held camera, TIFF", "read: upright"),
        ),
    ],
)
def test_the_numbers_are_those_that_were_measured(content: bytes, expected: np.ndarray[Any, Any]):
    frame = read(content)
    assert frame.dtype == expected.dtype and np.array_equal(frame[..., 0], expected)


def with_hole(value: float, kind: type) -> np.ndarray[Any, Any]:
    """Degrees with a quarter of them missing."""
    values = CELSIUS.astype(kind)
    values[:3, :4] = value
    return values


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(
            marked(with_hole(-10000, np.float32), "-10000"),
            np.float32,
            marks=foreign(
                "GDAL_NODATA -10000", "orthophoto software, GeoTIFF", "read, told: missing, not -10000 degrees"
            ),
        ),
        pytest.param(
            marked(with_hole(np.nan, np.float32), "nan"),
            np.float32,
            marks=foreign("GDAL_NODATA nan", "GIS software, GeoTIFF", "read, told: missing"),
        ),
        pytest.param(
            marked(with_hole(-3.4028234663852886e38, np.float32), "-3.4028234663852886e+38"),
            np.float32,
            marks=foreign("GDAL_NODATA, the smallest float", "GIS software, GeoTIFF", "read, told: missing"),
        ),
        pytest.param(
            marked(with_hole(0, np.uint16), "0"),
            np.uint16,
            marks=foreign("GDAL_NODATA 0 in counts", "orthophoto software, GeoTIFF", "read, told: missing"),
        ),
        pytest.param(
            marked(with_hole(-32768, np.int16), " -32768 "),
            np.int16,
            marks=foreign("GDAL_NODATA -32768 in integers", "satellite, GeoTIFF", "read, told: missing"),
        ),
    ],
)
def test_what_is_marked_as_without_data_is_given_the_median_and_told(content: bytes, kind: type):
    measured = np.ones(CELSIUS.shape, np.bool_)
    measured[:3, :4] = False
    with pytest.warns(DataWarning, match=r"left out: 25.0% of its pixels, which are marked as without data"):
        frame = read(content)[..., 0]
    degrees = CELSIUS.astype(kind)
    assert np.array_equal(frame[measured], degrees[measured])
    assert np.unique(frame[~measured]).tolist() == [np.median(degrees[measured]).astype(kind)]


@pytest.mark.parametrize(
    ("fill", "kind"),
    [
        pytest.param(
            -9999, np.float32, marks=foreign("-9999 without a mark", "converter, TIFF", "read, told: missing")
        ),
        pytest.param(
            -10000, np.int16, marks=foreign("-10000 without a mark", "converter, TIFF", "read, told: missing")
        ),
        pytest.param(
            -3.4028234663852886e38,
            np.float64,
            marks=foreign("the smallest float without a mark", "GIS software, TIFF", "read, told: missing"),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*left out")
def test_a_usual_number_for_missing_pixels_is_known_without_a_mark(fill: float, kind: type):
    with pytest.warns(DataWarning, match="is taken for pixels without data"):
        frame = read(written((with_hole(fill, kind), {})))[..., 0]
    measured = np.ones(CELSIUS.shape, np.bool_)
    measured[:3, :4] = False
    assert np.array_equal(frame[measured], CELSIUS.astype(kind)[measured]) and frame.min() >= 15


def described(values: np.ndarray[Any, Any], items: str, **told: Any) -> bytes:
    text = f"<GDALMetadata>{items}</GDALMetadata>"
    return written((values, {"extratags": [(42112, "s", 0, text, True), *told.pop("tags", [])], **told}))


SCALE, OFFSET = (f'<Item name="{role}" sample="0" role="{role}">{{}}</Item>' for role in ("scale", "offset"))


@foreign("scale 0.01 and offset -100 by GDAL", "GIS software, GeoTIFF", "read, told: degrees")
def test_a_scale_and_an_offset_are_applied_but_to_what_is_missing():
    counts = np.array([[12_500, 13_000], [14_050, 0]], np.uint16)
    content = described(counts, SCALE.format("0.01") + OFFSET.format("-100"), tags=[(NODATA, "s", 0, "0", True)])
    with pytest.warns(DataWarning) as told:
        frame = read(content)[..., 0]
    assert frame.tolist() == [[25, 30], [40.5, 30]] and frame.dtype == np.float32
    assert any("scaled and shifted as its GDAL_METADATA says" in str(each.message) for each in told)


@foreign("scale 1 and offset 0 by GDAL", "GIS software, GeoTIFF", "read")
def test_a_scale_that_changes_nothing_is_not_told():
    content = described(COUNTS, SCALE.format("1") + OFFSET.format("0") + '<Item name="STATISTICS_MEAN">7</Item>')
    assert np.array_equal(read(content)[..., 0], COUNTS)


@pytest.mark.parametrize("items", [SCALE.format("much"), SCALE.format("0"), "<Item", SCALE.format("nan")])
@foreign("GDAL_METADATA that is no XML, a scale that is no number", "converter, GeoTIFF", "read, told: not applied")
def test_a_scale_that_cannot_be_read_is_told(items: str):
    with pytest.warns(DataWarning, match="left out: its GDAL_METADATA, which is no XML, or has a scale"):
        assert np.array_equal(read(described(COUNTS, items))[..., 0], COUNTS)


@foreign("numbers down to -9999 that are no mark", "laboratory, TIFF", "read")
def test_a_number_among_its_like_is_no_mark():
    values = np.linspace(-9999, 9999, 48, dtype=np.float32).reshape(6, 8)
    assert np.array_equal(read(written((values, {})))[..., 0], values)


@foreign("a mask page of pixels that do not count", "orthophoto software, GeoTIFF", "read, told: missing")
def test_a_mask_page_says_what_is_missing():
    counts = np.ones(CELSIUS.shape, np.bool_)
    counts[:3, :4] = False
    content = written((with_hole(0, np.float32), {}), (counts, {SUBFILE: 4, "photometric": "mask"}))
    with pytest.warns(DataWarning, match=r"left out: 25.0% of its pixels"):
        frame = read(content)[..., 0]
    assert np.array_equal(frame[counts], CELSIUS[counts]) and (frame[~counts] == np.median(CELSIUS[counts])).all()


@foreign("opacity of 0 where nothing was measured", "orthophoto software, GeoTIFF", "read, told: missing")
def test_transparent_pixels_are_missing():
    values = np.stack([COUNTS, np.where(COUNTS < 7012, 0, 65535).astype(np.uint16)], -1)
    content = written((values, {"extrasamples": ["unassalpha"], "planarconfig": "contig"}))
    with pytest.warns(DataWarning, match=r"left out: 25.0% of its pixels"):
        assert read(content).min() == 7012


@foreign("GDAL_NODATA everywhere", "orthophoto software, an edge tile", "refused: holds no data")
def test_a_frame_without_any_data_is_refused():
    with pytest.raises(InputError, match="holds no data"):
        read(marked(np.full((4, 4), -9999, np.float32), "-9999"))


@foreign("NaN without a mark", "camera software, TIFF", "refused: names it")
def test_nan_that_no_mark_explains_is_refused():
    with pytest.raises(InputError, match="NaN"):
        read(written((with_hole(np.nan, np.float32), {})))


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (16, 16), 77).save(buffer, "JPEG", quality=100)
    plain = buffer.getvalue()
    packed = b"".join(bytes([0xFF, kind]) + (len(content) + 2).to_bytes(2) + content for kind, content in segments)
    return plain[:2] + packed + plain[2:]


EXIF_DJI = b"Exif\0\0II*\0\x08\0\0\0\0\0" + b"DJI\0"


@pytest.mark.parametrize(
    ("content", "camera"),
    [
        pytest.param(
            jpeg((0xE1, b"Exif\0\0" + b"\0" * 60_000), (0xE1, b"FLIR\0\1\0\0FFF\0")),
            "FLIR",
            marks=foreign("radiometric JPEG", "FLIR camera", "read, told: the picture it shows, no temperatures"),
        ),
        pytest.param(
            jpeg((0xE1, EXIF_DJI), (0xE3, b"\1" * 65_000), (0xE3, b"\1" * 65_000), (0xE4, b"\2" * 100)),
            "DJI",
            marks=foreign(
                "radiometric JPEG (R-JPEG)", "DJI drone", "read, told: the picture it shows, no temperatures"
            ),
        ),
    ],
)
def test_a_radiometric_jpeg_is_told_to_give_no_temperatures(content: bytes, camera: str):
    with pytest.warns(DataWarning, match=f"a radiometric JPEG of {camera} is read as the picture it shows"):
        assert np.unique(read(content)).tolist() == [77]


@foreign("plain JPEG of grey", "camera, JPEG", "read")
def test_a_plain_jpeg_is_told_nothing_of():
    assert np.unique(read(jpeg((0xE1, EXIF_DJI)))).tolist() == [77]


@foreign("false colours", "camera, PNG", "read, told: their brightness, which is no temperature")
def test_false_colours_are_told():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (255, 0, 0)).save(buffer, "PNG")
    with pytest.warns(DataWarning, match="brightness, which is no temperature"):
        assert np.unique(read(buffer.getvalue())).tolist() == [76]


@foreign("grey stored as red, green and blue", "converter, PNG", "read")
def test_grey_in_three_equal_colours_is_grey():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (9, 9, 9)).save(buffer, "PNG")
    assert np.unique(read(buffer.getvalue())).tolist() == [9]


@foreign("several frames of a sequence in one file", "recorder, TIFF", "read, told: the first")
def test_frames_after_the_first_are_told():
    with pytest.warns(DataWarning, match="what follows its first page: 1 more"):
        assert np.array_equal(read(written((COUNTS, {}), (COUNTS + 1, {})))[..., 0], COUNTS)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(CELSIUS + 273.15, marks=foreign("kelvin after training on degrees", "other camera", "refused")),
        pytest.param(CELSIUS * 100, marks=foreign("hundredths after whole degrees", "drone software", "refused")),
        pytest.param(CELSIUS * 100 + 27315, marks=foreign("hundredths of kelvin after degrees", "drone", "refused")),
    ],
)
def test_a_picture_in_another_unit_than_the_training_data_is_refused(other: np.ndarray[Any, Any]):
    tokenizer = InfraredTokenizer(32, InfraredOptions(size=32, patch=16))
    tokenizer.calibrate([Example(CELSIUS[..., None], 0)])
    tokenizer.prepare(CELSIUS[..., None] + 5)
    with pytest.raises(InputError, match=r"far from all of the training data(.|\n)*same unit"):
        tokenizer.prepare(other[..., None].astype(np.float32), torch.Generator())


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@foreign("opacity of 0 where nothing was measured", "orthophoto software, PNG", "read, told: missing")
def test_transparent_pixels_of_a_picture_were_not_measured(mode: str):
    grey = np.full((4, 4), 100, np.uint8)
    grey[0, 0] = 7
    opacity = np.where(grey == 7, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.merge(mode, [Image.fromarray(each) for each in (*[grey] * (len(mode) - 1), opacity)]).save(buffer, "PNG")
    with pytest.warns(DataWarning, match=r"6\.2% of its pixels, which are marked as without data"):
        assert (read(buffer.getvalue()) == 100).all()
    if mode == "RGBA":  # all four are asked for
        assert read(buffer.getvalue(), 4)[0, 0].tolist() == [7, 7, 7, 0]


@foreign("a table of temperatures", "FLIR Tools, .csv", "refused: to be passed as an array")
def test_a_table_of_temperatures_is_refused_with_what_to_do():
    table = "\n".join(",".join(f"{value:.2f}" for value in row) for row in CELSIUS)
    with pytest.raises(InputError, match="is a table of numbers in text") as caught:
        read(table.encode())
    assert "numpy.loadtxt" in caught.value.fix
