"""The files that MNIST ships in: a header of big-endian integers, then bytes, often gzipped.

Source: LeCun, Cortes, Burges, The MNIST database of handwritten digits, "File formats for the MNIST database".
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mt_core.errors import DatasetError

MAX_BYTES = 1 << 30
"""A file whose header claims more is refused, whatever it unpacks to."""

_NAME = re.compile(r"(?P<set>.*?)(?P<part>train|val|test|t10k)-images[-.]idx3-ubyte(?P<gz>\.gz)?", re.IGNORECASE)

_SPLITS = {"train": "train", "val": "val", "test": "test", "t10k": "test"}

_UNSIGNED_BYTES = 0x08


@dataclass(frozen=True)
class Pair:
    """Where the pictures and the labels of one split lie."""

    images: Path
    labels: Path


def find_pairs(folder: Path) -> dict[str, Pair]:
    """The splits of a folder of IDX files; {} where it holds none.

    Raises:
        DatasetError: pictures without labels, or several data sets in one folder.
    """
    pairs: dict[str, Pair] = {}
    for images in sorted(folder.iterdir()):  # "x" comes before "x.gz", and is read in its stead
        match = _NAME.fullmatch(images.name)
        if match is None:
            continue
        split = _SPLITS[match["part"].lower()]
        if split in pairs:
            if images.name == f"{pairs[split].images.name}.gz":
                continue
            raise DatasetError(
                f"{folder} holds several data sets: {pairs[split].images.name} and {images.name}",
                fix="give each a folder of its own",
            )
        pairs[split] = Pair(images, _labels_beside(images))
    return pairs


def _labels_beside(images: Path) -> Path:
    name = images.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    for candidate in (images.with_name(name), images.with_name(f"{name}.gz")):
        if candidate.exists():
            return candidate
    raise DatasetError(f"{images} has no labels beside it", fix=f"put {name} or {name}.gz into the same folder")


def read_pair(pair: Pair) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """(N, H, W) grey pictures and (N,) labels.

    Raises:
        DatasetError: another magic number, a file that is truncated or goes on too long, other numbers of each.
    """
    images, labels = read_idx(pair.images, num_axes=3), read_labels(pair)
    if len(images) != len(labels):
        raise DatasetError(
            f"{pair.images.name} holds {len(images)} pictures and {pair.labels.name} {len(labels)} labels",
            fix="download both files again, from the same data set",
        )
    return images, labels


def read_labels(pair: Pair) -> npt.NDArray[np.uint8]:
    """(N,) labels."""
    return read_idx(pair.labels, num_axes=1)


def read_idx(path: Path, num_axes: int) -> npt.NDArray[np.uint8]:
    """The array of one IDX file of bytes.

    Raises:
        DatasetError: another magic number, an empty axis, a file that is truncated or goes on too long.
    """
    again = "download the file again"
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            header = file.read(4 + 4 * num_axes)
            if len(header) < 4 + 4 * num_axes:
                raise DatasetError(f"{path} is truncated: its header is {len(header)} bytes", fix=again)
            magic, *shape = struct.unpack(f">{1 + num_axes}I", header)
            if magic != _UNSIGNED_BYTES << 8 | num_axes:
                raise DatasetError(
                    f"{path} is no IDX file of bytes with {num_axes} axes: it begins with 0x{magic:08x}",
                    fix=f"0x{_UNSIGNED_BYTES << 8 | num_axes:08x} was expected; {again}",
                )
            size = math.prod(shape)
            if not 0 < size <= MAX_BYTES:
                raise DatasetError(f"{path} says that its shape is {tuple(shape)}", fix=again)
            content = file.read(size + 1)
    except (EOFError, OSError, zlib.error, MemoryError) as error:  # a gzip that is cut off, or none at all
        raise DatasetError(f"{path} cannot be read ({type(error).__name__}: {error})", fix=again) from None
    if len(content) != size:
        found = f"only {len(content)}" if len(content) < size else "more"
        raise DatasetError(f"{path} should hold {size} bytes after its header and holds {found}", fix=again)
    return np.frombuffer(content, np.uint8).reshape(shape)
