"""Every kind of thermal picture is read as the numbers it holds, and every bad file is refused in our own words."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from mt_core.errors import DataWarning, InputError, MissingDependencyError
from mt_plugin_infrared.reading import read_frame

COUNTS = np.array([[0, 29_315, 40_000], [65_535, 1, 256]], np.uint16)

CELSIUS = np.array([[-20.5, 0.0, 36.6], [1e3, 273.15, 80.0]], np.float32)


def read(source: Any, channels: int = 1) -> np.ndarray[Any, Any]:
    return read_frame(source, channels, needed=64)


def saved(picture: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def tiff(array: np.ndarray[Any, Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


# numbers


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_read_to_the_last(format: str):
    frame = read(saved(Image.fromarray(COUNTS), format))
    assert frame.dtype == np.uint16 and np.array_equal(frame[..., 0], COUNTS)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff_needs_no_further_package(monkeypatch: pytest.MonkeyPatch, compression: str):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    assert np.array_equal(read(saved(Image.fromarray(COUNTS), "TIFF", compression=compression))[..., 0], COUNTS)


def test_degrees_in_a_tiff_stay_degrees():
    for content in (saved(Image.fromarray(CELSIUS), "TIFF"), tiff(CELSIUS), tiff(CELSIUS.astype(np.float64))):
        frame = read(content)
        assert frame.dtype == np.float32 and np.array_equal(frame[..., 0], CELSIUS)


@pytest.mark.parametrize(
    "values",
    [
        np.array([[-300, 0, 300]], np.int16),
        np.array([[0, 70_000, 2**31 + 1024]], np.uint32),
        np.array([[-70_000, 0, 9]], np.int32),
        np.array([[-1.5, 0, 2]], np.float16),
    ],
    ids=lambda values: values.dtype.name,
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_that_pillow_would_change_are_read_by_tifffile(values: np.ndarray[Any, Any], order: str):
    frame = read(tiff(values, byteorder=order))
    assert frame.dtype == np.float32 and np.array_equal(frame[..., 0], values.astype(np.float32))


def test_eight_bits_stay_eight_bits():
    grey = np.array([[0, 7, 255]], np.uint8)
    for format in ("PNG", "BMP", "TIFF"):
        frame = read(saved(Image.fromarray(grey), format))
        assert frame.dtype == np.uint8 and np.array_equal(frame[..., 0], grey)
    flat = read(saved(Image.new("L", (16, 16), 200), "JPEG", quality=100))
    assert flat.shape == (16, 16, 1) and np.abs(flat.astype(int) - 200).max() <= 1


@pytest.mark.parametrize(
    "source",
    [
        COUNTS,
        COUNTS[..., None],
        COUNTS.astype(">u2"),
        torch.from_numpy(COUNTS.astype(np.int32)).to(torch.uint16),
        Image.fromarray(COUNTS),
    ],
    ids=["2-d", "3-d", "big-endian", "tensor", "pillow"],
)
def test_frames_in_memory_are_read_like_their_files(source: Any):
    frame = read(source)
    assert frame.shape == (2, 3, 1) and frame.dtype == np.uint16 and np.array_equal(frame[..., 0], COUNTS)


def test_path_string_and_bytes_are_read_alike(tmp_path: Path):
    path = tmp_path / "a.jpg"  # by content, whatever it is called
    path.write_bytes(tiff(CELSIUS))
    for source in (path, str(path), path.read_bytes()):
        assert np.array_equal(read(source)[..., 0], CELSIUS)


# channels


def test_colours_become_their_luminance():
    colours = Image.new("RGB", (3, 1), (255, 0, 0))
    colours.putpixel((1, 0), (0, 255, 0))
    colours.putpixel((2, 0), (0, 0, 255))
    with pytest.warns(DataWarning, match="colours are taken for their brightness"):
        grey = read(saved(colours))
    assert grey[0, :, 0].tolist() == [76, 150, 29]  # ITU-R BT.601: 0.299, 0.587, 0.114


def test_channels_are_kept_where_they_are_asked_for():
    values = np.arange(24, dtype=np.uint16).reshape(2, 3, 4) * 1000
    extra = {"photometric": "rgb", "extrasamples": ["unassalpha"]}
    assert np.array_equal(read(tiff(values, **extra), channels=4), values)
    assert np.array_equal(read(tiff(values, **extra), channels=3), values[..., :3])
    planes = np.moveaxis(values, -1, 0)
    assert np.array_equal(read(tiff(planes, photometric="minisblack", planarconfig="separate"), channels=4), values)
    assert np.array_equal(read(values, channels=2), values[..., :2])


def test_one_channel_is_repeated():
    assert np.array_equal(read(COUNTS, channels=3), np.stack([COUNTS] * 3, axis=-1))


def test_fewer_channels_than_asked_for_are_refused():
    with pytest.raises(InputError, match="2 channels, not 4") as caught:
        read(np.zeros((4, 4, 2), np.uint8), channels=4)
    assert "channels=2" in caught.value.fix


@pytest.mark.parametrize("pages", [COUNTS, CELSIUS.astype(np.float64)], ids=["pillow", "tifffile"])
def test_pages_are_channels_where_there_are_as_many_and_else_the_first_is_read(pages: np.ndarray[Any, Any]):
    both = np.stack([pages, pages[::-1]])
    content = tiff(both, photometric="minisblack")
    assert np.array_equal(read(content, channels=2), np.moveaxis(both, 0, -1))
    with pytest.warns(DataWarning, match="what follows its first page: 1 more"):
        assert np.array_equal(read(content)[..., 0], pages)
    with pytest.warns(DataWarning):
        assert np.array_equal(read(content, channels=3), np.stack([pages] * 3, -1))


def test_many_bands_are_sent_to_the_plugin_for_them():
    with pytest.raises(InputError) as caught:
        read(tiff(np.zeros((8, 8, 9), np.uint16), photometric="minisblack", planarconfig="contig"))
    assert "hyperspectral" in caught.value.fix


# size


def test_large_frame_is_averaged_to_less_than_twice_of_what_is_needed():
    counts = np.arange(512 * 640, dtype=np.uint32).reshape(512, 640).astype(np.uint16)
    frame = read(counts)
    assert frame.shape == (64, 80, 1) and frame.dtype == np.uint16
    means = counts.reshape(64, 8, 80, 8).mean((1, 3))
    assert np.abs(frame[..., 0] - means).max() <= 1


def test_what_was_read_is_read_again_as_it_is():
    for source in (COUNTS.repeat(99, 0).repeat(99, 1), tiff(CELSIUS), saved(Image.new("RGB", (300, 200), "grey"))):
        once = read(source)
        assert np.array_equal(read(pickle.loads(pickle.dumps(once))), once)


def huge_png() -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def huge_tiff(values: np.ndarray[Any, Any]) -> bytes:
    """Its width (tag 256) and its height (tag 257) say 60,000."""
    content = bytearray(tiff(values))
    for tag in (256, 257):
        at = content.index(struct.pack("<HH", tag, 4)) if struct.pack("<HH", tag, 4) in content else -1
        kind, width = ("<HHII", 4) if at >= 0 else ("<HHIHH", 3)
        at = at if at >= 0 else content.index(struct.pack("<HH", tag, 3))
        fields = (tag, width, 1, 60_000) if width == 4 else (tag, width, 1, 60_000, 0)
        content[at : at + 12] = struct.pack(kind, *fields)
    return bytes(content)


@pytest.mark.parametrize(
    "content", [huge_png(), huge_tiff(COUNTS), huge_tiff(CELSIUS.astype(np.float64))], ids=["png", "tiff", "float64"]
)
def test_60000_by_60000_pixels_are_refused_by_their_header(tmp_path: Path, content: bytes):
    (tmp_path / "huge.tif").write_bytes(content)
    with pytest.raises(InputError, match=r"huge\.tif is too large"):
        read(tmp_path / "huge.tif")


# bad files


def contents() -> dict[str, bytes]:
    noise = np.random.default_rng(0).integers(0, 65_536, (64, 64), np.uint16)
    return {
        "png": saved(Image.fromarray(noise)),
        "tiff": saved(Image.fromarray(noise), "TIFF"),
        "lzw": saved(Image.fromarray(noise), "TIFF", compression="tiff_lzw"),
        "jpeg": saved(Image.fromarray((noise >> 8).astype(np.uint8)), "JPEG"),
        "float64": tiff(noise.astype(np.float64)),
        "strips": tiff(noise.astype(np.int16), rowsperstrip=8),
        "rgb16": tiff(np.stack([noise] * 3, -1), photometric="rgb"),
    }


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.01])
@pytest.mark.parametrize("kind", contents())
def test_truncated_file_is_refused(tmp_path: Path, kind: str, kept: float, capfd: pytest.CaptureFixture[str]):
    content = contents()[kind]
    (tmp_path / "cut").write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match="cut"):
        read(tmp_path / "cut")
    assert capfd.readouterr().err == ""


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
@pytest.mark.parametrize("kind", contents())
def test_damaged_file_is_read_or_refused_in_our_words(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]):
    random = np.random.default_rng(0)
    for _ in range(40):
        content = bytearray(contents()[kind])
        for at in (*random.integers(0, len(content), 8), *random.integers(0, 200, 3)):
            content[at] = random.integers(0, 256)
        try:
            read(bytes(content))
        except (InputError, MissingDependencyError) as error:
            assert error.fix
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("start", [b"", b"II*\0", b"MM\0*", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"BM"])
def test_random_bytes_are_refused(tmp_path: Path, start: bytes, capfd: pytest.CaptureFixture[str]):
    (tmp_path / "noise.tif").write_bytes(start + np.random.default_rng(1).bytes(5000))
    with pytest.raises(InputError, match=r"noise\.tif") as caught:
        read(tmp_path / "noise.tif")
    assert caught.value.fix and capfd.readouterr().err == ""


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_no_numbers_are_refused(value: float):
    array = CELSIUS.astype(np.float64)
    array[1, 1] = value
    for source in (array, torch.from_numpy(array), tiff(array)):
        with pytest.raises(InputError, match="NaN or infinite"):
            read(source)


@pytest.mark.parametrize(
    "source",
    [np.zeros(5), np.zeros((2, 2, 5)), np.zeros((0, 5)), np.zeros((2, 2), complex), np.array([["a"]]), [[0]], None, 7],
    ids=str,
)
def test_what_is_no_picture_is_refused_with_a_fix(source: Any):
    with pytest.raises(InputError) as caught:
        read(source)
    assert caught.value.fix


def test_compression_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    def without_imagecodecs(page: Any) -> None:
        raise ValueError("<COMPRESSION.ZSTD: 50000> requires the 'imagecodecs' package")  # tifffile's words

    monkeypatch.setattr(tifffile.TiffPage, "asarray", without_imagecodecs)
    with pytest.raises(MissingDependencyError) as caught:
        read(tiff(CELSIUS.astype(np.float64)))
    assert "pip install 'mt-plugin-infrared[codecs]'" in caught.value.fix


def test_compression_with_its_package_is_read():
    pytest.importorskip("imagecodecs")
    assert np.array_equal(read(tiff(CELSIUS.astype(np.float64), compression="zstd"))[..., 0], CELSIUS)
