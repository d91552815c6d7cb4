"""The rows of a table of items: CSV and its relatives, Parquet, or an object a line."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt_core.contract import reading
from mt_core.errors import InputError
from mt_core.sdk import MISSING_MARKS, Delimited, left_out, text_lines

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
_BATCH_ROWS = 1024

Row = dict[str, Any]
"""The cells of a row by column; None where one is empty."""


@dataclass(frozen=True)
class Table:
    """A table of items in memory.

    Attributes:
        path: The file.
        names: Of its columns.
        rows: Its rows.
        places: Where each row stands, for messages: "items.csv, line 7".
    """

    path: Path
    names: tuple[str, ...]
    rows: Sequence[Row]
    places: Sequence[str]


def read_table(path: Path) -> Table:
    """A table with all its rows.

    Raises:
        InputError: it cannot be read, is no table, or has two columns of one name.
    """
    names, rows = open_table(path)
    placed = list(rows)
    if not placed:
        raise InputError(f"{path} has no rows", fix="export the table again")
    if not names:
        names = tuple(dict.fromkeys(name for _, row in placed for name in row))
        placed = [(place, {name: row.get(name) for name in names}) for place, row in placed]
    return Table(path, names, [row for _, row in placed], [place for place, _ in placed])


def open_table(path: Path) -> tuple[tuple[str, ...], Iterator[tuple[str, Row]]]:
    """The columns of a table, () where each row has its own, and its rows, each with its place, in bounded memory.

    Raises:
        InputError: it cannot be read, or has two columns of one name; maybe after some rows.
    """
    with reading(path, formats=" ".join(SUFFIXES)), path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if is_parquet:
        return _open_parquet(path)
    if path.suffix.lower() == ".jsonl":
        return (), _json_rows(path)
    rows = _delimited_rows(path)
    names = next(rows)
    return tuple(names), rows


def _delimited_rows(path: Path) -> Iterator[Any]:
    """The names of the columns, then each row with its place."""
    with reading(path, formats=" ".join(SUFFIXES)), path.open("rb") as file:
        table = Delimited(text_lines(file, str(path)), str(path), separators=",;\t", header=True, row_names=True)
        _check_distinct(table.names, path)
        nameless = [at for at, name in enumerate(table.names) if not name]
        if nameless:
            left_out(str(path), "the column without a name" if len(nameless) == 1 else "the columns without a name")
        kept = [at for at in range(table.width) if at not in nameless]
        names = [table.names[at] for at in kept]
        yield names
        for cells in table:
            if any(cell.strip() for cell in cells):
                values = [_cell(cells[at]) for at in kept]
                yield f"{path}, line {table.line}", dict(zip(names, values, strict=True))


def _cell(text: str) -> str | None:
    return None if (bare := text.strip()) in MISSING_MARKS else bare


def _json_rows(path: Path) -> Iterator[tuple[str, Row]]:
    with reading(path, formats=" ".join(SUFFIXES)), path.open("rb") as file:
        for number, line in enumerate(text_lines(file, str(path)), start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line, object_pairs_hook=_distinct_keys)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{path}, line {number}: no JSON object ({error})", fix="write one object a line"
                ) from None
            if not isinstance(record, dict):
                raise InputError(f"{path}, line {number}: no JSON object", fix="write one object a line")
            yield f"{path}, line {number}", {name: _value(value) for name, value in record.items()}


def _distinct_keys(pairs: list[tuple[str, Any]]) -> Row:
    twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if twice:
        raise ValueError(f"the key {twice[0]!r} stands there twice")
    return dict(pairs)


def _open_parquet(path: Path) -> tuple[tuple[str, ...], Iterator[tuple[str, Row]]]:
    from pyarrow import parquet

    with reading(path, formats=" ".join(SUFFIXES)):
        names = tuple(parquet.read_schema(path).names)
    _check_distinct(names, path)

    def rows() -> Iterator[tuple[str, Row]]:
        number = 0
        with reading(path, formats=" ".join(SUFFIXES)), parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS):
                for record in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", {name: _value(value) for name, value in record.items()}

    return names, rows()


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return _cell(value)
    is_nothing = (isinstance(value, float) and math.isnan(value)) or (isinstance(value, list) and not value)
    return None if is_nothing else value


def _check_distinct(names: Sequence[str], path: Path) -> None:
    twice = sorted(name for name, times in Counter(names).items() if times > 1 and name)
    if twice:
        raise InputError(
            f"{path} has several columns called {', '.join(map(repr, twice))}", fix="give every column its own name"
        )
