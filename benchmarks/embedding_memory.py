"""Peak memory of embedding a long table against a short one: it should not depend on the length.

    python benchmarks/embedding_memory.py [--rows 60000]

Each length runs in a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import machine

FEW = 4000


def peak_mib(rows: int) -> dict[str, float]:
    """Peak resident memory, in MiB, of this process and of its largest worker, for a table of two columns."""
    import mt_core as mt

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        table.write_text("a,b\n" + "".join(f"{i % 977},{i * 7 % 1013}\n" for i in range(rows)))
        result = mt.embed_files(mt.load("tabular"), [table], Path(folder) / "v.parquet", batch_size=256)
        assert result.rows == rows
    usage = {"here": resource.RUSAGE_SELF, "reader": resource.RUSAGE_CHILDREN}
    return {name: resource.getrusage(whose).ru_maxrss / 1024 for name, whose in usage.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(peak_mib(arguments.only)))
        return
    print(machine())
    peaks = {}
    for rows in (FEW, arguments.rows):
        command = [sys.executable, __file__, "--only", str(rows)]
        peaks[rows] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"{rows:>8,} rows: {peaks[rows]['here']:6.0f} MiB, its reader {peaks[rows]['reader']:6.0f} MiB")
    ratio = peaks[arguments.rows]["here"] / peaks[FEW]["here"]
    print(f"{arguments.rows / FEW:.0f} times the rows take {ratio:.3f} times the memory")


if __name__ == "__main__":
    main()
