"""TIFF files as other people's programs write them: what was written is what is seen."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from mt_core.errors import DataWarning, InputError
from mt_plugin_image.reading import read_picture

RANDOM = np.random.default_rng(0)
FULL = RANDOM.integers(0, 256, (60, 80, 3), np.uint8)
THUMBNAIL = np.full((6, 8, 3), 200, np.uint8)

foreign = pytest.mark.foreign_file


def read(content: bytes) -> np.ndarray[Any, Any]:
    return read_picture(content, needed=64)


def written(*pages: tuple[np.ndarray[Any, Any], dict[str, Any]], **options: Any) -> bytes:
    """By tifffile, a page after the other; those after one with `subifds` are its children."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as writer:
        for pixels, told in pages:
            writer.write(pixels, metadata=None, **told)
    return buffer.getvalue()


def one_page(strip: bytes, width: int, height: int, bits: int, order: str, **tags: int) -> bytes:
    """A page of grey, byte by byte after TIFF revision 6.0."""
    given = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(strip)}
    given |= {int(tag.removeprefix("tag")): value for tag, value in tags.items()}
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, 4, 1) + struct.pack(f"{order}I", value) for tag, value in sorted(given.items())
    )
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(strip))
    return start + strip + struct.pack(f"{order}H", len(given)) + entries + b"\0\0\0\0"


RGB = {"photometric": "rgb"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            written((THUMBNAIL, {**RGB, "subfiletype": 1}), (FULL, RGB)),
            marks=foreign(
                "the first page is a thumbnail (NewSubfileType 1)", "scanner, TIFF", "read: the full picture"
            ),
        ),
        pytest.param(
            written((THUMBNAIL, {**RGB, "subfiletype": 1, "subifds": 1}), (FULL, RGB)),
            marks=foreign(
                "the first page is a thumbnail, the picture is its child (SubIFD)",
                "camera software, TIFF/EP",
                "read: the full picture",
            ),
        ),
        pytest.param(
            written((FULL, {**RGB, "subifds": 2}), (FULL[::2, ::2], {**RGB, "subfiletype": 1}), (FULL[::4, ::4], RGB)),
            marks=foreign("a pyramid in children (SubIFDs)", "slide scanner, OME-TIFF", "read: the full picture"),
        ),
        pytest.param(
            written((FULL, RGB), (FULL[::2, ::2], {**RGB, "subfiletype": 1})),
            marks=foreign("smaller copies after the picture", "cloud-optimised GeoTIFF", "read: the full picture"),
        ),
        pytest.param(
            written((FULL[..., 0] > 9, {"subfiletype": 4, "photometric": "mask"}), (FULL, RGB)),
            marks=foreign("a mask before the picture", "fax and GIS software, TIFF", "read: the picture"),
        ),
        pytest.param(
            written((FULL, {**RGB, "tile": (16, 16)}), bigtiff=True, byteorder=">"),
            marks=foreign("BigTIFF, big-endian, in tiles", "GIS software, TIFF", "read"),
        ),
        pytest.param(
            written((np.moveaxis(FULL, 2, 0), {**RGB, "planarconfig": "separate"})),
            marks=foreign("one plane a colour", "microscope, TIFF", "read"),
        ),
        pytest.param(
            written((FULL.astype(np.uint16) * 257, RGB), byteorder=">"),
            marks=foreign("16-bit colours, big-endian", "photo editor, TIFF", "read: to 8 bits, rounded"),
        ),
        pytest.param(
            written(((FULL / 255).astype(np.float32), RGB)),
            marks=foreign("colours as floats within 0 to 1", "renderer, TIFF", "read"),
        ),
        pytest.param(
            written(((FULL / 255).astype(np.float64), {**RGB, "compression": "zlib"})),
            marks=foreign("colours as doubles, deflated", "numeric software, TIFF", "read"),
        ),
    ],
)
def test_the_full_picture_is_read(content: bytes):
    assert np.array_equal(read(content), FULL)


@foreign("the first page is an unmarked thumbnail", "image database, TIFF", "read, told: the full picture")
def test_an_unmarked_thumbnail_is_passed_over_and_told():
    with pytest.warns(DataWarning, match="taken for a thumbnail"):
        assert np.array_equal(read(written((THUMBNAIL, RGB), (FULL, RGB))), FULL)


