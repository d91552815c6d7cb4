"""Boxes in XML files as Pascal VOC has them, one file a picture.

Corners are numbers of pixels, from 1 on, and both belong to the object: the box of the whole picture is 1, 1, width,
height. Here it is 0, 0, width, height.

Source: Everingham et al. 2010, The PASCAL Visual Object Classes challenge; the development kit's VOCreadrecxml.m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from mt_core.errors import DatasetError
from mt_core.sdk.boxes.objects import Found, Objects
from mt_core.sdk.boxes.sizes import size_of
from mt_core.sdk.folders import folders_in
from mt_core.sdk.notices import left_out, reinterpreted, some_of
from mt_core.sdk.splits import split_from_name
from mt_core.sdk.text import read_text

_XML = ("annotations/xmls", "annotations", "annotation", "xmls", "xml", "labels", "")
_PICTURES = ("jpegimages", "images", "image", "imgs", "")


@dataclass(frozen=True)
class _Pair:
    """A picture and its annotation."""

    picture: str
    objects: Objects


def find_voc_boxes(root: Path, suffixes: Sequence[str]) -> Found | None:
    """The pictures of each split and their objects; None where no XML file has an object.

    Known are `JPEGImages/ Annotations/ ImageSets/Main/*.txt`, `images/ annotations/` and XML files beside their
    pictures, each also within folders of splits; and the head boxes of Oxford-IIIT pets.

    Warns:
        DataWarning: annotations without a picture, pictures without an annotation; corners counted from 0.

    Raises:
        DatasetError: an XML file that cannot be read.
    """
    found: dict[str, list[_Pair]] = {}
    for folder in folders_in(root):
        if (split := split_from_name(folder.name)) and (pairs := _pairs(folder, suffixes)):
            found.setdefault(split, []).extend(pairs)
    found = found or {"": _pairs(root, suffixes)}
    if not any(pair.objects.names for pairs in found.values() for pair in pairs):
        return None
    if "" in found:
        found = _listed(found[""], root) or found
    return _from_zero(found, root)


def _pairs(base: Path, suffixes: Sequence[str]) -> list[_Pair]:
    folder = next((each for each in _folders(base, _XML) if next(each.glob("*.xml"), None) is not None), None)
    if folder is None:
        return []
    endings = tuple(suffixes)
    pictures: dict[str, str] = {}
    for each in [*_folders(base, _PICTURES), folder]:
        for path in sorted(each.iterdir()):
            if path.suffix.lower() in endings:
                pictures.setdefault(path.stem, str(path))
    trees = {path: _tree(path) for path in sorted(folder.glob("*.xml"))}
    annotations = {path: tree for path, tree in trees.items() if not isinstance(tree, str) and tree.tag == "annotation"}
    if not annotations:
        return []
    if broken := next(((path, tree) for path, tree in trees.items() if isinstance(tree, str)), None):
        raise DatasetError(f"{broken[0]} cannot be read as XML ({broken[1]})", fix="export it again, or remove it")
    pairs, absent, annotated = [], [], set()
    for path, tree in annotations.items():
        named = Path((tree.findtext("filename") or "").strip().replace("\\", "/")).stem
        picture = pictures.get(path.stem) or pictures.get(named)
        if picture is None:
            absent.append(path.name)
            continue
        annotated.add(picture)
        pairs.append(_Pair(picture, _objects(tree, path, picture)))
    if pairs and absent:
        left_out(str(folder), f"{len(absent):,} annotations whose picture is absent: {some_of(absent)}")
    if pairs and (without := [Path(each).name for each in pictures.values() if each not in annotated]):
        left_out(str(base), f"{len(without):,} pictures that have no annotation: {some_of(without)}")
    return pairs


def _folders(base: Path, names: Sequence[str]) -> list[Path]:
    """The folders below a base that are called so, in any case, in the order of the names."""
    found = []
    for name in names:
        folders = [base]
        for part in filter(None, name.split("/")):
            folders = [each for folder in folders for each in folders_in(folder) if each.name.lower() == part]
        found += folders
    return found


def _tree(path: Path) -> ElementTree.Element | str:
    """What a file holds, or why it cannot be read."""
    try:
        return ElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        return str(error)


def _objects(tree: ElementTree.Element, path: Path, picture: str) -> Objects:
    """What a file says, its corners as they stand there."""
    try:
        objects = tree.findall("object")
        names = [(each.findtext("name") or "").strip() for each in objects]
        corners = [
            [float(each.findtext(f"bndbox/{name}", "")) for name in ("xmin", "ymin", "xmax", "ymax")]
            for each in objects
        ]
        ignored = [(each.findtext("difficult") or "0").strip() not in ("0", "") for each in objects]
        height, width = (int(float(tree.findtext(f"size/{name}") or 0)) for name in ("height", "width"))
    except ValueError as error:
        raise DatasetError(
            f"{path} has an object without a box, or a number that is none ({error})", fix="export it again"
        ) from None
    if not all(names):
        raise DatasetError(f"{path} has an object without a name", fix="name its class")
    size = (height, width) if height and width else size_of(picture)
    return Objects(str(path), corners, names, ignored, size)


def _listed(pairs: list[_Pair], root: Path) -> dict[str, list[_Pair]]:
    """The pairs in the splits that lists of names say; {} where there are none."""
    folders = [root / "ImageSets" / "Main", root / "annotations"]
    lists = {path.stem.lower(): path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.txt"))}
    splits = {split: path for name, path in lists.items() if (split := split_from_name(name))}
    if "train" not in splits and "trainval" in lists:
        splits["train"] = lists["trainval"]
    by_stem = {Path(pair.picture).stem: pair for pair in pairs}
    of_split = {}
    for split, path in splits.items():
        stems = [line.split()[0] for line in read_text(path).splitlines() if line.strip() and not line.startswith("#")]
        if chosen := [by_stem[stem] for stem in stems if stem in by_stem]:
            of_split[split] = chosen
        if chosen and len(chosen) < len(stems):
            left_out(
                str(path), f"{len(stems) - len(chosen):,} of {len(stems):,} pictures that it lists, without their boxes"
            )
    return of_split


def _from_zero(found: dict[str, list[_Pair]], root: Path) -> Found:
    """Corners in pixels from 0 on, right and bottom behind the last pixel."""
    every = [corner for pairs in found.values() for pair in pairs for corner in pair.objects.xyxy]
    count = sum(left == 0 or top == 0 for left, top, _, _ in every)
    first = 0 if count else 1
    if count:
        reinterpreted(
            str(root), f"corners of boxes as counted from 0, because {count:,} of {len(every):,} boxes begin there"
        )

    def moved(objects: Objects) -> Objects:
        corners = [
            (left - first, top - first, right, bottom) if right > left and bottom > top else (0, 0, 0, 0)
            for left, top, right, bottom in objects.xyxy
        ]
        return replace(objects, xyxy=corners)

    return {split: [(pair.picture, moved(pair.objects)) for pair in pairs] for split, pairs in found.items()}
