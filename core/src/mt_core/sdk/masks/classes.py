"""What the numbers or colours of masks mean: classes with names."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, MtError
from mt_core.sdk.masks.files import Mask, colours_in, hex_of, palette_of, read_numbers
from mt_core.sdk.notices import reinterpreted
from mt_core.sdk.text import read_text

Colour = tuple[int, int, int]

VOID = 255
"""The number that most masks have where no class is known, where they have others beside 0."""

_MOST_READ = 1000  # masks whose numbers are looked at, evenly spaced
_MOST_CLASSES = 1024
_THREADS = 4

_NAMES = ("classes.txt", "class_names.txt", "labels.txt", "codes.txt", "obj_names.txt")
_COLOURS = ("class_dict.csv", "label_colors.txt", "labelmap.txt", "color_map.csv")


@dataclass(frozen=True)
class Known:
    """What a benchmark, or a file beside the masks, says of their numbers.

    Attributes:
        names: Of the classes, by number.
        void: Numbers of no class.
        colours: Of the classes, by number; or, of coloured masks, in the order of `coloured`.
        coloured: Names by colour.
        has_all: Whether there are classes for all of `names`, and not for those alone that occur.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    void: tuple[int, ...] = ()
    colours: Mapping[int, Colour] = field(default_factory=dict)
    coloured: Mapping[Colour, str] = field(default_factory=dict)
    has_all: bool = False


def find_classes(
    masks: Sequence[str], root: Path, known: Known | None, *, classes: Sequence[str], void: Sequence[int] | None
) -> Segmentation:
    """The task that masks are of.

    Args:
        masks: Their files; of many some are read.
        known: What a benchmark says.
        classes: Names that the user gives, in the order of the numbers.
        void: Numbers that the user says are of no class; None: not said.

    Raises:
        DatasetError: names that do not fit the numbers, or files that are no masks.
    """
    if known is not None and known.has_all and not classes and void is None:
        return _task(known.names, known.void, known.colours)
    numbers, colours = _contents(masks, root)
    if colours:
        return _coloured(colours, known or _colours_beside(root), root, classes)
    if known is None:
        known = Known()
    left = tuple(void) if void is not None else known.void or _usual_void(numbers)
    found = sorted(numbers - set(left))
    if not found:
        raise DatasetError(f"the masks of {root} are void everywhere", fix="check them, and the option void")
    names = _named(found, known, root, classes)
    palette = palette_of(masks[0]) if masks else ()
    shown = known.colours or {number: palette[number] for number in names if number < len(palette)}
    return _task(names, tuple(number for number in left if number not in names), shown)


def _task(names: Mapping[int, str], void: Sequence[int], colours: Mapping[int, Colour]) -> Segmentation:
    numbers = sorted(names)
    known = tuple(colours[number] for number in numbers) if all(number in colours for number in numbers) else ()
    shown = known if len(set(known)) == len(known) else ()
    return Segmentation(
        classes=tuple(names[number] for number in numbers),
        of="pixels",
        numbers=tuple(numbers),
        void=tuple(void),
        colours=shown,
    )


def _usual_void(numbers: set[int]) -> tuple[int, ...]:
    """255, unless it is the one class beside 0."""
    return () if numbers <= {0, VOID} else (VOID,)


def _named(found: list[int], known: Known, root: Path, classes: Sequence[str]) -> dict[int, str]:
    listed = list(classes) or _names_beside(root)
    if listed:
        return dict(zip(_numbers_of(found, listed, root, is_given=bool(classes)), listed, strict=True))
    if known.names and set(found) <= known.names.keys():
        return {number: name for number, name in known.names.items() if known.has_all or number in found}
    if found == [0, VOID]:
        return {0: "background", VOID: "foreground"}
    return {number: str(number) for number in found}


def _numbers_of(found: list[int], names: Sequence[str], root: Path, *, is_given: bool) -> list[int]:
    """The number of each of several names."""
    if len(found) == len(names):
        return found
    if found[-1] < len(names):
        return list(range(len(names)))
    if found[0] > 0 and found[-1] <= len(names):
        return list(range(1, len(names) + 1))
    whose = "-D classes" if is_given else "the list of classes beside them"
    shown = ", ".join(map(str, found[:8])) + (" …" if len(found) > 8 else "")
    raise DatasetError(
        f"the masks of {root} hold the numbers {shown}, and {whose} has {len(names)} names",
        fix="name every class in the order of their numbers, and give numbers of no class as -D void=255",
    )


