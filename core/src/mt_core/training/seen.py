"""Which samples a run was made with, so that it is not measured on them without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import ModalityDataset
from mt_core.data.sample_hash import UNKNOWN, sample_hashes
from mt_core.errors import RunError
from mt_core.io.atomic import atomic_write

SEEN = "training_samples.npy"
"""In a run folder: hashes of the samples that were trained on or that selected the epoch, sorted."""


def hashes_of(*parts: ModalityDataset) -> NDArray[np.uint64]:
    """The different hashes of the samples of some datasets, sorted."""
    hashes = np.unique(np.concatenate([sample_hashes(part) for part in parts]))
    return np.setdiff1d(hashes, [np.uint64(UNKNOWN)])


def write_seen(folder: Path, hashes: NDArray[np.uint64]) -> None:
    """Write them into a run folder."""
    with atomic_write(folder / SEEN, RunError) as unfinished, unfinished.open("wb") as file:
        np.save(file, hashes)


def read_seen(folder: Path) -> NDArray[np.uint64] | None:
    """Those of a run folder; None of a run that recorded none.

    Raises:
        RunError: a file that is damaged.
    """
    path = folder / SEEN
    if not path.is_file():
        return None
    try:
        hashes: NDArray[Any] = np.load(path, allow_pickle=False)
        return hashes.astype(np.uint64)
    except (OSError, ValueError, EOFError) as error:
        raise RunError(f"{path} cannot be read ({error})", fix="copy the run again, or remove that file") from error


def indices_seen(dataset: ModalityDataset, seen: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """For each sample whether it is among those."""
    return np.isin(sample_hashes(dataset), seen)