@foreign("several pages of one size", "document scanner, TIFF", "read, told: the first page")
def test_pages_after_the_first_are_told():
    with pytest.warns(DataWarning, match="left out: what follows its first page: 2 more"):
        assert np.array_equal(read(written((FULL, RGB), (FULL // 2, RGB), (FULL // 3, RGB))), FULL)


@foreign("the picture is raw data of a colour filter", "camera, DNG", "refused: to be developed first")
def test_raw_data_of_a_camera_are_refused():
    raw = (FULL[..., 0], {"photometric": "cfa"})
    with pytest.raises(InputError, match="raw file of a camera"):
        read(written((THUMBNAIL, {**RGB, "subfiletype": 1, "subifds": 1}), raw))


GREY = np.array([[0, 1, 128, 200, 254, 255]], np.uint8)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            written((GREY, {"photometric": "miniswhite"})),
            (255 - GREY[0]).tolist(),
            marks=foreign("white is zero, 8 bits", "fax and scanner, TIFF", "read: turned over"),
        ),
        pytest.param(
            written((GREY.astype(np.uint16) * 257, {"photometric": "miniswhite"}), byteorder=">"),
            (255 - GREY[0]).tolist(),
            marks=foreign("white is zero, 16 bits", "film scanner, TIFF", "read: turned over"),
        ),
        pytest.param(
            one_page(bytes([0x00, 0x0F, 0xFF, 0x80, 0x00]) + b"\0", 4, 1, 12, "<"),
            [0, 255, 128, 0],
            marks=foreign("12 bits, packed", "machine camera, TIFF", "read: scaled by 4095"),
        ),
        pytest.param(
            one_page(bytes([0x00, 0x0F, 0xFF, 0x80, 0x00]) + b"\0", 4, 1, 12, ">"),
            [0, 255, 128, 0],
            marks=foreign("12 bits, packed, big-endian", "machine camera, TIFF", "read: scaled by 4095"),
        ),
        pytest.param(
            one_page(bytes([0b0000_1111, 0b1000_0001]), 4, 1, 4, "<"),
            [0, 255, 136, 17],
            marks=foreign("4 bits", "old scanner, TIFF", "read: scaled by 15"),
        ),
        pytest.param(
            written((np.array([[0, 0.5, 1]], np.float16), {})),
            [0, 128, 255],
            marks=foreign("half floats", "neural network, TIFF", "read"),
        ),
    ],
)
def test_grey_of_any_number_is_read(content: bytes, expected: list[int]):
    assert [int(pixel[0]) for pixel in read(content)[0]] == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param(
            np.array([[0, 3_000_000_000, 4_000_000_000]], np.uint32),
            [0, 191, 255],
            marks=foreign(
                "unsigned 32-bit integers", "microscope, TIFF", "read, told: from the smallest to the largest"
            ),
        ),
        pytest.param(
            np.array([[-128, 0, 127]], np.int8),
            [0, 128, 255],
            marks=foreign(
                "signed 8-bit integers", "GIS software, TIFF", "read, told: from the smallest to the largest"
            ),
        ),
        pytest.param(
            np.array([[0, 500, 1000]], np.int16),
            [0, 128, 255],
            marks=foreign(
                "signed 16-bit integers", "elevation models, CT, TIFF", "read, told: from the smallest to the largest"
            ),
        ),
        pytest.param(
            np.array([[0, 40, 200]], np.float32),
            [0, 51, 255],
            marks=foreign(
                "floats of 0 to 255", "numeric software, TIFF", "read, told: from the smallest to the largest"
            ),
        ),
    ],
)
def test_numbers_of_no_known_range_are_stretched_and_told(numbers: np.ndarray[Any, Any], expected: list[int]):
    with pytest.warns(DataWarning, match="the smallest is shown as black, the largest as white"):
        assert [int(pixel[0]) for pixel in read(written((numbers, {})))[0]] == expected


@foreign("GDAL_NODATA -9999 in floats", "GIS software, GeoTIFF", "read, told: left out of the contrast, and black")
def test_pixels_without_data_do_not_set_the_contrast():
    heights = np.array([[-9999, 100, 140, 200]], np.float32)
    content = written((heights, {"extratags": [(42113, "s", 0, "-9999", True)]}))
    with pytest.warns(DataWarning) as told:
        assert read(content)[0, :, 0].tolist() == [0, 0, 102, 255]
    assert "left out: 25.0% of its pixels, which are marked as without data" in str(told[0].message)


@foreign("three bands of 16 bits that are not called colours", "satellite, GeoTIFF", "read, told: as red, green, blue")
def test_three_bands_without_a_colour_are_taken_for_colours_and_told():
    content = written((FULL.astype(np.uint16) * 257, {"photometric": "minisblack", "planarconfig": "contig"}))
    with pytest.warns(DataWarning, match="taken for red, green and blue"):
        assert np.array_equal(read(content), FULL)


