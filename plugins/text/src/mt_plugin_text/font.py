"""The letters that texts are written with: DejaVu Sans, which comes with matplotlib, a dependency of mt-core.

It has some 5,900 characters: Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic, mathematics, and no Chinese,
Japanese, Korean, Indian or Thai ones. Pillow's own font, Aileron, has 111. Its licence (DejaVu changes in the public
domain, Bitstream Vera) is permissive.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mt_core.errors import FingerprintError, MissingDependencyError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_FILE = "mpl-data/fonts/ttf/DejaVuSans.ttf"
_EM = 7 / 8  # of a line: from the top of b to the foot of p is one em
_JUDGED = 24  # pixels at which a character is compared with the box that stands for a missing one
_NONE = "\uffff"  # is no character, in any font


@cache
def font_file() -> Path:
    """Raises:
    MissingDependencyError: matplotlib is not installed, or without its fonts.
    """
    spec = find_spec("matplotlib")  # looks for it without running it
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if (path := Path(folder) / _FILE).is_file():
            return path
    raise MissingDependencyError(f"matplotlib's {_FILE} is not installed", fix="pip install 'matplotlib>=3.9'")


@cache
def font_digest() -> str:
    """The SHA-256 of the font."""
    return hashlib.sha256(font_file().read_bytes()).hexdigest()


def check_font(digest: str | None) -> None:
    """Refuse what was trained on other letters.

    Raises:
        FingerprintError: it names another font, or none.
    """
    if digest != font_digest():
        raise FingerprintError(
            f"trained on letters of another font than {font_file()} (SHA-256 {digest or 'none'}, not {font_digest()})",
            fix="train it again, or install matplotlib from PyPI: its font is DejaVu Sans 2.35",
        )


@cache
def letters(line: int) -> FreeTypeFont:
    """The font for lines of so many pixels. Letters are placed one by one, whatever else is installed."""
    from PIL import ImageFont

    return ImageFont.truetype(font_file(), max(1, round(line * _EM)), layout_engine=ImageFont.Layout.BASIC)


def drawable(text: str) -> tuple[str, list[str]]:
    """A text of characters that the font has, and those that it lacks.

    They are written as their numbers, so that two texts of such characters do not look alike; what has no looks
    (joiners, marks of direction) is left out.
    """
    lacking = sorted({character for character in text if not _has(character)})
    if not lacking:
        return text, []
    written = {ord(each): "" if _is_invisible(each) else f"<{ord(each):x}>" for each in lacking}
    return text.translate(written), [each for each in lacking if written[ord(each)]]


@cache
def _has(character: str) -> bool:
    return character == " " or _mask(character) != _mask(_NONE)


@cache
def _mask(character: str) -> tuple[tuple[int, int], bytes]:
    mask = letters(_JUDGED).getmask(character)
    return mask.size, bytes(mask)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf") or "VARIATION SELECTOR" in unicodedata.name(character, "")
