"""Labels as tables write them: what is the same class in one table and in the next."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

_WHOLE = re.compile(r"([+-]?\d{1,300})(?:\.0*|,(?!000$)0+)?")  # 1,000 may be a thousand
_FRACTION = re.compile(r"([+-]?\d+\.\d*?)0+")
_BOOLEAN = {"true": "True", "false": "False"}


def canonical_label(cell: Any) -> str | None:
    """How a label is called, however its table writes it.

    Numbers are equal as numbers: "1", "1.0", "01" and 1.0 are "1" (a gap makes pandas write floats), "0.50" is "0.5".
    "1,0" is "1" as well; "1,000" stays as it is written, because it may be a thousand.
    "true" and "TRUE" are "True", and so is a boolean; 1 is not, for that it means true no table says. Blanks around
    are no part of a label, and letters with accents are one however they are composed. Any other text is as written.

    Args:
        cell: Text, a number or a boolean, also NumPy's.

    Returns:
        None where there is no label: None, NaN, or nothing but blanks.
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    text = unicodedata.normalize("NFC", str(cell).strip())
    if match := _WHOLE.fullmatch(text):
        return str(int(match[1]))
    if match := _FRACTION.fullmatch(text):
        return match[1]
    return _BOOLEAN.get(text.lower(), text) or None


def labels_as_written(names: Iterable[str]) -> dict[str, str]:
    """The label of each name of a folder: the name itself, also where it is a number ("007", "1.0"); of names that are
    one label ("1" and "01"), how `canonical_label` calls it.

    Blanks around are no part of it, and letters with accents are one however they are composed.
    """
    text_of = {name: unicodedata.normalize("NFC", name.strip()) or name for name in names}
    written: dict[str | None, set[str]] = {}
    for text in text_of.values():
        written.setdefault(canonical_label(text), set()).add(text)
    return {
        name: text if len(written[label := canonical_label(text)]) == 1 else label or text
        for name, text in text_of.items()
    }


def similar_labels(labels: Iterable[str]) -> str:
    """The first two labels that differ in capitals or blanks only, and are likely to be one: "Yes and yes"; else ""."""
    seen: dict[str, str] = {}
    for label in labels:
        other = seen.setdefault("".join(label.casefold().split()), label)
        if other != label and len(label) > 1:
            return f"{other} and {label}"
    return ""
