"""Labelled clouds: public benchmarks in the layouts they come in, and solids drawn for a demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from mt_core.contract import AnyTask, Example, Options, Segmentation
from mt_core.errors import InputError
from mt_core.sdk import ListedDataset, Listing, find_tables, list_folders, list_tables
from mt_plugin_pointcloud.demo import FORMATS, solids, write_examples
from mt_plugin_pointcloud.layouts.hdf5 import Hdf5Clouds, Hdf5Row, find_modelnet_hdf5, find_scanobjectnn
from mt_plugin_pointcloud.layouts.labelled_points import find_labelled_points, read_labelled
from mt_plugin_pointcloud.layouts.shapenet import PARTS, find_shapenet_parts, read_parts
from mt_plugin_pointcloud.reading import SUFFIXES


class PointCloudDatasetOptions(Options):
    """Which clouds, and what is labelled of them."""

    variant: str | None = Field(
        default=None, description="Of ScanObjectNN: for instance _augmentedrot_scale75; none: the objects as they are."
    )
    labels: Literal["clouds", "points"] = Field(
        default="clouds", description="What the labels belong to: whole clouds, or the points in them."
    )
    category: str | None = Field(
        default=None, description="Of ShapeNet's parts: the one whose parts are told apart; none: all."
    )
    classes: tuple[str, ...] = Field(
        default=(), description="With labels=points: the names of the classes, in the order of their numbers."
    )


class PointCloudDataset(ListedDataset):
    """Clouds and their classes, or the classes of their points."""

    Options = PointCloudDatasetOptions
    layouts: ClassVar[dict[str, str]] = {
        "table": "splits.csv or labels.csv with the columns file, label and split, as for LiDARNet",
        "modelnet40-hdf5": "ply_data_train*.h5, ply_data_test*.h5 and shape_names.txt",
        "scanobjectnn": "training_objectdataset*.h5 and test_objectdataset*.h5, also in main_split/",
        "folders": "class/*, train/class/*, val/class/* and test/class/*, or (ModelNet) class/train/* and class/test/*",
        "shapenet parts": "synsetoffset2category.txt, train_test_split/*.json, a folder a category; -D category=Chair",
        "labelled points": "any clouds whose files say the class of each point: -D labels=points (segmentation)",
    }
    demo_options: ClassVar[dict[str, Any]] = {"groups": 32}
    kinds = ("classification", "segmentation")

    def __init__(self, samples: Sequence[Any], targets: Sequence[Any], task: AnyTask, source: str) -> None:
        super().__init__(samples, targets, task, source)
        self._hdf5 = Hdf5Clouds()
        self._first_part: int | None = None

    def __getitem__(self, index: int) -> Example:
        sample = self.samples[index]
        if isinstance(self.task, Segmentation):
            path = Path(sample)
            cloud = read_labelled(path) if self._first_part is None else read_parts(path, self._first_part)
            return Example(cloud, self._known(cloud.labels, str(sample)))
        if isinstance(sample, Hdf5Row):
            return Example(self._hdf5.cloud(sample), self._targets[index])
        return Example(sample, self._targets[index])

    @classmethod
    def find(cls, root: Path, split: str, *, options: PointCloudDatasetOptions | None = None) -> Listing | None:
        """The clouds of a split."""
        options = options or PointCloudDatasetOptions()
        if listing := find_shapenet_parts(root, split, options.category):
            return listing
        if options.labels == "points":
            return find_labelled_points(root, split, options.classes)
        if tables := {"": root} if root.suffix.lower() == ".csv" else find_tables(root) if root.is_dir() else {}:
            return list_tables(tables, split, root)
        return (
            find_modelnet_hdf5(root, split)
            or find_scanobjectnn(root, split, options.variant)
            or list_folders(root, split, SUFFIXES)
            if root.is_dir()
            else None
        )

    @classmethod
    def of(cls, listing: Listing, task: AnyTask | None, source: str) -> Self:
        dataset = super().of(listing, task, source)
        if listing.layout == "shapenet parts" and isinstance(listing.task, Segmentation):
            category = listing.task.classes[0].rpartition(" ")[0].capitalize()
            dataset._first_part = PARTS[category][0]
        return dataset

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Solids of 50 to 2,000 points in any pose, in files of several formats; `size` is a split's."""
        source = f"solids sampled for this run, written as {' '.join(FORMATS)} (synthetic)"
        return cls.of(solids(split, size, seed), None, source)

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

    def _known(self, labels: Any, name: str) -> Any:
        if int(labels.max()) >= self.task.num_outputs:
            raise InputError(
                f"{name} has points of class {labels.max()}, and there are {self.task.num_outputs} classes",
                fix="name all classes, in the order of their numbers: -D classes=ground,building,…",
            )
        return labels
