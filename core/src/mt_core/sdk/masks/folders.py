"""Which mask belongs to which picture: folders of pictures and of masks side by side, and lists of pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mt_core.errors import DatasetError
from mt_core.sdk.below import files_below
from mt_core.sdk.folders import folders_in
from mt_core.sdk.masks.files import MASK_SUFFIXES
from mt_core.sdk.notices import left_out, some_of
from mt_core.sdk.splits import split_from_name
from mt_core.sdk.text import read_text

Pairs = list[tuple[str, str]]
"""Pictures and their masks."""

_PICTURES = re.compile(
    r"(?:jpeg|raw|original)?_?(?:image|img|picture|photo|scan|frame|input|rgb|patch|tile)s?(?:_?dir|tr|ts)?"
    r"|leftimg8bit(?:_trainvaltest)?",
    re.IGNORECASE,
)
_MASKS = re.compile(
    r"(?:segmentation|binary|color|semantic)?_?(?:mask|label|annotation|annot|ann|gt|target)s?(?:_?dir|tr|ts)?"
    r"|segmentation(?:class|s)?(?:aug|raw)?|gtfine|ground[_ -]?truths?|seg_?maps?|trimaps",
    re.IGNORECASE,
)
_OF_SPLIT = re.compile(r"(?P<split>train|training|val|valid|validation|test)[ _-]?(?P<rest>.*)", re.IGNORECASE)
_ENDINGS = re.compile(
    r"(?:_leftimg8bit|_gtfine_label(?:train)?ids|[_-](?:masks?|segmentation|seg|labels?|labelids|gt|ground_?truth|anno\w*"
    r"|image|img|l|0000))$",
    re.IGNORECASE,
)
_LOSSLESS = tuple(suffix for suffix in MASK_SUFFIXES if suffix not in (".jpg", ".jpeg"))
_NO_INDEX_MASK = re.compile(r".*_gtfine_(?:color|instanceids)|.*_instanceids|.*_color", re.IGNORECASE)


def pairs_by_folders(root: Path, suffixes: Sequence[str]) -> dict[str, Pairs]:
    """The pairs of each split, "" where there are none; {} where no folder of masks lies beside one of pictures.

    Known are `images/ masks/`, with or without the same folders of splits in both; `train/images/ train/masks/`; and
    `train/ trainannot/`, `train_images/ train_masks/`.
    """
    found: dict[str, Pairs] = {}
    for split, pictures, masks in _folders(root):
        if pairs := pairs_of(pictures, masks, suffixes):
            found.setdefault(split, []).extend(pairs)
    return found


def _folders(root: Path) -> Iterator[tuple[str, Path, Path]]:
    """Split, folder of pictures, folder of masks."""
    inside = folders_in(root)
    if beside := _beside(inside):
        pictures, masks = beside
        of_split = {name: path for path in folders_in(pictures) if (name := split_from_name(path.name))}
        of_masks = {name: path for path in folders_in(masks) if (name := split_from_name(path.name))}
        if both := [name for name in of_split if name in of_masks]:
            yield from ((name, of_split[name], of_masks[name]) for name in both)
        else:
            yield "", pictures, masks
        return
    for folder in inside:
        if (split := split_from_name(folder.name)) and (beside := _beside(folders_in(folder))):
            yield (split, *beside)
    named = {path.name.lower(): path for path in inside}
    for folder in inside:
        match = _OF_SPLIT.fullmatch(folder.name)
        if match is None or not _MASKS.fullmatch(match["rest"]):
            continue
        split = split_from_name(match["split"])
        of_same_split = next(
            (
                path for name, path in named.items()
                if (other := _OF_SPLIT.fullmatch(name)) and split_from_name(other["split"]) == split
                and (not other["rest"] or _PICTURES.fullmatch(other["rest"]))
            ),
            None,
        )  # fmt: skip
        if split is not None and of_same_split is not None:
            yield split, of_same_split, folder


def _beside(folders: Sequence[Path]) -> tuple[Path, Path] | None:
    """The folder of pictures and that of masks, among others; None where there is not one of each."""
    pictures = [path for path in folders if _PICTURES.fullmatch(path.name)]
    masks = [path for path in folders if _MASKS.fullmatch(path.name)]
    if len(pictures) > 1:  # leftImg8bit beside images, imagesTr beside imagesTs
        pictures = [path for path in pictures if not path.name.lower().endswith("ts")] or pictures
    if len(masks) > 1:
        masks = [path for path in masks if not path.name.lower().endswith("ts")] or masks
    return (pictures[0], masks[0]) if pictures and masks else None


def pairs_of(pictures: Path, masks: Path, suffixes: Sequence[str]) -> Pairs:
    """Files of two folders that are called alike, apart from what says that one is the mask of the other.

    Raises:
        DatasetError: two masks of one picture.
    """
    mask_of: dict[str, str] = {}
    for path in files_below(masks, MASK_SUFFIXES):
        if _NO_INDEX_MASK.fullmatch(Path(path).stem):
            continue
        key = _key(path, masks)
        if key in mask_of and not _is_preferred(path, mask_of[key]):
            if not _is_preferred(mask_of[key], path):
                raise DatasetError(
                    f"{path} and {Path(mask_of[key]).name} are masks of the same picture",
                    fix="keep one mask a picture, whose pixels are the indices of classes",
                )
            continue
        mask_of[key] = path
    if not mask_of:
        return []
    files = list(files_below(pictures, suffixes))
    pairs = [(path, mask_of[key]) for path in files if (key := _key(path, pictures)) in mask_of]
    if pairs and len(pairs) < len(files):
        without = [Path(path).name for path in files if _key(path, pictures) not in mask_of]
        left_out(str(pictures), f"{len(without):,} of {len(files):,} pictures, which have no mask: {some_of(without)}")
    if pairs and len(pairs) < len(mask_of):
        left_out(str(masks), f"{len(mask_of) - len(pairs):,} masks without a picture")
    return pairs


def _is_preferred(path: str, other: str) -> bool:
    """Of the two masks that Cityscapes has of a picture, the one with all numbers."""
    return path.lower().endswith("_labelids.png") and other.lower().endswith("_labeltrainids.png")


def _key(path: str, folder: Path) -> str:
    """What the name of a file has in common with that of its mask."""
    below = PurePosixPath(Path(path).relative_to(folder).as_posix())
    stem = below.stem
    while (shorter := _ENDINGS.sub("", stem)) != stem and shorter:
        stem = shorter
    return str(below.with_name(stem))


def pairs_by_lists(root: Path, lists: Mapping[str, Path]) -> dict[str, Pairs]:
    """The pairs that lists name, a picture and its mask a line; {} where they do not.

    A path that leads elsewhere is looked for below the folder by its end.

    Warns:
        DataWarning: pairs that are not there.
    """
    found: dict[str, Pairs] = {}
    for split, path in lists.items():
        rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
        if not rows or any(len(row) != 2 or not row[1].lower().endswith(_LOSSLESS) for row in rows):
            return {}
        pairs = [(file_below(root, picture), file_below(root, mask)) for picture, mask in rows]
        there = [(picture, mask) for picture, mask in pairs if picture and mask]
        if there and len(there) < len(pairs):
            left_out(
                str(path), f"{len(pairs) - len(there):,} of {len(pairs):,} pairs that it lists and that are absent"
            )
        if there:
            found[split] = there
    return found


def file_below(root: Path, listed: str) -> str | None:
    """The file below a folder that a path ends with; None where there is none."""
    parts = PurePosixPath(listed.replace("\\", "/")).parts
    for start in range(len(parts)):
        candidate = root.joinpath(*parts[start:])
        if candidate.is_file():
            return str(candidate)
    return None


def only_listed(pairs: Pairs, listed: Sequence[str]) -> Pairs:
    """The pairs whose picture is called as one that is listed, in the order of the list."""
    by_stem = {Path(picture).stem: (picture, mask) for picture, mask in pairs}
    return [by_stem[stem] for stem in listed if stem in by_stem]
