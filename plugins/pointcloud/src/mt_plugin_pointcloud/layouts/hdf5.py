"""Benchmarks as HDF5: ModelNet40 sampled to 2,048 points, and ScanObjectNN.  n clouds, N points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError
from mt_core.sdk import Listing, read_text, select_splits
from mt_plugin_pointcloud.reading.hdf5 import Hdf5Row

_SCANOBJECTNN_CLASSES = (
    "bag", "bin", "box", "cabinet", "chair", "desk", "display", "door", "shelf", "table", "bed", "pillow", "sink",
    "sofa", "toilet",
)  # fmt: skip
_LARGEST = 10**7  # clouds in a file, and numbers in a cloud: what a header promises need not be there
_SCANOBJECTNN_FILES = {"train": "training_objectdataset", "test": "test_objectdataset"}


def find_modelnet_hdf5(root: Path, split: str) -> Listing | None:
    """ply_data_train*.h5 and ply_data_test*.h5, with the classes in shape_names.txt; None where there are none.

    train_files.txt and test_files.txt tell the order where they are there; of what they say only the file names count,
    since they hold paths of the machine they were written on.

    Source: Qi et al. 2017 (PointNet), modelnet40_ply_hdf5_2048.
    """
    by_split = {name: _listed(root, name) for name in ("train", "val", "test")}
    if not any(by_split.values()):
        return None
    names = root / "shape_names.txt"
    if not names.is_file():
        raise DatasetError(f"{root} has ply_data_*.h5 and no shape_names.txt", fix="copy it from the download as well")
    classes = tuple(filter(None, map(str.strip, read_text(names).splitlines())))
    return _rows(_of_split(by_split, split, root), classes, "modelnet40-hdf5")


def find_scanobjectnn(root: Path, split: str, variant: str | None = None) -> Listing | None:
    """training_objectdataset*.h5 and test_objectdataset*.h5 in the folder, or in main_split in it.

    Args:
        root: The folder of a split, or h5_files above it.
        split: "train", "test" or "all".
        variant: What follows in the files' names: "" for the objects as they are, "_augmentedrot_scale75" for the
            hardest. By default "" where it is there, else the only one.

    Source: Uy et al. 2019 (ScanObjectNN), arXiv:1908.04616.
    """
    folders = (root, root / "main_split", root / "h5_files" / "main_split")
    folder = next((each for each in folders if any(each.glob("*_objectdataset*.h5"))), None)
    if folder is None:
        return None
    variants = sorted({file.stem.split("_objectdataset")[1] for file in folder.glob("*_objectdataset*.h5")})
    if variant is None:
        variant = "" if "" in variants or len(variants) > 1 else variants[0]
    if variant not in variants:
        raise DatasetError(
            f"{folder} has the variants {', '.join(map(repr, variants))}, not {variant!r}",
            fix="pass variant=… with one of these",
        )
    by_split = {name: [folder / f"{stem}{variant}.h5"] for name, stem in _SCANOBJECTNN_FILES.items()}
    by_split = {name: [file for file in files if file.is_file()] for name, files in by_split.items()}
    return _rows(_of_split(by_split, split, root), _SCANOBJECTNN_CLASSES, "scanobjectnn")


def _listed(root: Path, split: str) -> list[Path]:
    there = {file.name: file for file in sorted(root.glob(f"ply_data_{split}*.h5"))}
    order = root / f"{split}_files.txt"
    if not order.is_file():
        return list(there.values())
    names = [Path(line.strip()).name for line in read_text(order).splitlines() if line.strip()]
    lost = [name for name in names if name not in there]
    if lost:
        raise DatasetError(
            f"{order} names {lost[0]}, which {root} does not have", fix="check that the download is complete"
        )
    return [there[name] for name in names]


def _of_split(by_split: dict[str, list[Path]], split: str, root: Path) -> list[Path]:
    available = [name for name, files in by_split.items() if files]
    return [file for name in select_splits(split, available, root) for file in by_split[name]]


def _rows(files: list[Path], classes: tuple[str, ...], layout: str) -> Listing:
    samples: list[Hdf5Row] = []
    labels: list[str] = []
    for file in files:
        numbers = _labels(file)
        if len(numbers) and not 0 <= int(numbers.min()) <= int(numbers.max()) < len(classes):
            raise DatasetError(
                f"{file} has labels {numbers.min()} to {numbers.max()}, there are {len(classes)} classes",
                fix="check that the files belong together",
            )
        samples += [Hdf5Row(file, row) for row in range(len(numbers))]
        labels += [classes[int(number)] for number in numbers]
    return Listing(samples, labels, classes, layout)


def _labels(file: Path) -> NDArray[np.int64]:
    """(n,) class indices; the clouds themselves are not read."""
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            shape, size = opened["data"].shape, opened["label"].size
            fits = len(shape) == 3 and shape[0] == size <= _LARGEST and shape[1] * shape[2] <= _LARGEST
            labels = np.asarray(opened["label"]).reshape(-1) if fits else np.empty(0)
    except (OSError, KeyError, AttributeError, RuntimeError, ValueError) as error:
        raise DatasetError(
            f"{file} cannot be read as HDF5 with 'data' and 'label' ({str(error)[:120]})",
            fix="check that the download is complete",
        ) from None
    if not fits or labels.dtype.kind not in "iu":
        raise DatasetError(
            f"{file} has data of shape {shape} and {size} labels of {labels.dtype}",
            fix="data are (clouds, points, 3) and label one integer a cloud",
        )
    return labels.astype(np.int64)
