"""The files that MNIST ships in: a header of big-endian integers, then bytes, often gzipped.

Source: LeCun, Cortes, Burges, The MNIST database of handwritten digits, "File formats for the MNIST database".
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mt_core.errors import DatasetError
from mt_core.sdk import Listing, select_splits, sorted_names

MAX_BYTES = 1 << 30
"""A file whose header claims more is refused, whatever it unpacks to."""

_NAME = re.compile(r"(?P<set>.*?)(?P<part>train|val|test|t10k)-images[-.]idx3-ubyte(?P<gz>\.gz)?", re.IGNORECASE)

_SPLITS = {"train": "train", "val": "val", "test": "test", "t10k": "test"}

_UNSIGNED_BYTES = 0x08

_AGAIN = "download the file again"


def find_idx(folder: Path, split: str) -> Listing | None:
    """The pictures of a split, in memory; None for a folder without such files.

    Raises:
        DatasetError: pictures without labels, several data sets in one folder, or a damaged file.
        MissingSplitError: no such split.
    """
    pairs = _pairs(folder)
    if not pairs:
        return None
    labels = {name: read_idx(path, num_axes=1) for name, (_, path) in pairs.items()}
    parts = select_splits(split, pairs, folder)
    pictures = [_pictures(*pairs[name], len(labels[name])) for name in parts]
    samples: Any = pictures[0] if len(parts) == 1 else [picture for some in pictures for picture in some]
    classes = sorted_names(str(number) for some in labels.values() for number in set(some.tolist()))
    return Listing(samples, [str(number) for name in parts for number in labels[name]], classes, "idx")


def _pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The files of pictures and of labels, by split; {} for a file."""
    pairs: dict[str, tuple[Path, Path]] = {}
    for images in (
        sorted(folder.iterdir()) if folder.is_dir() else ()
    ):  # "x" comes before "x.gz", and is read in its stead
        match = _NAME.fullmatch(images.name)
        if match is None:
            continue
        split = _SPLITS[match["part"].lower()]
        if split in pairs:
            known = pairs[split][0].name
            if images.name == f"{known}.gz":
                continue
            raise DatasetError(
                f"{folder} holds several data sets: {known} and {images.name}", fix="give each a folder of its own"
            )
        pairs[split] = images, _labels_beside(images)
    return pairs


def _labels_beside(images: Path) -> Path:
    name = images.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    for candidate in (images.with_name(name), images.with_name(f"{name}.gz")):
        if candidate.exists():
            return candidate
    raise DatasetError(f"{images} has no labels beside it", fix=f"put {name} or {name}.gz into the same folder")


def _pictures(images: Path, labels: Path, num_labels: int) -> npt.NDArray[np.uint8]:
    """(N, H, W) grey."""
    pictures = read_idx(images, num_axes=3)
    if len(pictures) != num_labels:
        raise DatasetError(
            f"{images.name} holds {len(pictures)} pictures and {labels.name} {num_labels} labels",
            fix="download both files again, from the same data set",
        )
    return pictures


def read_idx(path: Path, num_axes: int) -> npt.NDArray[np.uint8]:
    """The array of one IDX file of bytes.

    Raises:
        DatasetError: another magic number, an empty axis, a file that is truncated or goes on too long.
    """
    expected = _UNSIGNED_BYTES << 8 | num_axes
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            header = file.read(4 + 4 * num_axes)
            if len(header) < 4 + 4 * num_axes:
                raise DatasetError(f"{path} is truncated: its header is {len(header)} bytes", fix=_AGAIN)
            magic, *shape = struct.unpack(f">{1 + num_axes}I", header)
            if magic != expected:
                raise DatasetError(
                    f"{path} is not an IDX file of bytes with {num_axes} axes: it begins with 0x{magic:08x}",
                    fix=f"0x{expected:08x} was expected; {_AGAIN}",
                )
            size = math.prod(shape)
            if not 0 < size <= MAX_BYTES:
                raise DatasetError(f"{path} says that its shape is {tuple(shape)}", fix=_AGAIN)
            content = file.read(size + 1)
    except (EOFError, OSError, zlib.error, MemoryError) as error:  # a gzip that is cut off, or none at all
        raise DatasetError(f"{path} cannot be read ({type(error).__name__}: {error})", fix=_AGAIN) from None
    if len(content) != size:
        found = f"only {len(content)}" if len(content) < size else "more"
        raise DatasetError(f"{path} should hold {size} bytes after its header and holds {found}", fix=_AGAIN)
    return np.frombuffer(content, np.uint8).reshape(shape)
