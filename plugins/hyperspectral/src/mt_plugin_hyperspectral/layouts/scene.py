"""A scene and its ground truth: in two files, or both in one.  H rows, W columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError
from mt_core.sdk import Listing
from mt_plugin_hyperspectral.division import HyperspectralDatasetOptions
from mt_plugin_hyperspectral.layouts.arrays import arrays_in, labels_in
from mt_plugin_hyperspectral.layouts.names import class_names
from mt_plugin_hyperspectral.pixel import ScenePixels
from mt_plugin_hyperspectral.reading import SUFFIXES
from mt_plugin_hyperspectral.reading.matlab import unmixing_size

_UNLABELLED = -1


@dataclass(frozen=True)
class _Scene:
    """A labelled scene.

    Attributes:
        path: Of the cube.
        classes: Names, in the order of their indices.
        indices: (H, W) class indices, `_UNLABELLED` where not known.
        layout: A key of the dataset's `layouts`.
    """

    path: Path
    classes: tuple[str, ...]
    indices: NDArray[np.int64]
    layout: str


@dataclass(frozen=True)
class _Found:
    """A file with a cube: the size of its scene, and the arrays in the file."""

    path: Path
    size: tuple[int, int]
    shapes: dict[str, tuple[int, ...]]


def find_scene(root: Path, split: str, options: HyperspectralDatasetOptions) -> Listing | None:
    """The labelled pixels of a split, of the scene of a folder or of a file; None where no file holds a cube.

    Raises:
        DatasetError: several scenes and none named, none of this name, or a scene without ground truth.
        InputError: a file of the folder that cannot be read.
        MissingSplitError: "val".
    """
    scene = _chosen_scene(root, options.scene)
    if scene is None:
        return None
    places = np.flatnonzero(scene.indices.ravel() != _UNLABELLED)
    indices = scene.indices.ravel()[places]
    chosen = options.pixels_of(split, indices.tolist(), root)
    pixels = ScenePixels(scene.path, scene.indices.shape[1], places[chosen])
    return Listing(pixels, [scene.classes[index] for index in indices[chosen]], scene.classes, scene.layout)


def _chosen_scene(root: Path, scene: str) -> _Scene | None:
    """The only one, or the one whose file is called so, with or without its suffix."""
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


def _labelled(found: _Found, shapes: dict[Path, dict[str, tuple[int, ...]]]) -> _Scene | None:
    if unmixing_size(found.shapes) is not None:
        dominant = labels_in(found.path, "A", is_whole=False).argmax(0)
        materials = tuple(str(material + 1) for material in range(found.shapes["A"][0]))
        return _Scene(found.path, materials, dominant.reshape(found.size, order="F"), "unmixing")
    own = [key for key, shape in found.shapes.items() if shape == found.size]
    if "map" in own:
        return _Scene(found.path, ("background", "anomaly"), _anomalies(found.path), "anomalies")
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


def _numbered(path: Path, labels: NDArray[np.int64], layout: str) -> _Scene:
    """Labels from 1 as class indices from 0, in the order of the labels that occur."""
    occurring = [int(label) for label in np.unique(labels) if label > 0]
    if not occurring:
        raise DatasetError(f"the ground truth of {path} has no label above 0", fix="number the classes from 1")
    index_of = np.full(max(occurring) + 1, _UNLABELLED)
    index_of[occurring] = np.arange(len(occurring))
    return _Scene(path, class_names(path.stem, occurring), index_of[labels], layout)
