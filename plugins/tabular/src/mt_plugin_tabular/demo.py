"""Tables that need no download."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mt_core.sdk import select_splits

_SHARES = {"train": (0.0, 0.6), "val": (0.6, 0.8), "test": (0.8, 1.0)}
_DRAWN_ROWS = 600
_EXAMPLE_ROWS = 5


def write_demo(path: Path, split: str, size: int, seed: int) -> tuple[tuple[str, ...], str]:
    """Write at most `size` rows of a split into a CSV file whose last column is called target.

    Returns:
        The classes, and where the rows come from.
    """
    header, rows, source = _cancer() or _drawn(seed)
    order = np.random.default_rng(seed).permutation(len(rows))
    ends = [_SHARES[name] for name in select_splits(split, _SHARES, path)]
    first, last = round(ends[0][0] * len(rows)), round(ends[-1][1] * len(rows))
    _write(path, header, [rows[index] for index in order[first:last][:size]])
    return tuple(sorted({row[-1] for row in rows})), source


def write_examples(folder: Path) -> list[Path]:
    """Some rows of the demonstration's table in each format."""
    import pyarrow.csv
    import pyarrow.parquet

    write_demo(folder / "rows.csv", "train", _EXAMPLE_ROWS, seed=0)
    text = (folder / "rows.csv").read_text(encoding="utf-8")
    contents = {".csv": text, ".data": text, ".test": text, ".tsv": text.replace(",", "\t")}
    for suffix, content in contents.items():
        (folder / f"rows{suffix}").write_text(content, encoding="utf-8")
    for suffix in (".csv", ".tsv"):
        (folder / f"rows{suffix}.gz").write_bytes(gzip.compress(contents[suffix].encode(), mtime=0))
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(folder / "rows.csv"), folder / "rows.parquet")
    return sorted(folder.iterdir())


Drawn = tuple[list[str], list[list[str]], str]
"""Header, rows, and where they come from."""


def _cancer() -> Drawn | None:
    try:
        from sklearn.datasets import load_breast_cancer
    except ModuleNotFoundError:
        return None
    cancer = load_breast_cancer()
    rows = [
        [*map(str, row), str(cancer.target_names[target])]
        for row, target in zip(cancer.data.tolist(), cancer.target, strict=True)
    ]
    return [*map(str, cancer.feature_names), "target"], rows, "scikit-learn breast cancer (real)"


def _drawn(seed: int) -> Drawn:
    """Two numbers, a category and a date; a twentieth of the cells is empty. The class depends on all but the date."""
    draw, rows = np.random.default_rng(seed), []
    for _ in range(_DRAWN_ROWS):
        length, width = draw.normal(size=2)
        colour = draw.choice(["red", "green", "blue"])
        target = "yes" if length * width + (colour == "red") > 0.3 else "no"
        day = np.datetime64("2024-01-01") + np.timedelta64(int(draw.integers(365)), "D")
        cells = [f"{length:.4f}", f"{width:.4f}", str(colour), str(day)]
        rows.append([*("" if draw.random() < 0.05 else cell for cell in cells), target])
    return ["length", "width", "colour", "day", "target"], rows, "drawn for this run (synthetic)"


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
