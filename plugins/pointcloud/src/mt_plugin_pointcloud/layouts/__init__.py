"""How public benchmarks of point clouds lie on disk; one file a layout."""

from mt_plugin_pointcloud.layouts.folders import find_folders
from mt_plugin_pointcloud.layouts.hdf5 import Hdf5Clouds, find_modelnet_hdf5, find_scanobjectnn
from mt_plugin_pointcloud.layouts.listing import Hdf5Row, Listing
from mt_plugin_pointcloud.layouts.table import find_table

__all__ = [
    "Hdf5Clouds",
    "Hdf5Row",
    "Listing",
    "find_folders",
    "find_modelnet_hdf5",
    "find_scanobjectnn",
    "find_table",
]
