"""Data sets of pictures and their masks, in the layouts that public benchmarks ship in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from mt_core.errors import DatasetError
from mt_core.io.counted import counted
from mt_core.sdk.file_options import FileOptions
from mt_core.sdk.folders import folders_in
from mt_core.sdk.listing import Listing
from mt_core.sdk.masks.benchmarks import CITYSCAPES, PETS, VSPW, ade20k, known_by_names
from mt_core.sdk.masks.classes import Known, find_classes, holds_numbers_of_objects
from mt_core.sdk.masks.clips import OBJECTS, ObjectMask, clip_of, clips_by_folders, pairs_in_clips
from mt_core.sdk.masks.coco import find_coco
from mt_core.sdk.masks.files import Mask
from mt_core.sdk.masks.folders import Pairs, only_listed, pairs_by_folders, pairs_by_lists, pairs_of
from mt_core.sdk.notices import reinterpreted
from mt_core.sdk.splits import select_splits, split_from_name
from mt_core.sdk.text import read_text

MASK_LAYOUTS = {
    "voc masks": "Pascal VOC: JPEGImages/, SegmentationClass/, ImageSets/Segmentation/*.txt",
    "ade20k": "ADE20K: images/training, annotations/training, and validation; 0 is of no class",
    "cityscapes": "Cityscapes: leftImg8bit/train/city/*.png, gtFine/train/city/*_labelIds.png",
    "clips": "frames of videos, a folder a clip: DAVIS and YouTube-VOS (JPEGImages/, Annotations/, ImageSets/), VSPW "
    "(data/CLIP/origin, data/CLIP/mask)",
    "listed masks": "train.txt, val.txt, test.txt of a picture and its mask a line, as CamVid has them",
    "oxford pets": "Oxford-IIIT pets: images/, annotations/trimaps/*.png; 3 is of no class",
    "coco masks": "COCO: annotations/instances_*.json with polygons or run lengths, train2017/ or images/",
    "masks": "images/ and masks/ (labels/, annotations/, …) with files of the same names, also in each of train/, val/ "
    "and test/, or as train/ and trainannot/",
}
"""The layouts of `find_masks`, for a dataset's `layouts`."""


class MaskOptions(FileOptions):
    """Where labels and groups come from, and whether they are of pictures, of pixels or of objects."""

    labels: Literal["pictures", "pixels", "boxes"] | None = Field(
        default=None,
        description="What the labels belong to: whole pictures, each of their pixels, as masks say, or the objects in "
        "them, as boxes say; none: found from the data, masks before boxes, and without any, pictures.",
    )
    classes: tuple[str, ...] = Field(
        default=(), description="Of masks and boxes: the names of the classes, in the order of their numbers."
    )
    void: tuple[int, ...] | None = Field(
        default=None,
        description="Of masks: numbers that are of no class; none: found (255, and what the layout is known for).",
    )


def find_masks(root: Path, split: str, suffixes: Sequence[str], options: MaskOptions) -> Listing | None:
    """The pictures of a split and their masks; None where there are none, or where other labels are asked for.

    Args:
        suffixes: Lower-case endings of the pictures' files.

    Raises:
        DatasetError: masks of pixels are asked for, and there are none; or they do not fit each other.
        MissingSplitError: no such split.
    """
    if options.labels not in (None, "pixels") or options.label is not None or not root.is_dir():
        return None
    layout, pairs, known = _layout(root, suffixes)
    if pairs:
        every = [mask for some in pairs.values() for _, mask in some]
        known = known or known_by_names(every)
        are_objects = (
            layout == "clips" and known is None and holds_numbers_of_objects(every, root, options.classes, options.void)
        )
        if are_objects:
            reinterpreted(str(root), "the numbers above 0 in masks of clips taken for objects, all of the class object")
        kind = ObjectMask if are_objects else Mask
        task = OBJECTS if are_objects else find_classes(every, root, known, classes=options.classes, void=options.void)
        of_split = {name: [(picture, kind(mask, task)) for picture, mask in some] for name, some in pairs.items()}
    elif (found := find_coco(root)) is not None:
        layout, (of_split, task) = "coco masks", found  # type: ignore[assignment]
    elif options.labels == "pixels":
        shown = "".join(f"\n    {name}: {what}" for name, what in MASK_LAYOUTS.items())
        raise DatasetError(f"{root} has no masks that belong to pictures", fix=f"the layouts with masks are{shown}")
    else:
        return None
    chosen = select_splits(split, [name for name in of_split if name], root) or [""]
    samples = [each for name in chosen for each in of_split.get(name, ())]
    return Listing(
        [picture for picture, _ in samples],
        [mask for _, mask in samples],
        (),
        layout,
        task=task,
        note=f"masks of {counted(len(task.classes), 'class', 'classes')}",
        labels_from="the masks",
        groups=[clip_of(picture) for picture, _ in samples] if layout == "clips" else None,
    )


def _layout(root: Path, suffixes: Sequence[str]) -> tuple[str, dict[str, Pairs], Known | None]:
    """How the layout is called, the pairs of each split, and what is known of its masks."""
    names = {path.name.lower(): path for path in folders_in(root)}
    if {"jpegimages", "segmentationclass"} <= names.keys():
        pairs = pairs_by_folders(root, suffixes)
        return "voc masks", _by_lists(pairs, root / "ImageSets" / "Segmentation"), None
    if (trimaps := root / "annotations" / "trimaps").is_dir() and "images" in names:
        return "oxford pets", _pets(root, trimaps, suffixes), PETS
    if in_clips := pairs_in_clips(root, suffixes):
        return "clips", in_clips, VSPW
    if lists := {name: path for path in root.glob("*.txt") if (name := split_from_name(path.stem))}:
        if listed := pairs_by_lists(root, lists):
            return "listed masks", listed, None
    pairs = pairs_by_folders(root, suffixes)
    if {"leftimg8bit", "gtfine"} <= names.keys():
        return "cityscapes", pairs, CITYSCAPES
    if {"images", "annotations"} <= names.keys() and (root / "annotations" / "training").is_dir():
        return "ade20k", pairs, ade20k(root)
    if clips := clips_by_folders(pairs, root):
        return "clips", clips, None
    return "masks", pairs, None


def _by_lists(pairs: Mapping[str, Pairs], folder: Path) -> dict[str, Pairs]:
    """The pairs in the splits that lists of names say, where there are lists."""
    every = [pair for some in pairs.values() for pair in some]
    lists = {name: path for path in folder.glob("*.txt") if (name := split_from_name(path.stem))}
    of_split = {name: only_listed(every, read_text(path).split()) for name, path in lists.items()}
    return {name: some for name, some in of_split.items() if some} or dict(pairs)


def _pets(root: Path, trimaps: Path, suffixes: Sequence[str]) -> dict[str, Pairs]:
    pairs = pairs_of(root / "images", trimaps, suffixes)
    lists = {"train": root / "annotations" / "trainval.txt", "test": root / "annotations" / "test.txt"}
    listed = {
        name: only_listed(pairs, [line.split()[0] for line in read_text(path).splitlines() if line.strip()])
        for name, path in lists.items()
        if path.is_file()
    }
    return listed or {"": pairs}
