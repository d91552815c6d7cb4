"""Tables of spectra and of their labels, under any names: `X_train.npy` and `y_train.npy`, `spectra.mat` with `X`, `y`.

N pixels, B bands.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError, InputError
from mt_core.sdk import Listing, select_splits
from mt_plugin_hyperspectral.division import HyperspectralDatasetOptions
from mt_plugin_hyperspectral.layouts.arrays import arrays_in, labels_in

_SUFFIXES = (".mat", ".npy")
_SPLITS = {
    "train": ("train", "training", "tr"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing", "te"),
}


class _Array(NamedTuple):
    path: Path
    key: str
    shape: tuple[int, ...]

    @property
    def split(self) -> str:
        """The split that its name or its file's says; "" for none. "TrLabel" and "y_tr" say train."""
        for name in (self.key, self.path.stem):
            words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
            found = [split for split, said in _SPLITS.items() if words.intersection(said)]
            if len(found) == 1:
                return found[0]
        return ""


def find_spectra_table(root: Path, split: str, options: HyperspectralDatasetOptions) -> Listing | None:
    """The labelled spectra of a split: one table (N, B) and one array of N labels for each split that names say, or one
    of each, divided by the options. None where there is no such pair.

    Raises:
        DatasetError: several tables that could be meant, labels that are no numbers of classes.
        MissingSplitError: no such split.
    """
    folder = root if root.is_dir() else root.parent
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES and path.is_file()]
    arrays = [_Array(path, key, shape) for path in files for key, shape in _arrays(path).items()]
    arrays = [each for each in arrays if root.is_dir() or each.path == root]
    pairs = {name: pair for name in ("", *_SPLITS) if (pair := _pair(arrays, name, root)) is not None}
    if len(pairs) > 1:
        pairs.pop("", None)
    if not pairs:
        return None
    parts = {name: _read(*pair) for name, pair in pairs.items()}
    classes = tuple(str(label) for label in np.unique(np.concatenate([labels for _, labels in parts.values()])))
    if options.folds or list(pairs) == [""]:
        spectra, labels = parts.get("train", next(iter(parts.values())))
        chosen = options.pixels_of(split, labels.tolist(), root)
        return _listing(spectra[chosen], labels[chosen], classes)
    wanted = [parts[name] for name in select_splits(split, list(pairs), root)]
    if len({spectra.shape[1] for spectra, _ in wanted}) > 1:
        raise DatasetError(f"{root}: the tables have other numbers of bands", fix="give those of one sensor")
    spectra, labels = (np.concatenate(each) for each in zip(*wanted, strict=True))
    return _listing(spectra, labels, classes)


def _arrays(path: Path) -> dict[str, tuple[int, ...]]:
    try:
        return arrays_in(path)
    except InputError:  # it is told where it is read
        return {}


def _pair(arrays: list[_Array], split: str, root: Path) -> tuple[_Array, _Array] | None:
    """Spectra and labels of as many pixels."""
    own = [each for each in arrays if each.split == split]
    labels = [each for each in own if len(each.shape) in (1, 2) and max(each.shape) == np.prod(each.shape) > 1]
    spectra = [each for each in own if len(each.shape) == 2 and min(each.shape) > 1]
    pairs = [(table, truth) for table in spectra for truth in labels if max(truth.shape) in table.shape]
    if len(pairs) > 1:
        held = ", ".join(f"{table.path.name} {table.key} {table.shape}".replace("  ", " ") for table, _ in pairs)
        raise DatasetError(
            f"{root} holds several tables of spectra{f' for {split}' if split else ''}: {held[:300]}",
            fix="keep one table (pixels, bands) and one array of labels a split in the folder",
        )
    return pairs[0] if pairs else None


def _read(table: _Array, truth: _Array) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(N, B) spectra and (N,) labels, of which 0 is one like the others."""
    labels: NDArray[Any] = np.ravel(labels_in(truth.path, truth.key))
    spectra = np.asarray(labels_in(table.path, table.key, is_whole=False), dtype=np.float32)
    return spectra if len(spectra) == len(labels) else spectra.T, labels.astype(np.int64)


def _listing(spectra: NDArray[np.float32], labels: NDArray[np.int64], classes: tuple[str, ...]) -> Listing:
    return Listing(list(spectra), [str(label) for label in labels], classes, "spectra")
