"""Labelled clouds: public benchmarks in the layouts they come in, and solids drawn for a demonstration."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from mt_core.contract import SPLITS, AnyTask, Classification, Example, ModalityDataset
from mt_core.errors import DatasetError, OptionError
from mt_plugin_pointcloud.layouts import (
    Hdf5Clouds,
    Hdf5Row,
    find_folders,
    find_modelnet_hdf5,
    find_scanobjectnn,
    find_table,
)
from mt_plugin_pointcloud.solids import SOLIDS, draw_solid
from mt_plugin_pointcloud.writing import WRITERS


class PointCloudDataset(ModalityDataset):
    """Clouds and their classes.

    Args:
        samples: Files, or rows of HDF5 files.
        labels: The class of each.
        task: The classes.
        source: One line on where the samples come from.

    Raises:
        OptionError: a label that the task does not have.
    """

    layouts: ClassVar[dict[str, str]] = {
        "table": "splits.csv with the columns file, label and split, as for LiDARNet",
        "modelnet40-hdf5": "ply_data_train*.h5, ply_data_test*.h5 and shape_names.txt",
        "scanobjectnn": "training_objectdataset*.h5 and test_objectdataset*.h5, also in main_split/",
        "modelnet": "class/train/* and class/test/*",
        "folders": "class/*, or train/class/*, val/class/* and test/class/*",
    }
    demo_options: ClassVar[dict[str, Any]] = {"groups": 32}
    task: Classification

    def __init__(
        self, samples: Iterable[Path | Hdf5Row], labels: Iterable[str], task: Classification, *, source: str
    ) -> None:
        index = {name: position for position, name in enumerate(task.classes)}
        labels = list(labels)
        unknown = sorted(set(labels) - index.keys())
        if unknown:
            raise OptionError(
                f"{source} has the class {unknown[0]!r}, not among the task's {', '.join(task.classes)[:200]}",
                fix="train on data that has all classes, or leave these samples out",
            )
        self.samples = list(samples)
        self.task = task
        self.source = source
        self._targets = [index[label] for label in labels]
        self._hdf5 = Hdf5Clouds()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Example:
        sample = self.samples[index]
        return Example(self._hdf5.cloud(sample) if isinstance(sample, Hdf5Row) else sample, self._targets[index])

    def targets(self) -> Sequence[int]:
        return self._targets

    @classmethod
    def open(
        cls,
        root: Path,
        split: str = "train",
        *,
        task: AnyTask | None = None,
        variant: str | None = None,
        **options: Any,
    ) -> Self:
        """See `ModalityDataset.open`.

        Args:
            variant: Of ScanObjectNN: "" or, for instance, "_augmentedrot_scale75".
        """
        root = Path(root)
        if options:
            raise OptionError(f"there is no option {next(iter(options))!r}", fix="the only option is variant")
        if split not in SPLITS:
            raise OptionError(f"there is no split {split!r}", fix=f"use one of {', '.join(SPLITS)}")
        if task is not None and not isinstance(task, Classification):
            raise OptionError(f"clouds come with classes, not with a {task.kind} task", fix="use a classification task")
        if not root.exists():
            raise DatasetError(f"{root} does not exist", fix="check the path and the folder it is relative to")
        found = (
            find_table(root, split)
            or find_modelnet_hdf5(root, split)
            or find_scanobjectnn(root, split, variant)
            or find_folders(root, split)
        )
        if found is None:
            looked_for = "".join(f"\n    {name}: {line}" for name, line in cls.layouts.items())
            raise DatasetError(f"{root} is in no known layout", fix=f"the layouts are{looked_for}")
        return cls(found.samples, found.labels, task or Classification(classes=found.classes), source=str(root))

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Solids of 50 to 2,000 points in any pose, written as files that live as long as this process."""
        if split not in SPLITS:
            raise OptionError(f"there is no split {split!r}", fix=f"use one of {', '.join(SPLITS)}")
        classes, suffixes = tuple(SOLIDS), tuple(WRITERS)
        parts = SPLITS[:3] if split == "all" else (split,)
        folder = _folder_of_this_process()
        samples: list[Path | Hdf5Row] = []
        labels = []
        for position in range(size):
            part, number = parts[position % len(parts)], position // len(parts)
            draw = np.random.default_rng([seed, SPLITS.index(part), number])
            kind, suffix = classes[number % len(classes)], suffixes[draw.integers(len(suffixes))]
            path = folder / f"{kind}_{part}_{number:04d}{suffix}"
            WRITERS[suffix](path, draw_solid(kind, draw))
            samples.append(path)
            labels.append(kind)
        source = f"solids sampled for this run, written as {' '.join(suffixes)} (synthetic)"
        return cls(samples, labels, Classification(classes=classes), source=source)


def _folder_of_this_process() -> Path:
    """A new temporary folder. It outlives the dataset, since examples hold paths into it, and goes when the process
    that made it ends, not when one forked from it does."""
    folder, owner = tempfile.mkdtemp(prefix="mt-solids-"), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return Path(folder)
