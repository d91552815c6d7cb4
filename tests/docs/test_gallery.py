"""The gallery: every modality with what the encoder sees of a sample and what its prediction rests on."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from mt_core.plugins.official import OFFICIAL

DOCS = Path(__file__).parents[2] / "docs"


def entries(folder):
    """The pictures of the page, by modality."""
    page = (folder / "gallery.md").read_text("utf-8")
    assert "Prediction: **" in page
    return {name: folder / "assets" / f"gallery-{name}.png" for name in re.findall(r"^## (\w+)$", page, re.MULTILINE)}


def is_empty(file, left, right):
    """Whether a part of a picture, from one column to another, has no more than a few colours."""
    with Image.open(file) as picture:
        return len(picture.convert("RGB").crop((left, 0, right, picture.height)).getcolors(1 << 24)) < 5


def test_the_gallery_has_every_modality_and_no_empty_picture():
    found = entries(DOCS)
    assert set(found) == set(OFFICIAL)
    for file in found.values():
        assert not is_empty(file, 0, 260) and not is_empty(file, 272, 872)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_gallery_is_made_again_from_the_demonstrations(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import gallery

    try:
        gallery.write_gallery(list(OFFICIAL), 3, tmp_path)
    finally:
        del sys.modules["gallery"]
    found = entries(tmp_path)
    assert set(found) == set(OFFICIAL)
    for file in found.values():
        assert not is_empty(file, 0, 260) and not is_empty(file, 272, 872)
