"""Pictures as other people's programs write them: read as they are meant, told, or refused. TIFF has its own file."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mt_core.errors import DataWarning, InputError, MissingDependencyError
from mt_plugin_image.reading import read_picture

foreign = pytest.mark.foreign_file

RED, GREEN = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), (0, 255, 0))

WHITE = 255


def read(source: Any) -> np.ndarray[Any, Any]:
    return read_picture(source, needed=64)


def saved(picture: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def png(width: int, bits: int, kind: int, row: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG of one row, byte by byte after ISO/IEC 15948."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, kind, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(*each) for each in more) + pixels


GREY, RGB, GREY_ALPHA = 0, 2, 4  # colour types


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            png(3, 16, GREY, struct.pack(">3H", 0, 257 * 100, 65535)),
            [0, 100, 255],
            marks=foreign("16 bits of grey", "scanner, PNG", "read: scaled by 65535"),
        ),
        pytest.param(
            png(2, 16, RGB, struct.pack(">6H", 257, 257, 257, 65535, 65535, 65535)),
            [1, 255],
            marks=foreign("16 bits a colour", "scanner, PNG", "read: their higher 8 bits"),
        ),
        pytest.param(
            png(2, 16, GREY, struct.pack(">2H", 514, 1028), (b"tRNS", struct.pack(">H", 514))),
            [WHITE, 4],
            marks=foreign("16 bits of grey, one of them transparent", "plotting software, PNG", "read: laid on white"),
        ),
        pytest.param(
            png(4, 2, GREY, bytes([0b00011011]), (b"tRNS", struct.pack(">H", 1))),
            [0, WHITE, 170, 255],
            marks=foreign("2 bits of grey, one of them transparent", "optimiser, PNG", "read: laid on white"),
        ),
        pytest.param(
            png(2, 4, GREY, bytes([0x2F]), (b"tRNS", struct.pack(">H", 2))),
            [WHITE, 255],
            marks=foreign("4 bits of grey, one of them transparent", "optimiser, PNG", "read: laid on white"),
        ),
        pytest.param(
            png(2, 16, GREY_ALPHA, struct.pack(">4H", 0, 65535, 0, 0)),
            [0, WHITE],
            marks=foreign("16 bits of grey and opacity", "photo editor, PNG", "read: laid on white"),
        ),
        pytest.param(
            b"P5 2 1 65535\n\0\1\1\1",
            [0, 1],
            marks=foreign("a dark picture of 16 bits", "machine camera, PGM", "read: as dark as it is"),
        ),
        pytest.param(
            b"P5 2 1 4095\n\x0f\xff\0\0",
            [255, 0],
            marks=foreign("a maximum of 4095", "machine camera, PGM", "read: scaled by it"),
        ),
    ],
)
def test_grey_is_as_bright_as_it_is_meant(content: bytes, expected: list[int]):
    assert read(content)[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    ("format", "options"),
    [
        pytest.param("GIF", {}, marks=foreign("an animation", "web, GIF", "read, told: the first frame")),
        pytest.param(
            "WEBP", {"lossless": True}, marks=foreign("an animation", "web, WebP", "read, told: the first frame")
        ),
        pytest.param("PNG", {}, marks=foreign("an animation (APNG)", "web, PNG", "read, told: the first frame")),
        pytest.param(
            "AVIF", {"quality": 100}, marks=foreign("an animation", "web, AVIF", "read, told: the first frame")
        ),
    ],
)
def test_of_an_animation_the_first_frame_is_read_and_told(format: str, options: dict[str, Any]):
    content = saved(RED, format, save_all=True, append_images=[GREEN], **options)
    with pytest.warns(DataWarning, match="left out: what follows the first frame of an animation of 2"):
        assert np.abs(read(content).astype(int) - (255, 0, 0)).max() <= 3


@foreign("a second picture for depth or brightness (MPO)", "telephone, JPEG", "read: the first")
def test_of_a_jpeg_with_further_pictures_the_first_is_read():
    content = saved(RED, "MPO", save_all=True, append_images=[GREEN])
    assert np.abs(read(content).astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(
    ("format", "options"),
    [
        pytest.param("JPEG", {"quality": 100}, marks=foreign("turned by EXIF", "telephone, JPEG", "read: upright")),
        pytest.param("PNG", {}, marks=foreign("turned by EXIF", "telephone screenshot, PNG", "read: upright")),
        pytest.param("WEBP", {"lossless": True}, marks=foreign("turned by EXIF", "web service, WebP", "read: upright")),
    ],
)
def test_a_turned_picture_is_upright(format: str, options: dict[str, Any]):
    """6: the first row is the right side of the picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:8] = 255
    upright = read(saved(Image.fromarray(stored), format, exif=exif, **options))
    assert upright.shape == (32, 16, 3) and upright[:, 8:].min() > 250 and upright[:, :8].max() < 5


def without_adobe(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4]) :]


@foreign("CMYK, stored as its negative (Adobe)", "print shop, JPEG", "read")
def test_adobes_cmyk_is_the_negative_of_what_is_stored():
    content = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)
    assert np.abs(read(content).astype(int) - (255, 0, 0)).max() <= 3


