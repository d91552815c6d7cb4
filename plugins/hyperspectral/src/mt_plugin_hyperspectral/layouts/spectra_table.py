"""Tables of spectra and of their labels, under any names: `X_train.npy` and `y_train.npy`, `spectra.mat` with `X`, `y`.

N pixels, B bands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError, InputError, OptionError
from mt_core.sdk import Listing, select_splits
from mt_plugin_hyperspectral.division import HyperspectralDatasetOptions
from mt_plugin_hyperspectral.layouts.arrays import arrays_in, labels_in

_SUFFIXES = (".mat", ".npy")
_SPLITS = {
    "train": ("train", "training", "tr"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing", "te"),
}
_FIX_GROUP = "save one beside the labels, in .mat or .npy, for each split that there is; its name is the option group"


class _Array(NamedTuple):
    path: Path
    key: str
    shape: tuple[int, ...]

    @property
    def split(self) -> str:
        """The split that its name or its file's says; "" for none. "TrLabel" and "y_tr" say train."""
        for name in (self.key, self.path.stem):
            words = _words(name)
            found = [split for split, said in _SPLITS.items() if words.intersection(said)]
            if len(found) == 1:
                return found[0]
        return ""

    def is_called(self, group: str, *, is_alone: bool) -> bool:
        """Whether it has this name, but for words for splits: its own, or that of its file, where it is alone there."""
        names = [self.key, *([self.path.name, self.path.stem] if is_alone else [])]
        splits = {word for said in _SPLITS.values() for word in said}
        return group in names or any(_words(group) == _words(name) - splits for name in names if name)


def _words(name: str) -> set[str]:
    """ "TrLabel" and "y_tr" have the word tr."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def find_spectra_table(root: Path, split: str, options: HyperspectralDatasetOptions) -> Listing | None:
    """The labelled spectra of a split: one table (N, B) and one array of N labels for each split that names say, or one
    of each, divided by the options. None where there is no such pair.

    Raises:
        DatasetError: several tables that could be meant, labels that are no numbers of classes.
        MissingSplitError: no such split.
        OptionError: no array of the groups that are asked for.
    """
    folder = root if root.is_dir() else root.parent
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES and path.is_file()]
    arrays = [_Array(path, key, shape) for path in files for key, shape in _arrays(path).items()]
    arrays = [each for each in arrays if root.is_dir() or each.path == root]
    counts = Counter(each.path for each in arrays)
    of_groups = [
        each for each in arrays
        if options.group is not None and each.is_called(options.group, is_alone=counts[each.path] == 1)
    ]  # fmt: skip
    if options.group is not None and not of_groups and any(min(each.shape, default=0) > 1 for each in arrays):
        raise OptionError(
            f"{root} has no array called {options.group} with a number for each of its spectra", fix=_FIX_GROUP
        )
    arrays = [each for each in arrays if each not in of_groups]
    pairs = {name: pair for name in ("", *_SPLITS) if (pair := _pair(arrays, name, root)) is not None}
    if len(pairs) > 1:
        pairs.pop("", None)
    if not pairs:
        return None
    parts = {name: _read(*pair) for name, pair in pairs.items()}
    classes = tuple(str(label) for label in np.unique(np.concatenate([labels for _, labels in parts.values()])))
    groups = {name: _groups(of_groups, name, len(labels), root, options) for name, (_, labels) in parts.items()}
    names: Sequence[str] = [name for name in ("train", *parts) if name in parts][:1]  # that are divided by folds
    is_asked = bool(options.folds or options.test_group)
    if not is_asked and list(pairs) != [""]:
        names = select_splits(split, list(pairs), root)
    elif options.group is not None:
        names = list(parts)
    if len({parts[name][0].shape[1] for name in names}) > 1:
        raise DatasetError(f"{root}: the tables have other numbers of bands", fix="give those of one sensor")
    spectra, labels = (np.concatenate([parts[name][at] for name in names]) for at in range(2))
    own = None if options.group is None else [group for name in names for group in groups[name]]
    if not is_asked and list(pairs) != [""]:
        return _listing(spectra, labels, classes, own)
    chosen = options.pixels_of(split, labels.tolist(), root, own)
    return _listing(spectra[chosen], labels[chosen], classes, None if own is None else [own[at] for at in chosen])


def _groups(
    arrays: Sequence[_Array], split: str, count: int, root: Path, options: HyperspectralDatasetOptions
) -> list[str]:
    """The group of each pixel; [] where none are asked for.

    Raises:
        OptionError: no array of as many numbers, or several.
    """
    if options.group is None:
        return []
    own = [each for each in arrays if each.split == split and np.prod(each.shape) == max(each.shape) == count]
    if len(own) != 1:
        of_split = f" of {split}" if split else ""
        raise OptionError(
            f"{root} has {len(own) or 'no'} array{'s' * (len(own) > 1)} called {options.group} with a number for each "
            f"of {count:,} spectra{of_split}",
            fix=_FIX_GROUP,
        )
    return [str(number) for number in np.ravel(labels_in(own[0].path, own[0].key)).tolist()]


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


def _listing(
    spectra: NDArray[np.float32], labels: NDArray[np.int64], classes: tuple[str, ...], groups: Sequence[str] | None
) -> Listing:
    return Listing(list(spectra), [str(label) for label in labels], classes, "spectra", groups=groups)
