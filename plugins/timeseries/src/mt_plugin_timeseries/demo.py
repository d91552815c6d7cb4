"""Series that need no download: days, weeks, a trend and noise, hour by hour."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from mt_core.contract import SPLITS

DEMO_CHANNELS = 3

_FIRST_DAY = {"train": "2000-01-03", "val": "2010-01-04", "test": "2020-01-06", "all": "2030-01-07"}  # Mondays
_NOISE = 0.15
_TREND = 2e-4  # an hour
_EXAMPLE_HOURS, _FEWER_HOURS = 96, 40


def write_demo(path: Path, split: str, hours: int, seed: int) -> Path:
    """Write a CSV file with a column of dates.

    The seasons of a seed are the same in all splits; their days lie years apart, and the noise is drawn for each.
    """
    seasons = np.random.default_rng(seed)
    strengths = seasons.uniform(0.5, 2.0, size=(3, DEMO_CHANNELS))
    phases = seasons.uniform(0, 2 * np.pi, size=(3, DEMO_CHANNELS))
    levels = seasons.uniform(-20, 20, size=DEMO_CHANNELS)
    noise = np.random.default_rng([seed, SPLITS.index(split)])
    hour = np.arange(hours)[:, None]
    waves = np.stack([np.sin(2 * np.pi * hour / period + phases[at]) for at, period in enumerate((24, 12, 168))])
    values = levels + (strengths[:, None] * waves).sum(0) + _TREND * hour
    values += _NOISE * noise.normal(size=values.shape)
    times = np.datetime64(_FIRST_DAY[split], "h") + np.arange(hours)
    rows = [
        f"{time},{','.join(f'{value:.4f}' for value in row)}"
        for time, row in zip(times.astype("M8[s]").astype(str), values.tolist(), strict=True)
    ]
    header = ",".join(["date", *(f"sensor_{number}" for number in range(1, DEMO_CHANNELS + 1))])
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def write_examples(folder: Path) -> list[Path]:
    """Four days of the demonstration's sensors in each format; twice in the one of .ts, forty hours in that of .npz."""
    import pyarrow.csv
    import pyarrow.parquet

    table = write_demo(folder / "sensors.csv", "train", _EXAMPLE_HOURS, 0)
    text = table.read_text(encoding="utf-8")
    (folder / "sensors.txt").write_text(text, encoding="utf-8")
    for suffix in (".csv", ".txt"):
        (folder / f"sensors{suffix}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(table), folder / "sensors.parquet")
    values_TC = np.loadtxt(table, delimiter=",", skiprows=1, usecols=(1, 2, 3), dtype=np.float32)
    np.save(folder / "sensors.npy", values_TC)
    np.savez(folder / "sensors.npz", values=values_TC[:_FEWER_HOURS])
    channels = [",".join(f"{value:.4f}" for value in channel) for channel in values_TC.T.tolist()]
    case = f"{':'.join(channels)}:sensors\n"
    (folder / "sensors.ts").write_text(f"@problemName examples\n@classLabel true sensors\n@data\n{case}{case}")
    steps = "".join(f"@attribute step{number} numeric\n" for number in range(_EXAMPLE_HOURS))
    arff = f"@relation examples\n{steps}@attribute class {{sensors}}\n@data\n{channels[0]},sensors\n"
    (folder / "sensors.arff").write_text(arff)
    return sorted(folder.iterdir())
