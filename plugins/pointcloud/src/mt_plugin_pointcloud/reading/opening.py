"""From a source to a cloud: the reader that its suffix names, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray

from mt_core.contract import name_of, reading
from mt_core.errors import InputError
from mt_core.sdk import as_array, declared_suffixes
from mt_plugin_pointcloud.cloud import CHANNELS, PointCloud, checked, make_cloud
from mt_plugin_pointcloud.reading.columns import Raw, from_rows
from mt_plugin_pointcloud.reading.hdf5 import Hdf5Row, read_row
from mt_plugin_pointcloud.reading.meshes import sample_surface

Array = NDArray[Any]


_READERS = {
    ".ply": "ply:read_ply",
    ".pcd": "pcd:read_pcd",
    ".off": "off:read_off",
    ".obj": "obj:read_obj",
    ".xyz": "text:read_text",
    ".txt": "text:read_text",
    ".csv": "text:read_text",
    ".npy": "arrays:read_npy",
    ".npz": "arrays:read_npz",
    ".las": "las:read_las",
    ".laz": "las:read_las",
    ".bin": "sweeps:read_bin",
    ".pts": "text:read_text",
}
_REFUSED = {
    ".e57": "convert it: pdal translate FILE.e57 FILE.laz, or export it as LAS or PLY",
    ".ptx": "export it as .pts, .las or .ply",
    ".pcap": "export the sweeps as .pcd, .las or .bin",
    ".bag": "export the sweeps as .pcd, .las or .bin",
    **dict.fromkeys((".stl", ".glb", ".gltf", ".fbx", ".3ds", ".dae"), "convert the mesh to .ply, .obj or .off"),
    **dict.fromkeys((".rcp", ".rcs", ".zfs", ".fls"), "export it as .las or .ply"),
    ".h5": "save each of its clouds as .npy; data sets of known layouts are given as their folder",
}
"""What to do with files of other formats."""

SUFFIXES = declared_suffixes("mt_plugin_pointcloud")
_FORMATS = " ".join(SUFFIXES)


def read_cloud(source: Any, *, surface_points: int = 0, bin_columns: int = 0) -> PointCloud:
    """One cloud from a path, or from arrays in memory.

    Args:
        source: A path; a `PointCloud`; an `Hdf5Row`; an array or a tensor (N, 3 + C), C being intensity (1) or normals
            or colour (3); a mapping with "points" and any of "intensity", "normals", "colour".
        surface_points: Sample so many points from the surface of a mesh, the same ones each time; 0: its vertices.
        bin_columns: Float32 numbers a point in a .bin file; 0: found out.

    Raises:
        InputError: no readable cloud; names the source.
    """
    name = name_of(source)
    with reading(source, formats=_FORMATS):
        if isinstance(source, PointCloud):
            return checked(source)
        if isinstance(source, str | Path):
            return _from_file(Path(source), name, surface_points, bin_columns)
        if isinstance(source, bytes):
            raise InputError(
                f"{name} have no suffix, by which the format of a point cloud is recognised",
                fix="pass the path of the file, or an array of shape (points, 3)",
            )
        if isinstance(source, Mapping):
            return _from_mapping(source, name)
        raw = read_row(source) if isinstance(source, Hdf5Row) else from_rows(as_array(source), name)
        return make_cloud(raw.points, raw.channels, name=name)


def _from_file(path: Path, name: str, surface_points: int, bin_columns: int) -> PointCloud:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise InputError(
            f"{name} has the suffix {suffix!r}, which no reader takes" if suffix else f"{name} has no suffix",
            fix=_REFUSED.get(suffix, f"the formats are {_FORMATS}").replace("FILE", path.stem),
        )
    module, function = _READERS[suffix].split(":")
    reader = getattr(import_module(f"mt_plugin_pointcloud.reading.{module}"), function)
    options = (bin_columns,) if suffix == ".bin" else ()
    raw = cast(Callable[..., Raw], reader)(path, *options)
    if surface_points and raw.triangles is not None and len(raw.triangles):
        return make_cloud(sample_surface(raw.points, raw.triangles, surface_points, name=name), name=name)
    return make_cloud(raw.points, raw.channels, name=name)


def _from_mapping(source: Mapping[str, Any], name: str) -> PointCloud:
    unknown = sorted(str(key) for key in source if key != "points" and key not in CHANNELS)
    if "points" not in source or unknown:
        raise InputError(
            f"{name} has the keys {', '.join(map(str, source)) or 'none'}",
            fix=f"give 'points' and any of {', '.join(map(repr, CHANNELS))}",
        )
    points = as_array(source["points"])
    channels = {}
    for key, width in CHANNELS.items():
        if key in source:
            values = as_array(source[key])
            values = values[:, None] if values.ndim == 1 else values
            if values.shape != (len(points), width) or values.dtype.kind not in "fiu":
                raise InputError(
                    f"{name}: {key!r} is {values.dtype} of shape {values.shape}, the points are {points.shape}",
                    fix=f"give {width} number(s) a point",
                )
            channels[key] = values
    return make_cloud(points, channels, name=name)
