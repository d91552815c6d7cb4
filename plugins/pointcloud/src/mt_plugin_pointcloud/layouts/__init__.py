"""How public benchmarks of point clouds lie on disk, beside folders and tables; one file a layout."""

from mt_plugin_pointcloud.layouts.hdf5 import Hdf5Clouds, Hdf5Row, find_modelnet_hdf5, find_scanobjectnn
from mt_plugin_pointcloud.layouts.parts import PARTS, find_labelled_points, find_parts, labelled

__all__ = [
    "PARTS",
    "Hdf5Clouds",
    "Hdf5Row",
    "find_labelled_points",
    "find_modelnet_hdf5",
    "find_parts",
    "find_scanobjectnn",
    "labelled",
]
