"""Files that demonstrations write."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mt_core.contract import SPLITS
from mt_core.sdk.listing import Listing
from mt_core.sdk.splits import select_splits


def temporary_folder(name: str) -> Path:
    """A new folder that goes when the process that made it ends, not when one forked from it does.

    It outlives the dataset that asked for it, since examples hold paths into it.

    Args:
        name: Part of the folder's name, for those who find it: the modality.
    """
    folder, owner = tempfile.mkdtemp(prefix=f"mt-{name}-"), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return Path(folder)


def demo_files(
    name: str,
    split: str,
    size: int,
    seed: int,
    classes: Sequence[str],
    write: Callable[[Path, str, int, np.random.Generator], Path],
) -> Listing:
    """Files made for a demonstration: `size` a split, of each class in turn, in a `temporary_folder`.

    Args:
        name: The modality.
        split: One of `SPLITS`; of "all", the three others one after another.
        seed: Each split draws from a generator of its own.
        write: Called as write(stem, class, turn, generator), it writes one file and returns its path: `stem` with a
            suffix. `turn` counts the files of the class before it in this split.
    """
    folder, parts = temporary_folder(name), SPLITS[:3]
    samples: list[str] = []
    labels: list[str] = []
    for part in select_splits(split, parts, folder):
        generator = np.random.default_rng([seed, parts.index(part)])
        (folder / part).mkdir()
        for number in range(size):
            label = classes[number % len(classes)]
            samples.append(str(write(folder / part / f"{number:05d}", label, number // len(classes), generator)))
            labels.append(label)
    return Listing(samples, labels, tuple(classes), "demo")
