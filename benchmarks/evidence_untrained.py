"""What vectors tell without training: 5 nearest neighbours and ridge regression on what `mt embed` gives by default.

Of texts that are compared: the rank correlation of the cosines with the scores. Of a forecast, for each channel by
itself: ridge regression from the vector of the window to the steps that follow, less the window's mean, in its standard
deviations; the error is that of all channels on the scale of the training part.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import evidence_readout as readout
import numpy as np
from evidence_native import native_answers
from evidence_records import Floats, Key, Line, Metric, Records, hash_of, resampled_metric
from evidence_samples import Indices, Samples, examples_of, opened, targets_of
from evidence_vectors import Vectors, fingerprint_of
from numpy.typing import NDArray

REGIME = "untrained"
RECIPE = {"version": 1, "neighbours": readout.NEIGHBOURS, "penalties": readout.PENALTIES.tolist()}


def recipe_of(samples: Samples) -> dict[str, Any]:
    """How answers are read from vectors; numbers within the range of the training targets."""
    return RECIPE if samples.is_classes or samples.is_forecast else {**RECIPE, "within": "training targets"}


Measure = Callable[[NDArray[np.int64]], float]


def measure(name: str, arm: str, records: Records, tiny: str, until: float = float("inf")) -> Iterator[Line]:
    """The lines of an arm that are not on record yet; of a control in each view."""
    with opened(name) as samples:
        vectors = Vectors(samples, tiny)
        views = [None] if arm == "native" else vectors.views()[:1] if arm == "mt-tiny" else vectors.views()
        drawn = [(view, seed) for view in views for seed in ((0,) if arm == "native" else vectors.seeds(arm, view))]
        for view, seed in drawn:
            started = time.monotonic()
            described = {} if arm == "native" else vectors.described(arm, seed, view)
            recipe = hash_of({**recipe_of(samples), **described, "cross": samples.evidence.cross})
            key = Key(name, REGIME, arm, seed, None, recipe, fingerprint_of(arm, seed, tiny), samples.identity)
            if started > until or records.find(key) is not None:
                continue
            metrics, about = _measured(samples, vectors, arm, seed, view)
            about |= {"view": view, **constant_answer(samples)}
            counts = len(samples.folds[0][0]), len(samples.test)
            yield records.add(Line(key, metrics, *counts, time.monotonic() - started, about))


def _measured(
    samples: Samples, vectors: Vectors, arm: str, seed: int, view: str | None
) -> tuple[dict[str, Metric], dict[str, Any]]:
    targets = targets_of(samples.test)
    about: dict[str, Any] = {}
    if arm == "native":
        answers, about["baseline"] = native_answers(samples)
        named = {"native": answers}
    else:
        of_both = vectors.of(arm, seed, view)
        named = {"probe": probe_answers(samples, *of_both)}
        about["width"] = of_both[0].shape[1]
        if samples.is_classes:
            named["knn"] = _neighbours(samples, *of_both)
    return {name: metric_of(samples, answers, targets) for name, answers in named.items()}, about


def probe_answers(
    samples: Samples, train: Floats, test: Floats, rows: Indices | None = None, asked: Indices | None = None
) -> Floats:
    """What ridge regression answers of the test samples, each by the fold that it is tested in.

    Args:
        rows, asked: Of training and test samples, in place of the folds.
    """
    folds = samples.folds if rows is None or asked is None else [(rows, asked)]
    known, tested = targets_of(samples.train), len(samples.test) if asked is None else len(asked)
    found: Any = None
    for number, (fit, left) in enumerate(folds):
        if samples.is_forecast:
            answers = _forecast(samples, train, test, fit, left)
        elif samples.is_classes:
            answers = readout.ridge_classes(train[fit], known[fit], test[left])
        else:
            answers = readout.ridge_values(train[fit], known[fit], test[left])
            answers = answers.clip(known[fit].min(0), known[fit].max(0))  # methane is like no other molecule
        if len(folds) == 1:
            return answers
        found = np.zeros((tested, *answers.shape[1:]), answers.dtype) if number == 0 else found
        found[left] = answers
    return np.asarray(found)


def _neighbours(samples: Samples, train: Floats, test: Floats) -> NDArray[np.int64]:
    known, found = targets_of(samples.train), np.zeros(len(samples.test), np.int64)
    for fit, left in samples.folds:
        found[left] = readout.neighbours(train[fit], known[fit], test[left])
    return found


def _forecast(samples: Samples, train: Floats, test: Floats, fit: Indices, left: Indices) -> Floats:
    """(m, H, C) in the unit of the series."""
    channels = len(samples.task.channels)  # type: ignore[union-attr]
    of_train, of_test = (_windows(part, rows) for part, rows in ((samples.train, fit), (samples.test, left)))
    (mean_nC, scale_nC), (mean_mC, scale_mC) = of_train, of_test
    targets_nHC = targets_of(samples.train)[fit]
    wanted_nCH = np.swapaxes((targets_nHC - mean_nC[:, None]) / scale_nC[:, None], 1, 2)
    rows, asked = (_of_channels(part, channels) for part in (fit, left))
    steps = readout.ridge_values(train[rows], wanted_nCH.reshape(len(rows), -1), test[asked])
    steps_mHC = np.swapaxes(steps.reshape(len(left), channels, -1), 1, 2)
    return steps_mHC * scale_mC[:, None] + mean_mC[:, None]


def _windows(dataset: Any, rows: Indices) -> tuple[Floats, Floats]:
    """(n, C) mean and standard deviation of each channel of each window."""
    values = [np.asarray(example.sample.values, np.float64) for example in examples_of(dataset, rows)]
    return np.stack([each.mean(0) for each in values]), np.stack([each.std(0) + 1e-6 for each in values])


def _of_channels(rows: Indices, channels: int) -> Indices:
    """The places of the channels of these windows."""
    return np.asarray((rows[:, None] * channels + np.arange(channels)).ravel())


def errors_of(samples: Samples, answers: Any, targets: Any) -> Floats:
    """(m,) of each test sample: 1 where a class is right; the squared error of a number, of a forecast their mean on
    the scale of the training part."""
    if samples.is_classes:
        return np.asarray(answers == targets, np.float64)
    if samples.is_forecast:
        scale_C = np.asarray(samples.task.scale)  # type: ignore[union-attr]
        return np.asarray((((answers - targets) / scale_C) ** 2).mean((1, 2)))
    return np.asarray(((answers - targets) ** 2).mean(1))


def summary_of(samples: Samples, errors: Floats) -> Measure:
    """Accuracy in per cent, the root of the mean squared error, or of a forecast the mean squared error."""
    if samples.is_classes:
        return lambda rows: 100 * float(errors[rows].mean())
    if samples.is_forecast:
        return lambda rows: float(errors[rows].mean())
    return lambda rows: float(np.sqrt(errors[rows].mean()))


def metric_of(samples: Samples, answers: Any, targets: Any) -> Metric:
    errors = errors_of(samples, answers, targets)
    return resampled_metric(summary_of(samples, errors), len(errors), samples.groups)


def unit_of(samples: Samples) -> str:
    return "%" if samples.is_classes else "MSE" if samples.is_forecast else "RMSE"


def constant_answer(samples: Samples) -> dict[str, Any]:
    """The metric, and what the most frequent class or the mean of the training targets reaches."""
    known, targets = targets_of(samples.train), targets_of(samples.test)
    typical: Any = np.bincount(known).argmax() if samples.is_classes else known.mean(0)
    if samples.is_forecast:
        typical = known.mean((0, 1))
    errors = errors_of(samples, np.broadcast_to(typical, targets.shape), targets)
    value = summary_of(samples, errors)(np.arange(len(errors)))
    return {"unit": unit_of(samples), "constant": float(f"{value:.5g}")}
