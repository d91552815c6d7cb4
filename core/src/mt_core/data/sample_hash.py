"""What a sample is by its content alone, so that one that was trained on is known again under any name."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.contract import ModalityDataset
from mt_core.data.subsets import Subset
from mt_core.sdk import ListedDataset

UNKNOWN = 0
"""The hash of a sample that has none: one that cannot be read, or is an object of a kind that is not known here."""

_WHOLE, _PIECE = 8 << 20, 1 << 20  # bytes: of a larger file its size and three pieces count
_THREADS = 4

NAMES = frozenset(("file", "filename", "name", "path", "place"))
"""Fields in which a sample that was read keeps how it is called."""


_OWN_NAMES = ("filename", "name")
"""Those of them that are no more than a name, which is relative or absolute as the folder was given."""


def sample_hashes(dataset: ModalityDataset) -> NDArray[np.uint64]:
    """A number for the content of each sample, in order: of a file its bytes (of one above 8 MiB its size, beginning,
    middle and end), of a row its values, of an array its numbers. Files are read, and not decoded."""
    hasher = ContentHasher(_OWN_NAMES)
    with ThreadPoolExecutor(_THREADS) as threads:  # hashlib and files leave the interpreter to others
        hashes = list(threads.map(lambda index: _hash(hasher, dataset, index), range(len(dataset))))
    return np.array(hashes, np.uint64)


def _hash(hasher: ContentHasher, dataset: ModalityDataset, index: int) -> int:
    try:
        return hasher.of(_sample(dataset, index))
    except Exception:  # training reports what cannot be read
        return UNKNOWN


def _sample(dataset: ModalityDataset, index: int) -> Any:
    """A sample as its file or row, also of a dataset whose examples hold what was read, which is left to workers."""
    if isinstance(dataset, Subset):
        return _sample(dataset.whole, dataset.indices[index])
    return dataset.samples[index] if isinstance(dataset, ListedDataset) else dataset[index].sample


class ContentHasher:
    """A number for the content of anything that a tokenizer reads or gives.

    Args:
        leaves_out: Fields of dataclasses that do not count, as `NAMES`.
        remembers: Whether to remember large arrays, which several samples may be cut from, and to keep them alive.
    """

    def __init__(self, leaves_out: Collection[str] = (), *, remembers: bool = True) -> None:
        self.leaves_out, self.remembers = leaves_out, remembers
        self.of_file: dict[str, bytes] = {}
        self.of_array: dict[int, tuple[Any, bytes]] = {}

    def of(self, value: Any) -> int:
        """The same for the same content: of the name of a file its bytes."""
        digest = hashlib.blake2b(digest_size=8)
        self._update(digest, Path(value) if isinstance(value, str) and os.path.exists(value) else value)
        return int.from_bytes(digest.digest(), "little") or 1

    def _update(self, digest: hashlib.blake2b, value: Any) -> None:
        # a text that is no path of a file is not looked for among the files
        if isinstance(value, Path) or (isinstance(value, str) and os.sep in value and os.path.exists(value)):
            digest.update(self._file(os.fspath(value)))
        elif isinstance(value, str):
            digest.update(b"text" + value.encode("utf-8", "surrogateescape"))
        elif isinstance(value, int | float):
            digest.update(repr(float(value)).encode())  # 1 and 1.0 of a table are the same
        elif isinstance(value, bytes):
            digest.update(b"bytes" + value)
        elif isinstance(value, torch.Tensor):
            self._update(digest, value.detach().cpu().numpy())
        elif isinstance(value, np.ndarray) and value.dtype != object:
            digest.update(self._array(value))
        elif isinstance(value, Mapping):
            for name in sorted(value, key=str):
                self._update(digest, str(name))
                self._update(digest, value[name])
        elif isinstance(value, list | tuple | np.ndarray):
            digest.update(f"{len(value)} of".encode())
            for part in value:
                self._update(digest, part)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [each.name for each in dataclasses.fields(value) if each.name not in self.leaves_out]
            self._update(digest, {name: getattr(value, name) for name in names})
        elif hasattr(value, "tobytes") and hasattr(value, "size"):  # a picture in memory, a number of numpy
            digest.update(f"{value.size}".encode() + value.tobytes())
        elif value is None or type(value).__module__ in ("datetime", "decimal"):
            digest.update(repr(value).encode())
        elif hasattr(value, "to_numpy"):  # a table or a column of pandas
            self._update(digest, [list(map(str, getattr(value, "columns", ()))), value.to_numpy()])
        else:
            self._update(digest, vars(value))

    def _array(self, array: NDArray[Any]) -> bytes:
        """Large ones once: many samples may be windows into one."""
        known = self.of_array.get(id(array))
        if known is not None and known[0] is array:
            return known[1]
        made = hashlib.blake2b(f"{array.dtype} {array.shape}".encode() + array.tobytes(), digest_size=16).digest()
        if self.remembers and array.nbytes > _PIECE:
            self.of_array[id(array)] = (array, made)
        return made

    def _file(self, path: str) -> bytes:
        if path not in self.of_file:
            if os.path.isdir(path):
                names = sorted(entry.name for entry in os.scandir(path) if entry.is_file())
                parts = [os.fsencode(name) + self._content(os.path.join(path, name)) for name in names]
                self.of_file[path] = hashlib.blake2b(b"".join(parts), digest_size=16).digest()
            else:
                self.of_file[path] = self._content(path)
        return self.of_file[path]

    @staticmethod
    def _content(path: str) -> bytes:
        if not os.path.isfile(path):
            raise OSError(f"{path} is not a regular file")
        digest = hashlib.blake2b(digest_size=16)
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(f"{size} bytes".encode())
            if size <= _WHOLE:
                digest.update(file.read())
            else:
                for start in (0, size // 2, size - _PIECE):
                    file.seek(start)
                    digest.update(file.read(_PIECE))
        return digest.digest()
