"""Records to a table, in the format that the file's suffix says: .csv, .jsonl or .parquet.

A record is what JSON can hold. In a .csv a mapping of numbers becomes a column each ("probabilities.cat"), and anything
else that is not one value is written as JSON.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mt_core.errors import MtError
from mt_core.io.atomic import atomic_write
from mt_core.io.names import printable

TABLES = (".parquet", ".csv", ".jsonl")


def check_table(path: Path, error_class: type[MtError]) -> None:
    """Refuse what cannot be written as a table.

    Raises:
        MtError: of that class: a suffix of no format.
    """
    if path.suffix.lower() not in TABLES:
        raise error_class(
            f"{path}: {path.suffix or 'no suffix'} is no format that a table is written in",
            fix=f"name a file that ends in {', '.join(TABLES[:-1])} or {TABLES[-1]}",
        )


def write_records(path: Path, records: Iterable[Mapping[str, Any]], error_class: type[MtError]) -> int:
    """Write records as they come, whole or not at all.

    Returns:
        How many there were.

    Raises:
        MtError: of that class: it cannot be written.
    """
    check_table(path, error_class)
    write = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}[path.suffix.lower()]
    with atomic_write(path, error_class) as unfinished:
        return write(unfinished, map(_printable, records))


def _printable(value: Any) -> Any:
    """The same without text that UTF-8 cannot say."""
    if isinstance(value, Mapping):
        return {printable(str(name)): _printable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_printable(each) for each in value]
    return printable(value) if isinstance(value, str) else value


def _write_jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    with path.open("w", encoding="utf-8") as file:
        return sum(file.write(json.dumps(record) + "\n") > 0 for record in records)


def _write_csv(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        for count, record in enumerate(records, start=1):
            cells = _flat(record)
            if count == 1:
                names = list(cells)
                table.writerow(names)
            table.writerow([cells.get(name, "") for name in names])
    return count


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping) and not any(isinstance(each, Mapping | list) for each in value.values()):
            cells |= {f"{name}.{key}": each for key, each in value.items()}
        else:
            cells[name] = json.dumps(value) if isinstance(value, Mapping | list) else value
    return cells


def _write_parquet(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([dict(record) for record in records])
    pq.write_table(table, path, compression="zstd")
    return len(table)
