"""One table in each format that is read."""

from __future__ import annotations

import gzip
from pathlib import Path

from mt_plugin_tabular.demo import write_demo

_ROWS = 5


def write_examples(folder: Path) -> list[Path]:
    """The first rows of the demonstration's table a suffix."""
    import pyarrow.csv
    import pyarrow.parquet

    whole = folder / "demo.csv"
    write_demo(whole, seed=0)
    lines = whole.read_text(encoding="utf-8").splitlines()[: _ROWS + 1]
    whole.unlink()
    text = "\n".join(lines) + "\n"
    contents = {".csv": text, ".data": text, ".test": text, ".tsv": text.replace(",", "\t")}
    for suffix, content in contents.items():
        (folder / f"rows{suffix}").write_text(content, encoding="utf-8")
    for suffix in (".csv", ".tsv"):
        (folder / f"rows{suffix}.gz").write_bytes(gzip.compress(contents[suffix].encode(), mtime=0))
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(folder / "rows.csv"), folder / "rows.parquet")
    return sorted(folder.iterdir())
