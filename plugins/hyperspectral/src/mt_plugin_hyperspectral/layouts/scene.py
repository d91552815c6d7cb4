"""A scene and its ground truth: in two files, or both in one.  H rows, W columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError
from mt_core.sdk import Listing, sorted_names
from mt_plugin_hyperspectral.division import HyperspectralDatasetOptions
from mt_plugin_hyperspectral.layouts.arrays import arrays_in, labels_in, with_bands_last
from mt_plugin_hyperspectral.layouts.groups import SCENE, Shapes, apart, block_groups, block_side, groups_in, is_array
from mt_plugin_hyperspectral.layouts.names import ANOMALIES, class_names
from mt_plugin_hyperspectral.pixel import PixelAt, PixelsOfScenes, ScenePixels
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

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.indices.shape
        return height, width


@dataclass(frozen=True)
class _Found:
    """A file with a cube: the size of its scene, and the arrays in the file."""

    path: Path
    size: tuple[int, int]
    shapes: dict[str, tuple[int, ...]]


def find_scene(root: Path, split: str, options: HyperspectralDatasetOptions) -> Listing | None:
    """The labelled pixels of a split, of the scene of a folder or of a file, or with group=scene of all scenes; None
    where no file holds a cube.

    Raises:
        DatasetError: several scenes and none named, none of this name, a scene without ground truth, or scenes of
            different bands.
        InputError: a file of the folder that cannot be read.
        MissingSplitError: "val".
        OptionError: groups that there are not.
    """
    folder = root if root.is_dir() else root.parent
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES and path.is_file()]
    shapes: Shapes = with_bands_last({path: arrays_in(path) for path in files})
    named: Shapes = {}
    if options.group is not None and is_array(options.group):
        named, shapes = apart(shapes, options.group)
    scenes = _labelled_scenes(root, shapes, options)
    if not scenes:
        return None
    classes = scenes[0].classes
    if any(each.classes != classes for each in scenes):
        classes = sorted_names(name for each in scenes for name in each.classes)
    places = [np.flatnonzero(scene.indices.ravel() != _UNLABELLED) for scene in scenes]
    indices = np.concatenate(
        [
            np.array([classes.index(name) for name in scene.classes])[scene.indices.ravel()[own]]
            for scene, own in zip(scenes, places, strict=True)
        ]
    )
    groups = _groups(scenes, places, options, named, shapes)
    chosen = options.pixels_of(split, indices.tolist(), root, groups)
    pixels: Sequence[PixelAt]
    if len(scenes) == 1:
        pixels = ScenePixels(scenes[0].path, scenes[0].size[1], places[0][chosen])
    else:
        parts = [ScenePixels(each.path, each.size[1], own) for each, own in zip(scenes, places, strict=True)]
        pixels = PixelsOfScenes(parts, chosen)
    return Listing(
        pixels,
        [classes[index] for index in indices[chosen]],
        classes,
        scenes[0].layout,
        groups=None if groups is None else [groups[at] for at in chosen],
    )


def _groups(
    scenes: Sequence[_Scene],
    places: Sequence[NDArray[np.int64]],
    options: HyperspectralDatasetOptions,
    named: Shapes,
    others: Shapes,
) -> list[str | None] | None:
    """Of each labelled pixel its group; None where none are asked for."""
    if options.group is None:
        return None
    if options.group == SCENE:
        return [scene.path.stem for scene, own in zip(scenes, places, strict=True) for _ in own]
    (scene,), (own,) = scenes, places
    side = block_side(options.group)
    if side is not None:
        return list(block_groups(own, scene.size[1], side))
    beside = [
        (path, key) for path, arrays in others.items() for key, shape in arrays.items() if shape == scene.size
    ]  # fmt: skip
    numbers = groups_in(named, scene.size, options.group, beside).ravel()[own]
    return [str(number) if number else None for number in numbers.tolist()]


def _labelled_scenes(root: Path, shapes: Shapes, options: HyperspectralDatasetOptions) -> list[_Scene]:
    """The only one, or the one whose file is called so, with or without its suffix; all where each is a group."""
    found = [_Found(path, size, arrays) for path, arrays in shapes.items() if (size := _scene_size(arrays)) is not None]
    found = [each for each in found if root.is_dir() or each.path == root]
    if not found:
        return []
    labelled = [labels for each in found if (labels := _labelled(each, shapes)) is not None]
    if options.scene:
        labelled = [each for each in labelled if options.scene in (each.path.stem, each.path.name)]
    if not labelled:
        known = ", ".join(f"{each.path.name} ({each.size[0]} x {each.size[1]})" for each in found)
        called = f"labelled scene called {options.scene}" if options.scene else "ground truth"
        raise DatasetError(
            f"{root} has no {called}; its scenes: {known}",
            fix="put an array of whole numbers (rows, columns) beside the scene, as scene_gt.mat, .npy, .tif or .hdr; "
            "0 is unlabelled",
        )
    names = [each.path.stem for each in labelled]
    if options.group == SCENE:
        bands = {each.path.name: _num_bands(each.shapes) for each in found if each.path.stem in names}
        if len(set(bands.values())) > 1:
            told = ", ".join(f"{name} {count}" for name, count in bands.items())
            raise DatasetError(
                f"{root}: the scenes have different numbers of bands: {told}", fix="keep those of one sensor"
            )
    elif len(labelled) > 1:
        raise DatasetError(
            f"{root} holds several scenes: {', '.join(names)}",
            fix=f"name one with the data option scene={names[0]}, or take all with group=scene",
        )
    return labelled


def _num_bands(arrays: dict[str, tuple[int, ...]]) -> int:
    cubes = [shape[2] for shape in arrays.values() if len(shape) == 3 and shape[2] > 1]
    return cubes[0] if cubes else arrays["Y"][0]


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
        return _Scene(found.path, ANOMALIES, _anomalies(found.path), "anomalies")
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
