"""A modality for the core's own tests: series of numbers, `.npy` files of one axis."""
