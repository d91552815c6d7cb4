"""How public benchmarks of point clouds lie on disk, beside folders and tables; one file a layout."""