@foreign("a fourth band beside the colours", "aerial survey, GeoTIFF", "read, told: the colours")
def test_a_band_beside_the_colours_is_left_out_and_told():
    bands = np.concatenate([FULL, FULL[..., :1]], axis=2)
    with pytest.warns(DataWarning, match="a channel of no named meaning"):
        assert np.array_equal(read(written((bands, {**RGB, "extrasamples": ["unspecified"]}))), FULL)


@foreign("thirteen bands", "satellite, GeoTIFF", "refused: names the plugin for it")
def test_many_bands_are_no_picture():
    with pytest.raises(InputError, match=r"13 channels(.|\n)*hyperspectral"):
        read(written((np.zeros((9, 9, 13), np.uint16), {"photometric": "minisblack", "planarconfig": "contig"})))


@pytest.mark.parametrize(
    ("kind", "colour"),
    [
        pytest.param("unassalpha", 100, marks=foreign("opacity beside the colours", "photo editor, TIFF", "read")),
        pytest.param("assocalpha", 50, marks=foreign("colours multiplied by their opacity", "renderer, TIFF", "read")),
    ],
)
@pytest.mark.parametrize("scale", [1, 257])
def test_half_opaque_colours_are_laid_on_white(kind: str, colour: int, scale: int):
    """Opacity 128 of 255: half of 100, half of white."""
    pixels = (np.array([[[colour, colour, colour, 128]]]) * scale).astype(np.uint8 if scale == 1 else np.uint16)
    assert np.abs(read(written((pixels, {**RGB, "extrasamples": [kind]})))[0, 0].astype(int) - 177).max() <= 1


@pytest.mark.parametrize(
    ("mode", "options", "tolerance"),
    [
        pytest.param("RGB", {"compression": "jpeg"}, 3, marks=foreign("JPEG within TIFF, YCbCr", "scanner", "read")),
        pytest.param("CMYK", {"compression": "tiff_lzw"}, 0, marks=foreign("CMYK, LZW", "print shop, TIFF", "read")),
        pytest.param("P", {}, 0, marks=foreign("a palette", "GIS software, TIFF", "read: looked up")),
    ],
)
def test_colours_of_other_kinds_are_converted(mode: str, options: dict[str, Any], tolerance: int):
    buffer = io.BytesIO()
    picture = Image.new("RGB", (16, 16), "red").convert(mode)
    picture.save(buffer, "TIFF", **options)
    assert np.abs(read(buffer.getvalue()).astype(int) - (255, 0, 0)).max() <= tolerance


@foreign("a palette of 8 bits in place of 16", "old software, TIFF", "read, told: as 8 bits")
def test_a_palette_of_the_wrong_depth_is_told():
    palette = np.zeros((3, 256), np.uint16)
    palette[:, 7] = 255, 128, 0
    content = written((np.full((2, 2), 7, np.uint8), {"photometric": "palette", "colormap": palette}))
    with pytest.warns(DataWarning, match="palette"):
        assert read(content)[0, 0].tolist() == [255, 128, 0]


@foreign("colours of the kind L*a*b*", "photo editor, TIFF", "refused: to be saved in RGB")
def test_colours_that_cannot_be_converted_are_refused():
    buffer = io.BytesIO()
    Image.new("LAB", (4, 4), (128, 0, 0)).save(buffer, "TIFF")
    with pytest.raises(InputError, match=r"L\*a\*b\*"):
        read(buffer.getvalue())


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@foreign("turned by its orientation tag", "telephone scanner, TIFF", "read: upright")
def test_the_orientation_tag_is_undone_once(kind: type):
    """6: the first row is the right side of the picture."""
    stored = np.array([[0, 51, 102], [153, 204, 255]], np.uint8)
    pixels = stored if kind is np.uint8 else (stored / 255).astype(np.float32)
    content = written((pixels, {"photometric": "minisblack", "extratags": [(274, "H", 1, 6, True)]}))
    assert np.array_equal(read(content)[..., 0], [[153, 0], [204, 51], [255, 102]])


@foreign("cut off in the middle", "broken download, TIFF", "refused: truncated")
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_file_is_refused(part: float):
    content = written((FULL, RGB))
    with pytest.raises(InputError, match=r"truncated|cannot be read"):
        read(content[: int(len(content) * part)])
