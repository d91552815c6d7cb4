"""Boxes in text files as YOLO has them, one file a picture. A line has the class and four shares of the picture: the
middle of the box across and down, its width and its height.

Sources: Redmon et al. 2016, arXiv:1506.02640; Ultralytics' "Object detection datasets overview" for data.yaml, pictures
without a file, and lines of polygons; its "Pose estimation datasets overview" for keypoints behind the box.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from mt_core.errors import DatasetError, InputError, MissingDependencyError
from mt_core.io.counted import counted
from mt_core.sdk.below import files_below
from mt_core.sdk.boxes.objects import Found, Objects
from mt_core.sdk.boxes.sizes import size_of
from mt_core.sdk.folders import folders_in
from mt_core.sdk.notices import left_out, reinterpreted, some_of
from mt_core.sdk.splits import split_from_name
from mt_core.sdk.text import read_text

_Pair = tuple[str, str, list[tuple[int, list[float]]]]
"""A picture, the file of its boxes, and of each line the class and the numbers."""

_LISTS = ("classes.txt", "obj.names", "classes.names", "coco.names", "predefined_classes.txt")
_NO_LABELS = {*_LISTS, "train.txt", "val.txt", "test.txt", "readme.txt", "notes.txt", "license.txt"}
_LOOKED_AT = 20  # files of which one at least has to hold boxes
_SLACK = 1.5  # the largest share of the picture in a file that is taken for YOLO's
_THREADS = 4
_KEYPOINTS = re.compile(r"^kpt_shape\s*:\s*\[?\s*-?\s*(\d+)\s*[,\n]\s*-?\s*([23])\b", re.MULTILINE)


class _NoLabelsError(DatasetError):
    """Lines as YOLO's programs write them, but not as labels."""


def find_yolo_boxes(root: Path, suffixes: Sequence[str], classes: Sequence[str]) -> tuple[Found, list[str]] | None:
    """The pictures of each split and their objects, and the names of the classes; None where no text file beside
    pictures holds boxes.

    Known are `images/ labels/`, with folders of splits in both or around both, and text files beside their pictures.

    Args:
        classes: Names that the user gives, in the order of the numbers.

    Warns:
        DataWarning: pictures without a text file, which show no object; text files without a picture; outlines, of
            which the box is taken; keypoints.

    Raises:
        DatasetError: a line that is no box, such as one of a prediction, or a number without a name.
    """
    folders = list(_folders(root))
    keypoints = _keypoint_numbers(root)
    if not any(_has_boxes(pictures, labels, suffixes, keypoints) for _, pictures, labels in folders):
        return None
    names = list(classes) or _names(root)
    read: dict[str, list[_Pair]] = {}
    for split, pictures, labels in folders:
        if some := _pairs(pictures, labels, suffixes, keypoints):
            read.setdefault(split, []).extend(some)
    numbers = {number for some in read.values() for _, _, lines in some for number, _ in lines}
    names = names or [str(number) for number in range(max(numbers, default=-1) + 1)]
    for some in read.values():
        for _, source, lines in some:
            if strange := [number for number, _ in lines if number >= len(names)]:
                raise DatasetError(
                    f"{source} has the class {strange[0]}, and there are {len(names)} names of classes",
                    fix="name all of them, from 0 on, in data.yaml, in classes.txt or as -D classes=car,gate,…",
                )
    return {split: _in_pixels(some, names) for split, some in read.items()}, names


def _folders(root: Path) -> Iterator[tuple[str, Path, Path]]:
    """Split, folder of pictures, folder of text files."""
    inside = {path.name.lower(): path for path in folders_in(root)}
    if "images" in inside and "labels" in inside:
        pictures, labels = ({path.name: path for path in folders_in(inside[name])} for name in ("images", "labels"))
        if both := [name for name in pictures if name in labels and _split(name)]:
            yield from ((_split(name), pictures[name], labels[name]) for name in both)
        else:
            yield "", inside["images"], inside["labels"]
        return
    of_splits = [path for path in inside.values() if split_from_name(path.name)]
    for folder in of_splits:
        within = {path.name.lower(): path for path in folders_in(folder)}
        if "images" in within and "labels" in within:
            yield _split(folder.name), within["images"], within["labels"]
        else:
            yield _split(folder.name), folder, folder
    if not of_splits:
        beside = [path for name, path in inside.items() if name in ("obj_train_data", "data")]
        yield from (("", folder, folder) for folder in [*beside, root][:1])


