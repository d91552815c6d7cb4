"""Columns of a table that say more of the sources of vectors: a price, a label, a date."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mt_core import path_of_text
from mt_core.errors import did_you_mean
from mt_fusion.searching.errors import SearchError

FORMATS = (".csv", ".tsv", ".parquet", ".jsonl")
RESERVED = frozenset(("source", "row", "modality", "size", "modified", "rank", "score", "distance"))
"""Names that results have for themselves; a column of the table that is called so gets the table's name before it."""

_MOST_AT_ONCE = 1 << 30  # bytes of a CSV file that are read to infer the types of its columns


class Joined:
    """A table whose rows go to the vectors of the sources that they name.

    Args:
        path: .csv, .tsv, .parquet or .jsonl.
        keys: The column with the sources; and where a source holds many samples, the column with the rows.

    Attributes:
        fields: The columns that it adds.
        renamed: New names of those that were called as the index's own.
        num_matched, num_unmatched: Rows that were asked for, and have or have not one in the table.

    Raises:
        SearchError: no such file or column, a damaged table, or two rows for one source.
    """

    def __init__(self, path: str | Path, keys: Sequence[str]) -> None:
        self.path, self.keys = Path(path), list(keys)
        table = _read(self.path)
        for key in self.keys:
            if key not in table.column_names:
                raise SearchError(
                    f"{path} has no column {key}{did_you_mean(key, table.column_names)}",
                    fix=f"--key names the column with the sources; it has {', '.join(table.column_names)}",
                )
        if not 1 <= len(self.keys) <= 2:
            raise SearchError(f"{len(self.keys)} keys", fix="--key SOURCES, and --key ROWS where a file holds many")
        self._sources = table.column(self.keys[0]).cast(pa.string()).combine_chunks()
        self._rows = self._row_numbers(table)
        self._check_unique()
        self._by_path: dict[str, str] | None = None
        self.renamed: dict[str, str] = {}
        self._columns: list[pa.Array] = []
        self.fields: list[pa.Field] = []
        for name in table.column_names:
            if name not in self.keys and name not in ("source", "row"):
                self._add(name, _plain(table.column(name).combine_chunks()))
        self.num_matched = self.num_unmatched = 0

    def of(self, sources: pa.Array, rows: pa.Array) -> list[pa.Array]:
        """The columns of some vectors, null where the table has none of theirs."""
        indices = self._indices(sources, rows)
        self.num_matched += len(indices) - indices.null_count
        self.num_unmatched += indices.null_count
        return [column.take(indices) for column in self._columns]

    def check_matched(self, source: str) -> None:
        """Refuse a table that says nothing of any of the vectors.

        Args:
            source: How one of them is called.

        Raises:
            SearchError: shows how each side calls one.
        """
        if not self.num_matched:
            given = self._sources[0].as_py() if len(self._sources) else ""
            raise SearchError(
                f"{self.path}: no {self.keys[0]} is a source of the vectors; there is {given!r}, they have {source!r}",
                fix="--key names the column with the sources, as they were embedded or relative to the table's folder",
            )

    def _add(self, name: str, column: pa.Array) -> None:
        new = name
        while new in RESERVED or new in [field.name for field in self.fields]:
            new = f"{self.path.stem}_{new}"
        if new != name:
            self.renamed[name] = new
        self.fields.append(pa.field(new, column.type))
        self._columns.append(column)

    def _row_numbers(self, table: pa.Table) -> pa.Array | None:
        if len(self.keys) == 1:
            return None
        try:
            return table.column(self.keys[1]).cast(pa.int64()).combine_chunks()
        except pa.ArrowException:
            raise SearchError(
                f"{self.path}: the column {self.keys[1]} holds no row numbers", fix="rows are counted from 0"
            ) from None

    def _check_unique(self) -> None:
        keys = self._key(self._sources, self._rows)
        counts = pc.value_counts(keys)
        most = int(pc.max(counts.field("counts")).as_py() or 0) if len(counts) else 0
        if most > 1:
            at = pc.index(counts.field("counts"), most).as_py()
            twice = counts.field("values")[at].as_py()
            raise SearchError(
                f"{self.path} has {most} rows for {twice}", fix="leave one of each, or add the rows: --key … --key row"
            )

    def _key(self, sources: pa.Array, rows: pa.Array | None) -> pa.Array:
        if self._rows is None or rows is None:
            return sources
        return pc.binary_join_element_wise(sources, pc.cast(rows, pa.string()), "\n")

    def _indices(self, sources: pa.Array, rows: pa.Array) -> pa.Array:
        """The row of the table for each vector, null where there is none: by the very text, else by the path."""
        known = self._key(self._sources, self._rows)
        found = pc.index_in(self._key(sources, rows), known)
        if not found.null_count:
            return found
        names = {text: self._same_path(text) for text in pc.unique(sources.filter(pc.is_null(found))).to_pylist()}
        resolved = pa.array([names.get(text) or text for text in sources.to_pylist()], pa.string())
        return pc.coalesce(found, pc.index_in(self._key(resolved, rows), known))

    def _same_path(self, source: str) -> str | None:
        """What the table calls the file of a source."""
        if self._by_path is None:
            folder = os.path.dirname(os.path.abspath(self.path))
            self._by_path = {os.path.join(folder, text): text for text in self._sources.to_pylist() if text}
            self._by_path = {os.path.normpath(path): text for path, text in self._by_path.items()}
        return self._by_path.get(os.path.abspath(path_of_text(source)))


def _plain(column: pa.Array) -> pa.Array:
    """As numbers, truths, times or text: what can be compared."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return column.cast(pa.float64())
    is_plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if is_plain or (pa.types.is_temporal(kind) and not pa.types.is_duration(kind)):
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise SearchError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}", fix="check the path")
    if path.suffix.lower() not in FORMATS:
        raise SearchError(f"{path}: {path.suffix or 'no suffix'} is no table", fix=f"give one of {', '.join(FORMATS)}")
    try:
        table = _TABLES[path.suffix.lower()](path)
        names = table.column_names
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SearchError(f"{path} has two columns called {twice}", fix="rename one")
        return table
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0]
        raise SearchError(
            f"{path} cannot be read ({said})", fix="check that it is a whole table, with a line of names, in UTF-8"
        ) from None


def _read_delimited(path: Path) -> pa.Table:
    from pyarrow import csv

    with open(path, encoding="utf-8-sig") as file:
        heading = file.readline()
    separator = max(",;\t|", key=heading.count) if path.suffix.lower() == ".csv" else "\t"
    size = min(max(path.stat().st_size + 1, 1 << 20), _MOST_AT_ONCE)
    return csv.read_csv(
        path,
        read_options=csv.ReadOptions(block_size=size),
        parse_options=csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=csv.ConvertOptions(strings_can_be_null=True, null_values=["", "NA", "NaN", "nan", "null"]),
    )


def _read_lines(path: Path) -> pa.Table:
    from pyarrow import json

    return json.read_json(path)


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(path)


_TABLES: dict[str, Any] = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".jsonl": _read_lines,
    ".parquet": _read_parquet,
}
