"""Folders that are no classes: pictures beside their masks, boxes or lists, as for segmentation and detection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.io.data_files import is_no_data_folder
from mt_core.sdk.notices import left_out, reinterpreted
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
_OF_A_FILE = re.compile(r"(?P<of>.+?)[ _-](?:mask|segmentation|gt|ground_?truth)(?:[ _-]?\d{1,2})?", re.IGNORECASE)
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
    names = [path.name for _, path in found]
    if not splits and _differ_by_split(names):
        raise DatasetError(
            f"the folders of {root} are called after splits, and are no classes: {_listed(names)}",
            fix="call them train, val and test, with a folder per class in each",
        )
    is_vehicle = [split_from_name(name) for name in splits] == ["train"] and len(found) > 2
    if splits and not is_vehicle:
        raise DatasetError(
            f"{root}: {_listed(splits)} {'hold' if len(splits) > 1 else 'holds'} files and no folder per class",
            fix=f"{_SORT}; where the names say the labels: -D label='(?P<label>[a-z]+)_.*'",
        )
    return list(found)


def _differ_by_split(names: Sequence[str]) -> bool:
    """Whether names are seg_train and seg_test: one split each, and what else they say is the same."""
    words = [re.findall(r"[a-z0-9]+", name.lower()) for name in names]
    splits = [[split for word in each if (split := split_from_name(word))] for each in words]
    rest = {tuple(word for word in each if split_from_name(word) is None) for each in words}
    different = {each[0] for each in splits if len(each) == 1}
    return len(names) > 1 and len(different) == len(names) and len(rest) == 1


def without_masks(files: Sequence[str], folder: Path) -> list[str]:
    """The files of a class without those that are called after another of them: 1_mask.png beside 1.png."""
    stems = {(path.parent, path.stem) for path in map(Path, files)}
    kept = [file for file in files if not _is_mask(Path(file), stems)]
    if len(kept) < len(files):
        left_out(str(folder), f"{len(files) - len(kept):,} masks of the files beside them, by their names")
    return kept


def _is_mask(path: Path, stems: set[tuple[Path, str]]) -> bool:
    match = _OF_A_FILE.fullmatch(path.stem)
    return match is not None and (path.parent, match["of"]) in stems


def tell_masks_among_classes(folders: Sequence[Path], root: Path) -> None:
    """Tell a class called masks, labels or the like whose files are called as those of the other classes."""
    for folder in folders:
        if _ANSWERS.fullmatch(folder.name):
            own = _stems(folder)
            others = set[str]().union(*(_stems(other) for other in folders if other != folder))
            if own and own <= others:
                reinterpreted(str(root), f"{folder.name}/ as a class, though its files are called as those of others")


def _stems(folder: Path) -> set[str]:
    return {path.stem for path in folder.iterdir() if path.suffix and not path.name.startswith(".")}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{name}/" for name in names[:5]) + (" …" if len(names) > 5 else "")
