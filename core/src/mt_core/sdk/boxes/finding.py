"""Data sets of pictures and the boxes of their objects, in the layouts that public benchmarks ship in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mt_core.contract import Boxes, Detection
from mt_core.errors import DatasetError
from mt_core.io.counted import counted
from mt_core.sdk.boxes.coco import find_coco_boxes
from mt_core.sdk.boxes.objects import Found
from mt_core.sdk.boxes.voc import find_voc_boxes
from mt_core.sdk.boxes.yolo import find_yolo_boxes
from mt_core.sdk.listing import Listing, sorted_names
from mt_core.sdk.masks.finding import MaskOptions
from mt_core.sdk.splits import select_splits

BOX_LAYOUTS = {
    "coco boxes": "COCO: annotations/*.json with bbox, train2017/ or images/; also a JSON file in each of train/, val/ "
    "and test/, beside the pictures",
    "voc boxes": "Pascal VOC: JPEGImages/, Annotations/*.xml, ImageSets/Main/*.txt; also XML files beside pictures, in "
    "each of train/, val/ and test/",
    "yolo": "YOLO: images/ and labels/*.txt (class, middle and size as shares of the picture), also in each of train/, "
    "val/ and test/; data.yaml or classes.txt",
}
"""The layouts of `find_boxes`, for a dataset's `layouts`."""


def find_boxes(root: Path, split: str, suffixes: Sequence[str], options: MaskOptions) -> Listing | None:
    """The pictures of a split and the boxes of their objects; None where there are none, or where other labels are
    asked for.

    Args:
        suffixes: Lower-case endings of the pictures' files.

    Warns:
        DataWarning: boxes without an area or outside of their picture, and what else is not read as it stands.

    Raises:
        DatasetError: boxes are asked for, and there are none; or they cannot be read.
        MissingSplitError: no such split.
    """
    if options.labels not in (None, "boxes") or options.label is not None or not root.is_dir():
        return None
    layout, found, task = _layout(root, suffixes, options.classes)
    if task is None:
        if options.labels is None:
            return None
        shown = "".join(f"\n    {name}: {what}" for name, what in BOX_LAYOUTS.items())
        raise DatasetError(f"{root} has no boxes that belong to pictures", fix=f"the layouts with boxes are{shown}")
    chosen = select_splits(split, [name for name in found if name], root) or [""]
    index_of = {name: index for index, name in enumerate(task.classes)}
    samples = [(picture, objects.boxes(index_of)) for name in chosen for picture, objects in found.get(name, ())]
    boxes: list[Boxes] = [target for _, target in samples]
    num_boxes = sum(len(each.classes) for each in boxes)
    return Listing(
        [picture for picture, _ in samples],
        boxes,
        (),
        layout,
        task=task,
        note=f"{counted(num_boxes, 'box', 'boxes')} of {counted(len(task.classes), 'class', 'classes')}",
        labels_from="the boxes",
    )


def _layout(root: Path, suffixes: Sequence[str], classes: Sequence[str]) -> tuple[str, Found, Detection | None]:
    """How the layout is called, the objects in the pictures of each split, and the task; None where there is none."""
    if (of_coco := find_coco_boxes(root)) is not None:
        found, categories = of_coco
        numbers = sorted(categories)
        return (
            "coco boxes",
            found,
            Detection(classes=tuple(categories[each] for each in numbers), numbers=tuple(numbers)),
        )
    if (of_voc := find_voc_boxes(root, suffixes)) is not None:
        occur = {name for some in of_voc.values() for _, objects in some for name in objects.names}
        return "voc boxes", of_voc, Detection(classes=_ordered(occur, classes, root))
    if (of_yolo := find_yolo_boxes(root, suffixes, classes)) is not None:
        found, listed = of_yolo
        return "yolo", found, Detection(classes=tuple(listed))
    return "", {}, None


def _ordered(names: set[str], classes: Sequence[str], root: Path) -> tuple[str, ...]:
    """The classes in the order that the user gives, else sorted.

    Raises:
        DatasetError: an object of a class that is not among those given.
    """
    if strange := sorted(names - set(classes)) if classes else []:
        raise DatasetError(
            f"{root} has objects of {', '.join(strange[:5])}, which -D classes does not name", fix="name all classes"
        )
    return tuple(classes) or sorted_names(names)