@foreign("CMYK without Adobe's mark", "print software, JPEG", "read, told: as it stands")
def test_cmyk_without_adobes_mark_is_taken_as_it_stands():
    """Pillow writes the negative of what it is given, so that the file holds (0, 255, 255, 0)."""
    content = without_adobe(saved(Image.new("CMYK", (16, 16), (255, 0, 0, 255)), "JPEG", quality=100))
    with pytest.warns(DataWarning, match="without Adobe's mark"):
        assert np.abs(read(content).astype(int) - (255, 0, 0)).max() <= 3


@foreign("an unusual gamma", "renderer, PNG", "read, told: not applied")
def test_an_unusual_gamma_is_told():
    with pytest.warns(DataWarning, match="gamma"):
        pixels = read(png(1, 8, GREY, b"\x80", (b"gAMA", struct.pack(">I", 100_000))))
    assert pixels.tolist() == [[[128, 128, 128]]]


@foreign("progressive, in colours of half the size (4:2:0), odd sides", "web, JPEG", "read")
def test_a_progressive_jpeg_is_read_as_pillow_decodes_it():
    across, down = np.meshgrid(np.arange(63), np.arange(61))
    picture = Image.fromarray(np.stack([across * 4, down * 4, across + down], -1).astype(np.uint8))
    content = saved(picture, "JPEG", progressive=True, subsampling=2)
    assert np.array_equal(read(content), np.asarray(Image.open(io.BytesIO(content))))


@pytest.mark.parametrize(
    ("name", "format"),
    [
        pytest.param("a.jpg", "PNG", marks=foreign("PNG under the name .jpg", "download script", "read")),
        pytest.param("a.png", "WEBP", marks=foreign("WebP under the name .png", "web, saved as", "read")),
        pytest.param("a.JPG", "BMP", marks=foreign("BMP under the name .JPG", "old software", "read")),
    ],
)
def test_the_content_counts_and_not_the_name(tmp_path: Path, name: str, format: str):
    options = {"lossless": True} if format == "WEBP" else {}
    (tmp_path / name).write_bytes(saved(RED, format, **options))
    assert np.array_equal(read(tmp_path / name), np.asarray(RED))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
            r"an SVG drawing(.|\n)*draw it into a PNG",
            marks=foreign("SVG under the name .png", "web", "refused: to be drawn first"),
        ),
        pytest.param(
            b"<!DOCTYPE html><html><body>404 Not Found",
            "a web page",
            marks=foreign("an error page under the name .jpg", "download script", "refused: is a web page"),
        ),
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            r"Git LFS pointer(.|\n)*git lfs pull",
            marks=foreign("a Git LFS pointer", "repository of data", "refused: to be pulled"),
        ),
        pytest.param(
            b"\0" * 4096,
            "full of zeros",
            marks=foreign("zeros throughout", "broken copy", "refused: full of zeros"),
        ),
        pytest.param(b"%PDF-1.7\n", "a PDF", marks=foreign("PDF under the name .jpg", "scanner", "refused: is a PDF")),
        pytest.param(
            b"8BPS\0\1", "Photoshop", marks=foreign("PSD", "photo editor", "refused: to be saved as PNG or TIFF")
        ),
        pytest.param(
            b"\0\0\0\x18ftypisom\0\0\0\0",
            "a video",
            marks=foreign("a video under .jpg", "telephone", "refused: is a video"),
        ),
        pytest.param(
            b"\xff\x0a\xfa\x1f",
            "JPEG XL",
            marks=foreign("JPEG XL", "photo editor", "refused: to be saved as JPEG or PNG"),
        ),
        pytest.param(b"", "empty|no bytes", marks=foreign("zero bytes", "broken download", "refused: empty")),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(tmp_path: Path, content: bytes, said: str):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read(tmp_path / "a.png")


@foreign("HEIC under the name .jpg", "telephone", "read with [heif], otherwise refused: names the package")
def test_heic_without_its_package_names_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(MissingDependencyError, match=r"HEIC(.|\n)*\[heif\]"):
        read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


@pytest.mark.parametrize(
    ("format", "options"),
    [
        pytest.param("JPEG", {}, marks=foreign("cut off", "broken download, JPEG", "refused: truncated")),
        pytest.param("JPEG", {"progressive": True}, marks=foreign("cut off", "progressive JPEG", "refused: truncated")),
        pytest.param("PNG", {}, marks=foreign("cut off", "broken download, PNG", "refused: truncated")),
        pytest.param("WEBP", {}, marks=foreign("cut off", "broken download, WebP", "refused")),
        pytest.param("GIF", {}, marks=foreign("cut off", "broken download, GIF", "refused: truncated")),
        pytest.param("AVIF", {}, marks=foreign("cut off", "broken download, AVIF", "refused")),
    ],
)
@pytest.mark.parametrize("part", [0.4, 0.8])
def test_a_truncated_picture_is_refused(format: str, options: dict[str, Any], part: float):
    content = saved(NOISE, format, **options)
    with pytest.raises(InputError):
        read(content[: int(len(content) * part)])
