"""Every kind of picture is read as the colours it shows, and every bad file is refused in our own words."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from mt_core.errors import DataWarning, InputError, MissingDependencyError
from mt_plugin_image.reading import read_picture

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
GREY = (128, 128, 128)


def read(source: Any) -> np.ndarray[Any, Any]:
    return read_picture(source, needed=64)


def saved(picture: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def colours(pixels: np.ndarray[Any, Any]) -> list[tuple[int, ...]]:
    """The pixels of a small picture, row by row."""
    assert pixels.dtype == np.uint8 and pixels.ndim == 3
    return [tuple(pixel) for pixel in pixels.reshape(-1, 3).tolist()]


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises so many pixels and holds none of them."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


# modes


def test_rgb_keeps_its_colours():
    picture = Image.new("RGB", (2, 1), RED)
    picture.putpixel((1, 0), BLUE)
    assert colours(read(saved(picture))) == [RED, BLUE]


def test_grey_fills_all_three_channels():
    assert colours(read(saved(Image.new("L", (1, 1), 128)))) == [GREY]


def test_black_and_white_bits_are_black_and_white():
    picture = Image.new("1", (2, 1), 0)
    picture.putpixel((1, 0), 1)
    assert colours(read(saved(picture))) == [BLACK, WHITE]


def test_transparent_pixels_are_laid_on_white():
    picture = Image.new("RGBA", (3, 1), (*RED, 0))
    picture.putpixel((1, 0), (*RED, 255))
    picture.putpixel((2, 0), (*BLACK, 127))
    assert colours(read(saved(picture))) == [WHITE, RED, GREY]


def test_transparent_grey_is_laid_on_white():
    picture = Image.new("LA", (2, 1), (0, 0))
    picture.putpixel((1, 0), (0, 255))
    assert colours(read(saved(picture))) == [WHITE, BLACK]


def test_palette_is_looked_up():
    picture = Image.new("P", (2, 1), 1)
    picture.putpalette([*GREEN, *BLUE])
    picture.putpixel((0, 0), 0)
    assert colours(read(saved(picture))) == [GREEN, BLUE]


def test_transparent_entry_of_a_palette_is_white():
    picture = Image.new("P", (2, 1), 1)
    picture.putpalette([*GREEN, *BLUE])
    picture.putpixel((0, 0), 0)
    assert colours(read(saved(picture, transparency=0))) == [WHITE, BLUE]


def test_transparent_colour_of_an_rgb_png_is_white():
    picture = Image.new("RGB", (2, 1), RED)
    picture.putpixel((1, 0), BLUE)
    assert colours(read(saved(picture, transparency=RED))) == [WHITE, BLUE]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(format: str):
    picture = Image.fromarray(np.array([[0, 257 * 100, 257 * 200, 65535]], np.uint16))
    assert [pixel[0] for pixel in colours(read(saved(picture, format)))] == [0, 100, 200, 255]


def test_dark_sixteen_bit_grey_stays_dark():
    assert colours(read(saved(Image.fromarray(np.full((1, 1), 514, np.uint16))))) == [(2, 2, 2)]


def test_floating_point_tiff_is_scaled_from_one():
    picture = Image.fromarray(np.array([[0.0, 0.4, 1.0]], np.float32))
    assert [pixel[0] for pixel in colours(read(saved(picture, "TIFF")))] == [0, 102, 255]


def test_cmyk_is_converted():
    pixels = read(saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100))
    assert np.abs(pixels.astype(int) - RED).max() <= 3


def test_of_an_animation_the_first_frame_is_read():
    frames = [Image.new("RGB", (1, 1), colour) for colour in (RED, GREEN)]
    with pytest.warns(DataWarning, match="left out: what follows the first frame of an animation of 2"):
        assert colours(read(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))) == [RED]


@pytest.mark.parametrize("format", ["BMP", "WEBP", "TIFF", "PPM"])
def test_other_formats_are_read(format: str):
    options = {"lossless": True} if format == "WEBP" else {}
    assert colours(read(saved(Image.new("RGB", (1, 1), GREEN), format, **options))) == [GREEN]


# EXIF


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation: int):
    """The eight ways in which the same upright picture (red, green above blue, white) may be stored: where its first
    row and first column lie is told by the Exif standard's own table."""
    upright = np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8)
    stored = {
        1: upright,  # row 0 at the top, column 0 at the left
        2: upright[:, ::-1],  # top, right
        3: upright[::-1, ::-1],  # bottom, right
        4: upright[::-1],  # bottom, left
        5: upright.swapaxes(0, 1),  # left, top
        6: upright.swapaxes(0, 1)[::-1],  # right, top
        7: upright.swapaxes(0, 1)[::-1, ::-1],  # right, bottom
        8: upright.swapaxes(0, 1)[:, ::-1],  # left, bottom
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    # 8 x 8 blocks of one colour pass a JPEG unharmed
    large = np.ascontiguousarray(stored.repeat(16, 0).repeat(16, 1))
    pixels = read(saved(Image.fromarray(large), "JPEG", quality=100, subsampling=0, exif=exif))
    assert np.abs(pixels[8::16, 8::16].astype(int) - upright).max() <= 3


def test_picture_in_memory_is_turned_like_its_file(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.png").write_bytes(saved(Image.new("RGB", (3, 2), RED), exif=exif))
    with Image.open(tmp_path / "a.png") as picture:
        assert read(picture).shape == read(tmp_path / "a.png").shape == (3, 2, 3)


def test_damaged_exif_makes_no_picture_unreadable():
    picture = saved(Image.new("RGB", (2, 2), RED), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert colours(read(picture)) == [RED] * 4


# sources


def test_path_string_bytes_and_open_picture_are_read_alike(tmp_path: Path):
    path = tmp_path / "a.png"
    content = saved(Image.fromarray(np.arange(27, dtype=np.uint8).reshape(3, 3, 3)))
    path.write_bytes(content)
    with Image.open(path) as picture:
        for source in (path, str(path), content, picture):
            assert np.array_equal(read(source), np.arange(27).reshape(3, 3, 3))


def test_picture_with_a_wrong_suffix_is_read_by_its_content(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(saved(Image.new("RGB", (1, 1), RED), "PNG"))
    assert colours(read(tmp_path / "a.jpg")) == [RED]


@pytest.mark.parametrize(
    "array",
    [
        np.full((1, 1), 128, np.uint8),
        np.full((1, 1, 1), 128, np.uint8),
        np.full((1, 1, 3), 128, np.uint8),
        np.full((1, 1), 128 * 257, np.uint16),
        np.full((1, 1), 128 * 257, ">u2"),
        np.full((1, 1), 128, ">i4"),
        np.full((1, 1), 128, np.int64),
        np.full((1, 1, 3), 128 / 255, np.float32),
        np.array([[[0, 127]]], np.uint8),
        np.array([[[0, 0, 0, 127]]], np.uint8),
        np.array([[[0, 0, 0, 127 / 255]]], np.float64),
    ],
    ids=lambda array: f"{array.shape}-{array.dtype}",
)
def test_arrays_of_every_type_show_the_same_grey(array: np.ndarray[Any, Any]):
    assert colours(read(array)) == [GREY]


def test_floats_outside_0_to_1_go_from_their_smallest_to_their_largest():
    with pytest.warns(DataWarning, match="its numbers, -1 to 1: the smallest is shown as black"):
        assert [pixel[0] for pixel in colours(read(np.array([[-1.0, 0.0, 1.0]])))] == [0, 128, 255]


def test_bools_are_black_and_white():
    assert colours(read(np.array([[False, True]]))) == [BLACK, WHITE]


def test_constant_array_outside_0_to_1_is_black():
    with pytest.warns(DataWarning, match="its numbers, 7 to 7"):
        assert colours(read(np.full((1, 1), 7.0))) == [BLACK]


def test_torch_tensor_has_its_channels_first():
    tensor = torch.zeros(3, 1, 2)
    tensor[0, 0, 1] = 1
    assert colours(read(tensor)) == [BLACK, RED]
    assert colours(read(tensor.bfloat16())) == [BLACK, RED]
    assert colours(read(torch.full((1, 1), 128, dtype=torch.uint8))) == [GREY]


# size


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_large_picture_is_reduced_to_less_than_twice_of_what_is_needed(format: str):
    ramp = np.linspace(0, 255, 900)[None, :, None].repeat(300, 0).repeat(3, 2).astype(np.uint8)
    pixels = read(saved(Image.fromarray(ramp), format))
    assert 64 <= pixels.shape[0] < 128
    assert pixels.shape[1] == pytest.approx(3 * pixels.shape[0], abs=2)
    expected = np.interp(np.linspace(0, 1, pixels.shape[1]), [0, 1], [0, 255])
    assert np.abs(pixels[10, :, 0] - expected).max() < 4


def test_what_was_read_is_read_again_as_it_is():
    once = read(np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8))
    assert np.array_equal(read(once), once)


def test_60000_by_60000_pixels_are_refused_by_their_header(tmp_path: Path):
    (tmp_path / "huge.png").write_bytes(png_header(60_000, 60_000))
    with pytest.raises(InputError, match=r"huge\.png is too large .* 179 megapixels"):
        read(tmp_path / "huge.png")


def test_picture_that_pillow_only_warns_of_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    for format in ("PNG", "TIFF"):
        assert colours(read(saved(Image.new("RGB", (2, 2), RED), format))) == [RED] * 4


def test_limit_is_ours_where_pillow_only_warns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mt_core.sdk.pictures.MAX_PIXELS", 90_000_000)
    with pytest.raises(InputError, match="more than 90 megapixels"):
        read(png_header(10_000, 10_000))


# bad files


@pytest.mark.parametrize("name", ["notes.jpg", "notes.txt"])
def test_text_is_no_picture_whatever_it_is_called(tmp_path: Path, name: str):
    (tmp_path / name).write_text("not a picture")
    with pytest.raises(InputError, match=f"{name} is not a picture") as caught:
        read(tmp_path / name)
    assert ".png" in caught.value.fix


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("kept", [0.9, 0.5, 0.01])
def test_truncated_file_is_refused(tmp_path: Path, format: str, kept: float):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = saved(Image.fromarray(noise), format)
    (tmp_path / "cut").write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match="cut"):
        read(tmp_path / "cut")


def test_pipe_is_not_waited_for(tmp_path: Path):
    os = pytest.importorskip("os")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match="not a regular file"):
        read(tmp_path / "pipe.png")


@pytest.mark.parametrize("source", [png_header(0, 5), Image.new("RGB", (0, 5)), np.zeros((0, 5, 3)), np.zeros((0, 5))])
def test_picture_without_pixels_is_refused(source: Any):
    with pytest.raises(InputError, match=r"no pixel|not a picture"):
        read(source)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value: float):
    array = np.zeros((2, 2, 3), np.float32)
    array[1, 1, 0] = value
    for source in (array, torch.from_numpy(array).permute(2, 0, 1), saved(Image.fromarray(array[..., 0]), "TIFF")):
        with pytest.raises(InputError, match="NaN or infinite"):
            read(source)


@pytest.mark.parametrize(
    "source",
    [
        np.zeros(5),
        np.zeros((3, 8, 8)),
        np.zeros((2, 2, 5)),
        np.zeros((1, 2, 2, 3)),
        np.zeros((2, 2), complex),
        np.array([["a"]]),
        np.full((2, 2, 4), 9.0),
        torch.zeros(8, 8, 3),
        [[0, 1]],
        None,
        7,
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused_with_a_fix(source: Any):
    with pytest.raises(InputError) as caught:
        read(source)
    assert caught.value.fix


def test_compressed_text_bomb_is_refused():
    text = PngImagePlugin.PngInfo()
    text.add_text("bomb", "a" * 50_000_000, zip=True)
    with pytest.raises(InputError, match=r"too large|cannot be read"):
        read(saved(Image.new("RGB", (1, 1)), pnginfo=text))


def test_heic_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingDependencyError) as caught:
        read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert "pip install 'mt-plugin-image[heif]'" in caught.value.fix


def test_heic_is_read_where_its_package_is_installed():
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    pixels = read(saved(Image.new("RGB", (32, 32), RED), "HEIF"))
    assert np.abs(pixels.astype(int) - RED).max() <= 8
