"""Labelled clouds: public benchmarks in the layouts they come in, and solids drawn for a demonstration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from mt_core.contract import AnyTask, Example, Segmentation
from mt_core.errors import InputError
from mt_core.sdk import FILE_LAYOUTS, FileOptions, ListedDataset, Listing, list_files
from mt_plugin_pointcloud.demo import FORMATS, solids, write_examples
from mt_plugin_pointcloud.layouts.hdf5 import find_modelnet_hdf5, find_scanobjectnn
from mt_plugin_pointcloud.layouts.labelled_points import find_labelled_points, read_labelled
from mt_plugin_pointcloud.layouts.labelled_scenes import find_scenes, find_surveys
from mt_plugin_pointcloud.layouts.s3dis import find_s3dis
from mt_plugin_pointcloud.layouts.semantickitti import find_semantickitti
from mt_plugin_pointcloud.layouts.shapenet import PartsFile, find_shapenet_parts, read_parts
from mt_plugin_pointcloud.reading import SUFFIXES
from mt_plugin_pointcloud.scenes import Scene, SceneLabels, check_classes, read_scene


class PointCloudDatasetOptions(FileOptions):
    """Which clouds, and what is labelled of them."""

    variant: str | None = Field(
        default=None, description="Of ScanObjectNN: for instance _augmentedrot_scale75; none: the objects as they are."
    )
    labels: Literal["clouds", "points", "scenes"] | None = Field(
        default=None,
        description="What the labels belong to: whole clouds; the points of small clouds, which are looked at as a "
        "whole; or the points of scenes, which are looked at in blocks. none: found from the data.",
    )
    category: str | None = Field(
        default=None, description="Of ShapeNet's parts: the one whose parts are told apart; none: all."
    )
    classes: tuple[str, ...] = Field(
        default=(), description="Of points: the names of the classes, in the order of their numbers."
    )
    void: tuple[int, ...] | None = Field(
        default=None,
        description="With labels=scenes: numbers in files that are of no class, for instance 0,255; they count in no "
        "loss and no metric. none: found from the data.",
    )


class PointCloudDataset(ListedDataset):
    """Clouds and their classes, or the classes of their points."""

    Options = PointCloudDatasetOptions
    layouts: ClassVar[dict[str, str]] = {
        "modelnet40-hdf5": "ply_data_train*.h5, ply_data_test*.h5 and shape_names.txt",
        "scanobjectnn": "training_objectdataset*.h5 and test_objectdataset*.h5, also in main_split/",
        "shapenet parts": "synsetoffset2category.txt, train_test_split/*.json, a folder a category; -D category=Chair",
        "s3dis": "S3DIS: Area_k/<room>/Annotations/<class>_<n>.txt, x y z r g b a line; also of one area or room",
        "semantickitti": "SemanticKITTI: sequences/NN/velodyne/*.bin and sequences/NN/labels/*.label",
        "surveys": "LAS and LAZ files with the class of each point, also in train/, val/ and test/",
        "labelled scenes": "other large clouds whose files say the class of each point: -D labels=scenes",
        "labelled points": "any clouds whose files say the class of each point: -D labels=points (segmentation)",
        **FILE_LAYOUTS,
    }
    demo_options: ClassVar[dict[str, Any]] = {"groups": 32}
    kinds = ("classification", "segmentation")

    def __getitem__(self, index: int) -> Example:
        if not isinstance(self.task, Segmentation):
            return super().__getitem__(index)
        sample = self.samples[index]
        if isinstance(sample, Scene):
            cloud, labels = read_scene(sample), self._targets[index]
            return Example(cloud, labels.of(cloud) if isinstance(labels, SceneLabels) else None)
        cloud = read_parts(sample) if isinstance(sample, PartsFile) else read_labelled(Path(sample))
        return Example(cloud, self._known(cloud.labels, cloud.name))

    @classmethod
    def find(cls, root: Path, split: str, *, options: PointCloudDatasetOptions | None = None) -> Listing | None:
        """The clouds of a split."""
        options = options or PointCloudDatasetOptions()
        if options.label is not None and options.labels in (None, "clouds"):
            return list_files(root, split, SUFFIXES, options)
        if options.labels in (None, "scenes") and (found := _find_scenes(root, split, options)):
            return found
        if root.is_dir() and (found := find_shapenet_parts(root, split, options.category)):
            return found
        if options.labels == "points":
            return find_labelled_points(root, split, options.classes)
        if root.is_dir() and (
            found := find_modelnet_hdf5(root, split) or find_scanobjectnn(root, split, options.variant)
        ):
            return found
        return list_files(root, split, SUFFIXES, options)

    @classmethod
    def of(cls, listing: Listing, task: AnyTask | None, source: str) -> Self:
        found = listing.task
        if isinstance(task, Segmentation) and isinstance(found, Segmentation) and task.of == found.of == "points":
            check_classes(found.classes, task, source)
            labels = [
                replace(each, classes=task.classes) if isinstance(each, SceneLabels) else each
                for each in listing.labels
            ]
            listing = replace(listing, labels=labels, task=task)
        return super().of(listing, task, source)

    def tokenizer_options(self) -> dict[str, Any]:
        """Where points have the labels: how they are looked at."""
        if not isinstance(self.task, Segmentation):
            return {}
        return {"labels": "scenes" if self.task.of == "points" else "points"}

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


def _find_scenes(root: Path, split: str, options: PointCloudDatasetOptions) -> Listing | None:
    """Scenes in a known layout; where they are asked for, any clouds."""
    found = find_s3dis(root, split, options.classes) or (find_semantickitti(root, split) if root.is_dir() else None)
    if found is None and options.labels == "scenes":
        return find_scenes(root, split, options.classes, options.void)
    return found or find_surveys(root, split, options.classes, options.void)
