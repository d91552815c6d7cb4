"""Sentences that need no download: judgements from templates, whose meaning depends on the order of their words."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np

from mt_core.sdk import select_splits, temporary_folder

_SHARES = {"train": (0.0, 0.6), "val": (0.6, 0.8), "test": (0.8, 1.0)}

_CLASSES = ("negative", "positive")

_THINGS = (
    "the food", "the film", "this book", "the hotel", "her speech", "the music", "our guide", "the story", "that beach",
    "the acting",
)  # fmt: skip
_VERBS = ("was", "is", "seemed", "felt")
_DEGREES = ("", "very", "really", "quite", "simply", "so")
_ADJECTIVES = {
    "negative": ("bad", "boring", "awful", "dull", "sad", "poor", "cold", "terrible"),
    "positive": ("good", "great", "lovely", "funny", "happy", "warm", "fresh", "wonderful"),
}
_PATTERNS = ("{0}", "{0} and {1}", "not {0}", "{0} , not {2}", "not {0} but {2}")
"""{0} and {1} are adjectives of one class, {2} of the other; the last two hold the same words for either class."""

_EXAMPLE = "The soup was good, and the film was not."
_NEGATED = ("not {0}", "not {0} but {2}")


def write_demo(split: str, size: int, seed: int) -> Path:
    """A folder with a table of sentence and label for each split asked for; no sentence is in two of them.

    Args:
        size: Sentences of a split, at the most.
    """
    folder = temporary_folder("text")
    choices = list(product(_THINGS, _VERBS, _DEGREES, _PATTERNS, (0, 1)))
    order = np.random.default_rng(seed).permutation(len(choices))
    for name in select_splits(split, _SHARES, folder):
        first, last = (round(share * len(order)) for share in _SHARES[name])
        random = np.random.default_rng([seed, first])
        lines = [_line(choices[at], random) for at in order[first:last][:size]]
        (folder / f"{name}.tsv").write_text("\n".join(["sentence\tlabel", *lines, ""]), encoding="utf-8")
    return folder


def _line(choice: tuple[str, str, str, str, int], random: np.random.Generator) -> str:
    """A sentence and its class. The choices of two splits differ, whatever the adjectives."""
    thing, verb, degree, pattern, label = choice
    is_other = label ^ (pattern in _NEGATED)
    said, other = _CLASSES[is_other], _CLASSES[1 - is_other]
    first, second = random.choice(_ADJECTIVES[said], 2, replace=False)
    judgement = pattern.format(f"{degree} {first}".strip(), second, random.choice(_ADJECTIVES[other]))
    return f"{thing} {verb} {judgement} .\t{_CLASSES[label]}"


def write_examples(folder: Path) -> list[Path]:
    """One sentence in each format, in tables in a column called text."""
    import pyarrow
    import pyarrow.parquet

    contents = {
        ".txt": _EXAMPLE,
        ".csv": f'text\n"{_EXAMPLE}"\n',
        ".tsv": f"text\n{_EXAMPLE}\n",
        ".jsonl": json.dumps({"text": _EXAMPLE}) + "\n",
    }
    for suffix, content in contents.items():
        (folder / f"sentence{suffix}").write_text(content, encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.table({"text": [_EXAMPLE]}), folder / "sentence.parquet")
    return sorted(folder.iterdir())
