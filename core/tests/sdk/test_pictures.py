"""Pictures as arrays; what each plugin makes of them, its own tests say."""

import numpy as np
import pytest
import torch
from PIL import Image

from mt_core.errors import InputError
from mt_core.sdk import as_pixels, as_standard_pixels, luminance, open_picture, picture_to_array, robust_range, shrink

FORMATS, SUFFIXES = ("PNG", "TIFF"), (".png", ".tif")


@pytest.mark.parametrize(
    ("mode", "channels", "kind"),
    [
        ("1", 1, np.uint8),
        ("L", 1, np.uint8),
        ("LA", 2, np.uint8),
        ("P", 3, np.uint8),
        ("RGB", 3, np.uint8),
        ("RGBA", 4, np.uint8),
        ("CMYK", 3, np.uint8),
        ("I;16", 1, np.uint16),
        ("F", 1, np.float32),
    ],
)
def test_a_picture_of_any_mode_is_an_array_of_its_channels(mode, channels, kind):
    values = picture_to_array(Image.new(mode, (6, 4)))
    assert values.shape == (4, 6, channels) and values.dtype == kind


def test_sixteen_bits_in_a_wider_mode_stay_sixteen_bits():
    assert picture_to_array(Image.fromarray(np.full((2, 2), 40_000, np.int32))).dtype == np.uint16
    assert picture_to_array(Image.fromarray(np.full((2, 2), 80_000, np.int32))).dtype == np.int32


def test_a_picture_is_turned_upright():
    picture = Image.new("L", (6, 4))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.info["exif"] = exif.tobytes()
    assert picture_to_array(picture).shape[:2] == (6, 4)


def test_eight_bit_pictures_are_averaged_before_they_become_arrays_and_others_afterwards():
    colours = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    early = picture_to_array(Image.fromarray(colours), needed=8)
    assert np.array_equal(early, shrink(picture_to_array(Image.fromarray(colours)), 8)) and early.shape == (8, 12, 3)
    assert picture_to_array(Image.fromarray(colours[..., 0].astype(np.uint16)), needed=8).shape == (32, 48, 1)


def test_pictures_in_memory_keep_their_numbers_in_this_machines_byte_order():
    for kind in (">u2", ">i4", "<f8"):
        values = as_pixels(np.full((2, 3), 7, kind), "a")
        assert values.dtype.isnative and (values == 7).all() and values.dtype.kind == np.dtype(kind).kind
    assert as_pixels(Image.new("L", (3, 2)), "a").shape == (2, 3, 1)


@pytest.mark.parametrize("content", [b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 20])
def test_what_is_no_picture_is_refused_with_the_formats(content):
    with pytest.raises(InputError, match=r"not a picture that can be read") as caught:
        open_picture(content, FORMATS, SUFFIXES)
    assert ".tif" in caught.value.fix


def test_a_format_that_was_not_asked_for_is_refused(tmp_path):
    Image.new("L", (3, 3)).save(tmp_path / "a.bmp")
    with pytest.raises(InputError, match=r"a\.bmp"):
        open_picture(tmp_path / "a.bmp", FORMATS, SUFFIXES)


@pytest.mark.parametrize(
    ("given", "kind", "full"),
    [
        (np.ones((2, 3), bool), np.uint8, 255),
        (np.full((2, 3), 7, np.uint8), np.uint8, 7),
        (np.full((2, 3), 7, ">u2"), np.uint16, 7),
        (np.full((2, 3), -7, np.int32), np.float32, -7),
        (torch.full((1, 2, 3), 0.5, dtype=torch.bfloat16), np.float32, 0.5),
    ],
)
def test_arrays_keep_small_integers_and_become_floats_otherwise(given, kind, full):
    values = as_standard_pixels(given, "a")
    assert values.shape == (2, 3, 1) and values.dtype == kind and (values == full).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((2, 2, 5)), "shape"),
        (np.zeros((0, 2)), "no pixel"),
        (np.full((2, 2), np.nan), "NaN"),
        (np.array([["a"]]), "no pixels"),
        ([[1]], "not a picture"),
    ],
)
def test_what_is_no_array_of_pixels_is_refused(given, said):
    with pytest.raises(InputError, match=said):
        as_standard_pixels(given, "a")


def test_grey_is_the_luminance_of_colours():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert luminance(colours)[0, :, 0].tolist() == [76, 150, 29]  # 0.299, 0.587, 0.114 of 255


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_large_picture_is_averaged_by_whole_numbers(kind):
    values = np.kron(np.arange(4).reshape(2, 2), np.ones((6, 6))).astype(kind)[..., None] * 10
    small = shrink(values, needed=2)
    assert small.dtype == kind and small.shape == (2, 2, 1)
    assert small.ravel().tolist() == [0, 10, 20, 30]
    assert shrink(values, needed=7) is values


def test_a_robust_range_leaves_out_the_outermost_hundredth():
    values = np.concatenate([np.full(1, -1e6), np.linspace(0, 1, 998), np.full(1, 1e6)]).reshape(10, 100, 1)
    low, high = robust_range(values)
    assert low[0] == pytest.approx(0.009, abs=2e-3) and high[0] == pytest.approx(0.991, abs=2e-3)
