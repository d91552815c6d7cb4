"""Files damaged at random: bits flipped, an end cut off, parts of other files, text inserted, extreme integers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

Mutation = Callable[[np.random.Generator, bytes, Sequence[bytes]], bytes]

TEXTS = (
    *("", " ", "\0", "\n\n", "\r", "\t", ",", ";;", '"', "'", "#", "-", "--", "%", "\\", "|", "é", "\ufeff", "€" * 3),
    *("nan", "NaN", "-inf", "1e999", "-1e-320", "0x7f", "1,5", "1.2.3", "١٢", "1_000", "$1,234", "12%", "--5", "+-3"),
    *("null", "None", "N/A", "?", "true", "2020-01-01T00:00", "99/99/9999", "../../etc/passwd", "<a>", "</", "]]>"),
    *("{", "}", "[[[[[[", "(" * 200, "a" * 5000, "9" * 400, "C1CC", "element vertex -1", "%s%n", "format ascii 9.9"),
)  # fmt: skip

NUMBERS = (
    *("0", "-1", "1", "127", "255", "256", "65535", "65536", "2147483647", "2147483648", "-2147483648", "4294967295"),
    *(
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551616",
        "1" + "0" * 30,
        "1e308",
        "0.0",
    ),
)

_WIDTHS = (1, 2, 4, 8)
_INTEGER = re.compile(rb"\d+")


def flip_bits(draw: np.random.Generator, content: bytes, others: Sequence[bytes]) -> bytes:
    """One to sixteen bits are inverted."""
    changed = bytearray(content)
    for place in draw.integers(0, len(content), draw.integers(1, 17)):
        changed[place] ^= 1 << draw.integers(8)
    return bytes(changed)


def truncate(draw: np.random.Generator, content: bytes, others: Sequence[bytes]) -> bytes:
    """The end is cut off, or the beginning."""
    place = int(draw.integers(len(content)))
    return content[place:] if draw.random() < 0.2 else content[:place]


def splice(draw: np.random.Generator, content: bytes, others: Sequence[bytes]) -> bytes:
    """A part of another file, or of this one, is put in, with or without taking out as much."""
    other = others[draw.integers(len(others))]
    first, last = sorted(draw.integers(0, len(other) + 1, 2))
    place = int(draw.integers(len(content) + 1))
    rest = content[place + (last - first) * int(draw.integers(2)) :]
    return content[:place] + other[first:last] + rest


def insert_text(draw: np.random.Generator, content: bytes, others: Sequence[bytes]) -> bytes:
    """Up to four times a text that means something in some format is put in, also in place of as much."""
    for _ in range(draw.integers(1, 5)):
        text = TEXTS[draw.integers(len(TEXTS))].encode()
        place = int(draw.integers(len(content) + 1))
        content = content[:place] + text + content[place + len(text) * int(draw.integers(2)) :]
    return content


def extreme_integer(draw: np.random.Generator, content: bytes, others: Sequence[bytes]) -> bytes:
    """An integer becomes zero, the largest, the smallest or one beside them: as text, or as bytes in either order."""
    numbers = list(_INTEGER.finditer(content))
    if numbers and draw.random() < 0.5:
        found = numbers[draw.integers(len(numbers))]
        return content[: found.start()] + NUMBERS[draw.integers(len(NUMBERS))].encode() + content[found.end() :]
    width = int(_WIDTHS[draw.integers(len(_WIDTHS))])
    half = 1 << (8 * width - 1)
    values = (0, 1, half - 1, half, half + 1, 2 * half - 1, 2 * half - 2, 3 * half // 2)
    value = values[draw.integers(len(values))]
    order = "little" if draw.random() < 0.5 else "big"
    # headers come first
    place = int(draw.integers(min(len(content), 128) if draw.random() < 0.5 else len(content)))
    return content[:place] + value.to_bytes(width, order) + content[place + width :]  # type: ignore[arg-type]


MUTATIONS: dict[str, Mutation] = {
    "bit flips": flip_bits,
    "truncation": truncate,
    "splices": splice,
    "inserted text": insert_text,
    "extreme integers": extreme_integer,
}


def mutated(draw: np.random.Generator, content: bytes, others: Sequence[bytes]) -> tuple[str, bytes]:
    """A damaged content, and how it was damaged; now and then twice.

    Args:
        content: Of a file, at least one byte.
        others: Of files of the same modality, to splice from.
    """
    names = [str(draw.choice(list(MUTATIONS)))]
    if draw.random() < 0.25:
        names.append(str(draw.choice(list(MUTATIONS))))
    for name in names:
        content = MUTATIONS[name](draw, content, others) if content else content
    return " and ".join(names), content