def _split(name: str) -> str:
    """The split of a folder: also of train2017."""
    return split_from_name(name.rstrip("0123456789")) or ""


def _labels(pictures: Path, folder: Path) -> Iterator[str]:
    """Text files that may hold boxes; beside pictures those in the folder alone, which may be any folder."""
    files = map(str, sorted(folder.glob("*.txt"))) if pictures == folder else files_below(folder, (".txt",))
    return (path for path in files if Path(path).name.lower() not in _NO_LABELS)


def _has_boxes(pictures: Path, folder: Path, suffixes: Sequence[str], keypoints: int) -> bool:
    """Whether text files hold lines of boxes, and none of the first ones anything else.

    Raises:
        DatasetError: they hold predictions, and belong to pictures.
    """
    is_any = False
    for path in islice(_labels(pictures, folder), _LOOKED_AT):
        try:
            lines, _ = _lines(Path(path), keypoints)
        except _NoLabelsError:
            if pictures == folder and not any(Path(path).with_suffix(each).is_file() for each in suffixes):
                return False
            raise
        except DatasetError:
            return False
        if any(not -_SLACK < value < _SLACK for _, numbers in lines for value in numbers):
            return False
        is_any = is_any or bool(lines)
    return is_any


def _lines(path: Path, keypoints: int) -> tuple[list[tuple[int, list[float]]], int]:
    """Class and numbers of each line, without those of keypoints, and of how many lines these were left out.

    Raises:
        DatasetError: names the line.
    """
    found, without = [], 0
    for at, line in enumerate(read_text(path).splitlines(), start=1):
        cells = line.split()
        if not cells:
            continue
        try:
            number, values = int(cells[0]), [float(cell) for cell in cells[1:]]
        except ValueError:
            number, values = -1, []
        if number >= 0 and _has_keypoints(values, keypoints):
            values, without = values[:4], without + 1
        elif number >= 0 and (what := _prediction(values, keypoints)):
            raise _NoLabelsError(
                f"{path}, line {at}: {len(cells)} numbers, {what}: a prediction, no label",
                fix="give the labels; or write the predictions without save_conf, to take them for labels",
            )
        if number < 0 or len(values) < 4 or len(values) % 2:
            raise DatasetError(
                f"{path}, line {at}: {line[:60]!r} is no box",
                fix="write class, middle across, middle down, width and height, as shares of the picture",
            )
        found.append((number, values))
    return found, without


def _has_keypoints(values: Sequence[float], keypoints: int) -> bool:
    """Whether a box is followed by keypoints: as many numbers as data.yaml says, or across, down and 0, 1 or 2, for not
    labelled, hidden and visible. An outline is all of shares, and has no 2."""
    if keypoints:
        return len(values) == 4 + keypoints
    seen = values[6::3]
    is_sure = len(values) % 2 == 1 or 2 in seen
    return len(values) >= 7 and len(values) % 3 == 1 and is_sure and all(each in (0, 1, 2) for each in seen)


def _prediction(values: Sequence[float], keypoints: int) -> str:
    """What a line of a prediction with its confidence holds; "" for any other line."""
    if not all(0 <= value <= 1 for value in [*values[:4], *values[-1:]]):
        return ""
    if keypoints and len(values) == 5 + keypoints:
        return "a class, a box, keypoints and a confidence"
    if len(values) == 5:
        return "a class, a box and a confidence"
    if len(values) > 6 and len(values) % 2 and all(0 <= value <= 1 for value in values):
        return "a class, an outline and a confidence"
    return ""


def _keypoint_numbers(root: Path) -> int:
    """The numbers of all keypoints of an object, by `kpt_shape` in a data.yaml; 0 where there is none."""
    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        if path.is_file() and (match := _KEYPOINTS.search(path.read_text("utf-8", errors="replace"))):
            return int(match[1]) * int(match[2])
    return 0


