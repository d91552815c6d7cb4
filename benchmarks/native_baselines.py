"""What plain models of each field reach on the same splits, with scikit-learn and no encoder.

MT_DATA=... python benchmarks/native_baselines.py [adult sst2 fsdd ...]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from evidence_datasets import data_folder
from machine import machine
from native import molecules, pictures, signals, tables

BASELINES: dict[str, Callable[[Path], str]] = {
    baseline.__name__: baseline
    for baseline in (
        tables.adult,
        tables.california,
        pictures.lidarnet,
        pictures.cifar10,
        tables.sst2,
        signals.fsdd,
        pictures.ucf101,
        pictures.infrared,
        pictures.indian_pines,
        pictures.samson,
        pictures.covid,
        signals.racketsports,
        signals.epilepsy,
        molecules.esol,
        molecules.freesolv,
        molecules.mutag,
        signals.etth1,
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="*", default=list(BASELINES))
    arguments = parser.parse_args()
    data = data_folder()
    print(machine())
    for name in arguments.datasets:
        started = time.perf_counter()
        print(f"{name}: {BASELINES[name](data)}, {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
