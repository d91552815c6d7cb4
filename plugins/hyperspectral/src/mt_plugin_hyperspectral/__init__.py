"""mt-plugin-hyperspectral."""
