"""Series in each format that is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from mt_plugin_timeseries.demo import write_demo

_HOURS, _FEWER = 96, 40


def write_examples(folder: Path) -> list[Path]:
    """Four days of the demonstration's sensors a suffix; twice in the one of .ts, and forty hours in that of .npz."""
    import pyarrow.csv
    import pyarrow.parquet

    table = write_demo(folder / "sensors.csv", "train", _HOURS, 0)
    text = table.read_text(encoding="utf-8")
    (folder / "sensors.txt").write_text(text, encoding="utf-8")
    for suffix in (".csv", ".txt"):
        (folder / f"sensors{suffix}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(table), folder / "sensors.parquet")
    values_TC = np.loadtxt(table, delimiter=",", skiprows=1, usecols=(1, 2, 3), dtype=np.float32)
    np.save(folder / "sensors.npy", values_TC)
    np.savez(folder / "sensors.npz", values=values_TC[:_FEWER])
    channels = [",".join(f"{value:.4f}" for value in channel) for channel in values_TC.T.tolist()]
    case = f"{':'.join(channels)}:sensors\n"
    (folder / "sensors.ts").write_text(f"@problemName examples\n@classLabel true sensors\n@data\n{case}{case}")
    steps = "".join(f"@attribute step{number} numeric\n" for number in range(_HOURS))
    arff = f"@relation examples\n{steps}@attribute class {{sensors}}\n@data\n{channels[0]},sensors\n"
    (folder / "sensors.arff").write_text(arff)
    return sorted(folder.iterdir())
