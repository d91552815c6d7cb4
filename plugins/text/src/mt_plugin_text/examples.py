"""One text in each format that is read."""

from __future__ import annotations

import json
from pathlib import Path

_TEXT = "The soup was good, and the film was not."


def write_examples(folder: Path) -> list[Path]:
    """One sentence a suffix, in tables in a column called text."""
    import pyarrow
    import pyarrow.parquet

    contents = {
        ".txt": _TEXT,
        ".csv": f'text\n"{_TEXT}"\n',
        ".tsv": f"text\n{_TEXT}\n",
        ".jsonl": json.dumps({"text": _TEXT}) + "\n",
    }
    for suffix, content in contents.items():
        (folder / f"sentence{suffix}").write_text(content, encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.table({"text": [_TEXT]}), folder / "sentence.parquet")
    return sorted(folder.iterdir())
