"""Tables that need no download."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

_SHARES = {"train": (0.0, 0.6), "val": (0.6, 0.8), "test": (0.8, 1.0), "all": (0.0, 1.0)}
_DRAWN_ROWS = 600
_EXAMPLE_ROWS = 5


def write_demo(path: Path, seed: int) -> str:
    """Write a CSV file whose last column is called target.

    Returns:
        Where the rows come from.
    """
    try:
        from sklearn.datasets import load_breast_cancer
    except ModuleNotFoundError:
        _write(path, ["length", "width", "colour", "day", "target"], _drawn(seed))
        return "drawn for this run (synthetic)"
    cancer = load_breast_cancer()
    classes = [str(cancer.target_names[target]) for target in cancer.target]
    rows = ([*row, name] for row, name in zip(cancer.data.tolist(), classes, strict=True))
    _write(path, [*map(str, cancer.feature_names), "target"], rows)
    return "scikit-learn breast cancer (real)"


def write_examples(folder: Path) -> list[Path]:
    """The first rows of the demonstration's table in each format."""
    import pyarrow.csv
    import pyarrow.parquet

    whole = folder / "demo.csv"
    write_demo(whole, seed=0)
    lines = whole.read_text(encoding="utf-8").splitlines()[: _EXAMPLE_ROWS + 1]
    whole.unlink()
    text = "\n".join(lines) + "\n"
    contents = {".csv": text, ".data": text, ".test": text, ".tsv": text.replace(",", "\t")}
    for suffix, content in contents.items():
        (folder / f"rows{suffix}").write_text(content, encoding="utf-8")
    for suffix in (".csv", ".tsv"):
        (folder / f"rows{suffix}.gz").write_bytes(gzip.compress(contents[suffix].encode(), mtime=0))
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(folder / "rows.csv"), folder / "rows.parquet")
    return sorted(folder.iterdir())


def demo_rows(num_rows: int, split: str, seed: int) -> list[int]:
    """Indices of a split's rows, in an order drawn from the seed."""
    order = np.random.default_rng(seed).permutation(num_rows)
    first, last = (round(share * num_rows) for share in _SHARES[split])
    return [int(index) for index in order[first:last]]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _drawn(seed: int) -> Iterator[list[str]]:
    """Rows of two numbers, a category and a date; a twentieth of the cells is empty. The class depends on all but the
    date."""
    draw = np.random.default_rng(seed)
    for _ in range(_DRAWN_ROWS):
        length, width = draw.normal(size=2)
        colour = draw.choice(["red", "green", "blue"])
        target = "yes" if length * width + (colour == "red") > 0.3 else "no"
        day = np.datetime64("2024-01-01") + np.timedelta64(int(draw.integers(365)), "D")
        cells = [f"{length:.4f}", f"{width:.4f}", str(colour), str(day)]
        yield [*("" if draw.random() < 0.05 else cell for cell in cells), target]
