"""mt-plugin-pointcloud."""
