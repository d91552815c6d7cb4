"""The colours of the style sheet, light and dark, can be told from what they stand on (WCAG 2.1, 1.4.3 and 1.4.11)."""

import re
from importlib import resources

import pytest

from mt_core.io.chart import chart_style

CSS = chart_style() + (resources.files("mt_report") / "style.css").read_text("utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
)
DARK = {**LIGHT, **DARK}


def parts(colour):
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def luminance(channels):
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast(parts("#000000"), parts("#ffffff")) == pytest.approx(21)
    assert contrast(parts("#777777"), parts("#ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "panel"])
def test_text_is_legible(theme, ground):
    for name in ("text", "muted", "accent"):
        assert contrast(parts(theme[name]), parts(theme[ground])) >= 4.5, name


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_a_chart_can_be_seen(theme):
    for number in range(10):
        assert contrast(parts(theme[f"k{number}"]), parts(theme["panel"])) >= 3, number


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_on_the_darkest_cell_is_legible(theme):
    (share,) = re.findall(r"calc\(var\(--v\) \* (\d+)%\)", CSS)
    mixed = [
        own * int(share) / 100 + page * (1 - int(share) / 100)
        for own, page in zip(parts(theme["accent"]), parts(theme["page"]), strict=True)
    ]
    assert contrast(parts(theme["text"]), mixed) >= 4.5
