"""Folders that are no classes: pictures beside their masks, boxes or lists, as for segmentation and detection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.io.data_files import is_no_data_folder
from mt_core.sdk.splits import split_from_name

_INPUTS = re.compile(
    r"(?:jpeg|raw|original)?_?(?:image|img|picture|photo|scan|frame|input|rgb|patch|tile)s?(?:_?dir|_?\d+|tr|ts)?"
    r"|leftimg8bit(?:_trainvaltest)?|(?:train|val|test)\d{4}|velodyne(?:_reduced)?|point_?clouds?|points|imgs?",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"(?:segmentation|binary|color|semantic|instance)?_?(?:mask|label|annotation|annot|ann|gt|target|bbox|box|xml)e?s?"
    r"(?:_?dir|_?\d+|tr|ts)?"
    r"|annotations_\w+|segmentation(?:class|object|s)?(?:aug)?|gt(?:fine|coarse)|ground[_ -]?truths?|imagesets|"
    r"yolo_?labels|labelme|seg_?maps?",
    re.IGNORECASE,
)
_DOMAINS = re.compile(r"(?:train|test|val)_?[ab]", re.IGNORECASE)

_SORT = "sort the files into a folder per class, or list them with a label each in labels.csv (file,label)"


def answers_beside(names: Iterable[str]) -> list[str]:
    """Of the folders side by side, those that hold masks, boxes or lists for the files of another; [] where there is no
    such pair."""
    names = list(names)
    answers = sorted(name for name in names if _ANSWERS.fullmatch(name))
    return answers if answers and any(_INPUTS.fullmatch(name) for name in names) else []


def refuse_paired_folders(root: Path) -> None:
    """Refuse what is laid out for segmentation, detection or pairs of pictures: its folders are no classes.

    Raises:
        DatasetError: says which folders, and what is needed in their place.
    """
    names = sorted(path.name for path in root.iterdir() if not is_no_data_folder(path.name) and path.is_dir())
    if answers := answers_beside(names):
        inputs = [name for name in names if _INPUTS.fullmatch(name)]
        raise DatasetError(
            f"the folders of {root} are no classes: {_listed(inputs)} with masks or annotations in {_listed(answers)}, "
            "as for segmentation or detection; a label for each whole file is needed",
            fix=_SORT,
        )
    domains = [name for name in names if _DOMAINS.fullmatch(name)]
    if len(domains) > 1 and len(domains) == len(names):
        raise DatasetError(
            f"the folders of {root} are no classes: {_listed(domains)}, as for the translation of pictures", fix=_SORT
        )


def refuse_flat_splits(found: Sequence[tuple[str, Path]], root: Path) -> list[tuple[str, Path]]:
    """Class folders as they are; refused where they are called after splits ("train" alone may be a vehicle).

    Raises:
        DatasetError: train, val or test hold files, and no folder per class.
    """
    splits = [path.name for _, path in found if split_from_name(path.name)]
    is_vehicle = [split_from_name(name) for name in splits] == ["train"] and len(found) > 2
    if splits and not is_vehicle:
        raise DatasetError(
            f"{root}: {_listed(splits)} {'hold' if len(splits) > 1 else 'holds'} files and no folder per class",
            fix=f"{_SORT}; where the names say the labels: -D label='(?P<label>[a-z]+)_.*'",
        )
    return list(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{name}/" for name in names[:5]) + (" …" if len(names) > 5 else "")