def _pairs(pictures: Path, labels: Path, suffixes: Sequence[str], keypoints: int) -> list[_Pair]:
    """Pictures, the files of their boxes, and what these hold."""
    label_of = {_key(path, labels): path for path in _labels(pictures, labels)}
    found, without, with_keypoints = [], [], 0
    for picture in files_below(pictures, suffixes):
        label = label_of.pop(_key(picture, pictures), None)
        if label is None:
            without.append(Path(picture).name)
        lines, some = _lines(Path(label), keypoints) if label else ([], 0)
        with_keypoints += some
        found.append((picture, label or picture, lines))
    if with_keypoints:
        left_out(str(labels), f"the keypoints of {counted(with_keypoints, 'box', 'boxes')}")
    if without and len(without) < len(found):
        reinterpreted(
            str(pictures),
            f"{len(without):,} of {len(found):,} pictures, which have no text file, as showing no object: "
            f"{some_of(without)}",
        )
    if found and label_of:
        names = some_of([Path(each).name for each in label_of.values()])
        left_out(str(labels), f"{len(label_of):,} text files without a picture: {names}")
    return found


def _key(path: str, folder: Path) -> str:
    return str(PurePosixPath(Path(path).relative_to(folder).as_posix()).with_suffix(""))


def _in_pixels(pairs: Sequence[_Pair], names: Sequence[str]) -> list[tuple[str, Objects]]:
    def one(pair: _Pair) -> tuple[str, Objects] | InputError:
        picture, source, lines = pair
        try:
            height, width = size_of(picture)
        except InputError as error:
            return error
        xyxy = [_corners(values, width, height) for _, values in lines]
        called = [names[number] for number, _ in lines]
        return picture, Objects(source, xyxy, called, [False] * len(lines), (height, width))

    with ThreadPoolExecutor(_THREADS) as threads:
        read = list(threads.map(one, pairs))
    if failed := [each for each in read if isinstance(each, InputError)]:
        if len(failed) == len(read):
            raise failed[0]
        left_out("", f"{len(failed):,} pictures whose size cannot be read, the first: {failed[0].problem}")
    if outlines := sum(len(values) > 4 for _, _, lines in pairs for _, values in lines):
        reinterpreted(str(Path(pairs[0][1]).parent), f"{outlines:,} outlines as the boxes around them")
    return [each for each in read if not isinstance(each, InputError)]


def _corners(values: Sequence[float], width: int, height: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in pixels."""
    if len(values) > 4:
        across, down = values[::2], values[1::2]
        return min(across) * width, min(down) * height, max(across) * width, max(down) * height
    x, y, wide, high = values
    return (x - wide / 2) * width, (y - high / 2) * height, (x + wide / 2) * width, (y + high / 2) * height


def _names(root: Path) -> list[str]:
    """Names of the classes that lie beside the folders; [] where there are none."""
    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        if names := _names_in(path):
            return names
    for folder in (root, root / "labels"):
        for name in _LISTS:
            if (path := folder / name).is_file():
                return [line.strip() for line in read_text(path).splitlines() if line.strip()]
    return []


def _names_in(path: Path) -> list[str]:
    """`names` of a data.yaml: a list, or names by number.

    Raises:
        DatasetError: it is no YAML, or numbers are left out.
        MissingDependencyError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise MissingDependencyError(
            f"{path} is read with PyYAML, which is not installed", fix='pip install "mt-core[detection]"'
        ) from None
    try:
        record: Any = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise DatasetError(f"{path} cannot be read as YAML ({error})", fix="correct it") from None
    names = record.get("names") if isinstance(record, dict) else None
    if isinstance(names, Mapping):
        if sorted(names) != list(range(len(names))):
            raise DatasetError(f"{path}: the numbers of its names are not 0 to {len(names) - 1}", fix="name all")
        names = [names[number] for number in range(len(names))]
    return [str(name) for name in names] if isinstance(names, list) else []
