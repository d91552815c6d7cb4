"""How samples are shown."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mt_core.embedding.sample_pictures import GAP, Seen
from mt_report.samples import png_of
from mt_report.text import energy, interval, number, seconds, short, size


def decoded(shown):
    return np.asarray(Image.open(BytesIO(b64decode(shown.partition("base64,")[2].rstrip('">')))))


def test_four_views_stand_two_by_two():
    levels = (10, 70, 140, 210)
    views = [np.full((40, 40, 3), level, np.uint8) for level in levels]
    gap = np.full((40, GAP, 3), 255, np.uint8)
    picture = np.concatenate([each for view in views for each in (gap, view)][1:], axis=1)
    shown = decoded(png_of(Seen(picture=picture), "a <cloud>", 192))
    assert shown.shape == (84, 84, 3)
    corners = [int(shown[y, x, 0]) for y in (10, 70) for x in (10, 70)]
    assert corners == pytest.approx(levels, abs=3)
    assert 'alt="a &lt;cloud&gt;"' in png_of(Seen(picture=picture), "a <cloud>", 192)


def test_a_picture_is_made_smaller_and_never_larger():
    assert decoded(png_of(Seen(picture=np.zeros((300, 300, 3), np.uint8)), "", 80)).shape == (80, 80, 3)
    assert decoded(png_of(Seen(picture=np.zeros((20, 20, 3), np.uint8)), "", 80)).shape == (20, 20, 3)
    assert png_of(Seen(text="a"), "", 80) == ""


def test_numbers_and_names_are_short():
    assert [number(each) for each in (0.123456, 1234567.0, 12345.6, float("nan"), 3.0)] == [
        "0.1235",
        "1,234,567",
        "12,346",
        "not known",
        "3",
    ]
    assert interval((0.25, 0.5)) == "0.25 to 0.5" and interval(None) == ""
    assert [seconds(each) for each in (3.14159, 200, 7500)] == ["3.14 s", "3 min 20 s", "2 h 05 min"]
    assert [size(each) for each in (12, 4200, 1.5e6, 2e9)] == ["12 bytes", "4.2 kB", "1.5 MB", "2 GB"]
    assert energy(7200) == "7,200 J (2 Wh)" and energy(1.234) == "1.23 J (0.000343 Wh)"
    assert short("a/b/c", 4) == "…b/c"[-4:] and len(short("x" * 99, 10)) == 10
