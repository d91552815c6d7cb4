"""3-D point clouds for mt-core: farthest point sampling, neighbourhoods, a small PointNet."""