def _coloured(colours: set[Colour], known: Known, root: Path, classes: Sequence[str]) -> Segmentation:
    ordered = list(known.coloured) if known.coloured else sorted(colours)
    if strange := sorted(colours - set(ordered)):
        raise DatasetError(
            f"masks of {root} have colours that its list of classes does not: {', '.join(map(hex_of, strange[:5]))}",
            fix="add them to the list, or give masks of numbers",
        )
    names = [known.coloured.get(colour, hex_of(colour)) for colour in ordered]
    if classes:
        if len(classes) != len(ordered):
            raise DatasetError(
                f"the masks of {root} have {len(ordered)} colours ({', '.join(map(hex_of, ordered[:8]))}), and "
                f"-D classes has {len(classes)} names",
                fix="name every colour, in the order in which they are listed here",
            )
        names = list(classes)
    elif not known.coloured:
        reinterpreted(str(root), f"{len(ordered)} colours of masks as classes that are called after them")
    return Segmentation(classes=tuple(names), of="pixels", colours=tuple(ordered), is_coloured=True)


def holds_numbers_of_objects(
    masks: Sequence[str], root: Path, classes: Sequence[str], void: Sequence[int] | None
) -> bool:
    """Whether masks of clips tell objects apart and not classes: numbers above 0 and below 255 that nobody names."""
    if classes or void is not None or _names_beside(root):
        return False
    numbers, colours = _contents(masks, root)
    return not colours and bool(numbers - {0, VOID})


def _contents(masks: Sequence[str], root: Path) -> tuple[set[int], set[Colour]]:
    """The numbers, or the colours, of some masks; files that cannot be read are left to training, which names them."""
    step = -(-len(masks) // _MOST_READ) or 1
    with ThreadPoolExecutor(_THREADS) as threads:
        found = list(threads.map(_different, masks[::step]))
    numbers = set[int]().union(*(each for each in found if isinstance(each, set)))
    colours = set[Colour]().union(*(each for each in found if isinstance(each, list)))
    if colours:  # a grey mask among coloured ones is coloured too
        colours |= {(number, number, number) for number in numbers}
    if max(len(numbers), len(colours)) > _MOST_CLASSES:
        raise DatasetError(
            f"the masks of {root} have {max(len(numbers), len(colours)):,} different values: they are pictures, or "
            "numbers of objects, and no classes",
            fix="give masks whose pixels are the indices of classes",
        )
    if not numbers and not colours:
        raise DatasetError(f"none of the masks of {root} can be read", fix="check the first of them: " + masks[0])
    return numbers, colours


def _different(path: str) -> set[int] | list[Colour] | None:
    try:
        values: NDArray[Any] = read_numbers(path)
    except MtError:
        return None
    return set(np.unique(values).tolist()) if values.ndim == 2 else colours_in(values)


def _names_beside(root: Path) -> list[str]:
    """Names of the classes, one a line, of a list that lies beside the folders."""
    for name in _NAMES:
        if (root / name).is_file():
            lines = [line.strip() for line in read_text(root / name).splitlines()]
            return [line for line in lines if line and not line.startswith("#")]
    return []


def _colours_beside(root: Path) -> Known:
    """Names by colour, of a table that lies beside the folders: `name,r,g,b`, `r g b name` or `name:r,g,b::`."""
    for name in _COLOURS:
        if (root / name).is_file():
            lines = [line.strip() for line in read_text(root / name).splitlines()]
            parsed = [_colour_line(line) for line in lines if line and not line.startswith("#")]
            return Known(coloured=dict(each for each in parsed if each is not None))
    return Known()


def _colour_line(line: str) -> tuple[Colour, str] | None:
    """A line of such a table; None for its header."""
    if match := re.match(r"(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})\s+(\S.*)", line):
        return (int(match[1]), int(match[2]), int(match[3])), match[4].strip()
    if match := re.match(r"(?P<name>[^:,]+)[:,]\s*(\d{1,3}),\s*(\d{1,3}),\s*(\d{1,3})", line):
        return (int(match[2]), int(match[3]), int(match[4])), next(csv.reader([match["name"]]))[0].strip()
    return None


def with_classes_of(masks: Sequence[Mask], found: Segmentation, task: Segmentation, source: str) -> list[Mask]:
    """The masks of a data set, read as an earlier run read its own.

    Raises:
        DatasetError: a number that is called otherwise here than in the run, or colours in place of numbers.
    """
    if found.is_coloured != task.is_coloured:
        kinds = ("numbers", "colours")
        raise DatasetError(
            f"the masks of {source} hold {kinds[found.is_coloured]}, those of the run {kinds[task.is_coloured]}",
            fix="save them as those that the run was trained on",
        )
    own = dict(zip(found.numbers, found.classes, strict=False))
    of_run = dict(zip(task.numbers, task.classes, strict=False))
    for number, name in own.items():
        known = of_run.get(number, name)
        if name != known and name != str(number) and known != str(number):
            raise DatasetError(
                f"{number} is {name} in the masks of {source}, and was {known} where the run was trained",
                fix="give masks with the numbers of the run's classes: " + ", ".join(task.classes[:20]),
            )
    return [replace(mask, task=task) for mask in masks]
