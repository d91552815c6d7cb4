"""A scene and its ground truth: in two files, or both in one.  H rows, W columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError
from mt_plugin_hyperspectral.layouts.arrays import arrays_in, labels_in
from mt_plugin_hyperspectral.layouts.names import class_names
from mt_plugin_hyperspectral.pixel import PixelAt
from mt_plugin_hyperspectral.reading import SUFFIXES
from mt_plugin_hyperspectral.reading.matlab import unmixing_size

UNLABELLED = -1


@dataclass(frozen=True)
class Scene:
    """A labelled scene.

    Attributes:
        path: Of the cube.
        classes: Names, in the order of their indices.
        indices: (H, W) class indices, `UNLABELLED` where not known.
        layout: A key of the dataset's `layouts`.
    """

    path: Path
    classes: tuple[str, ...]
    indices: NDArray[np.int64]
    layout: str


class ScenePixels(Sequence[PixelAt]):
    """Pixels of a scene, a number each.

    Args:
        width: W.
        places: row * W + column of each pixel.
    """

    def __init__(self, path: Path, width: int, places: NDArray[np.int64]) -> None:
        self.path, self.width, self.places = str(path), width, places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> PixelAt: ...
    @overload
    def __getitem__(self, index: slice) -> ScenePixels: ...
    def __getitem__(self, index: int | slice) -> PixelAt | ScenePixels:
        if isinstance(index, slice):
            return ScenePixels(Path(self.path), self.width, self.places[index])
        row, column = divmod(int(self.places[index]), self.width)
        return PixelAt(self.path, row, column)


@dataclass(frozen=True)
class _Found:
    """A file with a cube: the size of its scene, and the arrays in the file."""

    path: Path
    size: tuple[int, int]
    shapes: dict[str, tuple[int, ...]]


def find_scene(root: Path, scene: str) -> Scene | None:
    """The scene of a folder, or of a file, with its labels; None where no file holds a cube.

    Args:
        scene: Of several scenes in a folder, the name of the file of one, with or without its suffix; "" for the only.

    Raises:
        DatasetError: several scenes and none named, none of this name, or a scene without ground truth.
        InputError: a file of the folder that cannot be read.
    """
    folder = root if root.is_dir() else root.parent
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES and path.is_file()]
    shapes = {path: arrays_in(path) for path in files}
    found = [_Found(path, size, shapes[path]) for path in files if (size := _scene_size(shapes[path])) is not None]
    found = [each for each in found if root.is_dir() or each.path == root]
    if not found:
        return None
    labelled = [labels for each in found if (labels := _labelled(each, shapes)) is not None]
    if scene:
        labelled = [each for each in labelled if scene in (each.path.stem, each.path.name)]
    if not labelled:
        known = ", ".join(f"{each.path.name} ({each.size[0]} x {each.size[1]})" for each in found)
        raise DatasetError(
            f"{root} has {f'no labelled scene called {scene}' if scene else 'no ground truth'}; its scenes: {known}",
            fix="put an array of whole numbers (rows, columns) beside the scene, as scene_gt.mat, .npy, .tif or .hdr; "
            "0 is unlabelled",
        )
    if len(labelled) > 1:
        names = [each.path.stem for each in labelled]
        raise DatasetError(
            f"{root} holds several scenes: {', '.join(names)}", fix=f"name one with the data option scene={names[0]}"
        )
    return labelled[0]


def _scene_size(shapes: dict[str, tuple[int, ...]]) -> tuple[int, int] | None:
    """Rows and columns of the cube in a file; None where there is none."""
    cubes = [shape[:2] for shape in shapes.values() if len(shape) == 3 and shape[2] > 1]
    return (cubes[0][0], cubes[0][1]) if cubes else unmixing_size(shapes)


def _labelled(found: _Found, shapes: dict[Path, dict[str, tuple[int, ...]]]) -> Scene | None:
    if unmixing_size(found.shapes) is not None:
        dominant = labels_in(found.path, "A", is_whole=False).argmax(0)
        materials = tuple(str(material + 1) for material in range(found.shapes["A"][0]))
        return Scene(found.path, materials, dominant.reshape(found.size, order="F"), "unmixing")
    own = [key for key, shape in found.shapes.items() if shape == found.size]
    if "map" in own:
        return Scene(found.path, ("background", "anomaly"), _anomalies(found.path), "anomalies")
    if len(own) == 1:
        return _numbered(found.path, labels_in(found.path, own[0]), "ground truth")
    beside = [
        (path, key) for path, arrays in shapes.items() if path != found.path for key, shape in arrays.items()
        if shape == found.size
    ]  # fmt: skip
    if len(beside) > 1:
        stems = [f"{stem}_gt" for stem in (found.path.stem.lower(), found.path.stem.lower().removesuffix("_corrected"))]
        beside = [(path, key) for path, key in beside if path.stem.lower() in stems]
    return _numbered(found.path, labels_in(*beside[0]), "ground truth") if len(beside) == 1 else None


def _anomalies(path: Path) -> NDArray[np.int64]:
    labels = labels_in(path, "map")
    if labels.max() > 1:
        raise DatasetError(f"{path}: map has other values than 0 and 1", fix="mark anomalies with 1, all else with 0")
    return labels


def _numbered(path: Path, labels: NDArray[np.int64], layout: str) -> Scene:
    """Labels from 1 as class indices from 0, in the order of the labels that occur."""
    occurring = [int(label) for label in np.unique(labels) if label > 0]
    if not occurring:
        raise DatasetError(f"the ground truth of {path} has no label above 0", fix="number the classes from 1")
    index_of = np.full(max(occurring) + 1, UNLABELLED)
    index_of[occurring] = np.arange(len(occurring))
    return Scene(path, class_names(path.stem, occurring), index_of[labels], layout)
