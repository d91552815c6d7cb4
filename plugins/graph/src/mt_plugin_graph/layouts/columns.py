"""A table as its columns of text."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk import Delimited, as_dataset_error, text_lines

MAX_ROWS = 10_000_000


@dataclass(frozen=True)
class Table:
    """Columns of text by name.

    Attributes:
        smiles: Which of them holds the molecules.
        lines: Of each row the line that it stands on.
    """

    path: Path
    columns: dict[str, list[str]]
    smiles: str
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def named(self, name: str) -> str | None:
        """The column of this name, in any case."""
        return next((column for column in self.columns if column.strip().lower() == name.lower()), None)


def read_table(path: Path, smiles: str) -> Table:
    """All columns of a CSV file, which may be packed (.gz).

    Args:
        smiles: The column of the molecules.

    Raises:
        DatasetError: rows of different lengths, columns of one name, no text, no rows, or more than `MAX_ROWS`.
    """
    with as_dataset_error(), path.open("rb") as file:
        rows = Delimited(text_lines(file, str(path)), str(path), separators=",;\t", header=True)
        if twice := [name for name in rows.names if rows.names.count(name) > 1]:
            raise DatasetError(f"{path} has two columns called {twice[0]!r}", fix="rename one of them")
        columns: list[list[str]] = [[] for _ in rows.names]
        lines = array("q")
        for number, row in enumerate(rows, start=1):
            if number > MAX_ROWS:
                raise DatasetError(f"{path} has more than {MAX_ROWS:,} rows", fix="cut it into several tables")
            lines.append(rows.line)
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    return Table(path, dict(zip(rows.names, columns, strict=True)), smiles, lines)
