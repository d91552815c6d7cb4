"""A broken plugin for each check of the family `baseline`."""

from .conftest import Change

FEATURES = "np.array([sample.mean(), sample.std(), np.abs(sample).max()])"

BROKEN: dict[str, list[Change]] = {
    "a_declared_baseline_gives_finite_vectors_of_one_width": [
        Change("baseline.py", FEATURES, "sample[:, 0]"),
    ],
}
