"""The samples' vectors in the plane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import MISSING_CLASS, AnyTask, Classification, Detection, Regression, Retrieval, Segmentation
from mt_core.errors import MissingDependencyError
from mt_core.io.chart import COLOURS, Chart
from mt_core.io.scale import range_of
from mt_report.page import Page
from mt_report.statistics import principal_plane
from mt_report.subject import Subject
from mt_report.text import number, short

MapBy = Literal["pca", "umap"]
_OTHERS = COLOURS - 1
_FEW = 50
_FIFTHS = (0, 4, 2, 6, 1)  # colours from low to high: blue, teal, green, olive, orange
_LAST = ("others", "not known")


def add_map(page: Page, subject: Subject, by: MapBy) -> None:
    """A dot a sample, with its name, truth and prediction where a pointer rests on it.

    Raises:
        MissingDependencyError: UMAP is asked for and not installed.
    """
    page.section("Map of vectors")
    predicted = subject.predictions
    vectors = predicted.vectors[np.isfinite(predicted.vectors).all(1)]
    if len(vectors) < 3:
        page.note(f"There is no map of so few vectors ({len(vectors)}).")
        return
    if by == "umap":
        plane, axes, said = _umap(vectors), ("first axis", "second axis"), "UMAP of the vectors, seed 0"
    else:
        plane, shares = principal_plane(vectors)
        axes = (f"first principal axis ({shares[0]:.0%} of the variance)", f"second ({shares[1]:.0%})")
        said = f"The first two principal axes hold {sum(shares):.0%} of the variance"
    groups, hovers = _groups(subject)
    chart = Chart("Vectors in the plane", *axes, range_of(plane[:, 0]), range_of(plane[:, 1]), height=340)
    rows, names = predicted.row_of(), dict[str, int]()
    there = predicted.vector_positions[np.isfinite(predicted.vectors).all(1)]
    for (x, y), position in zip(plane, there.tolist(), strict=True):
        row = rows.get(position)
        name, colour = groups(row) if row is not None else ("not known", _OTHERS)
        chart.dot(x, y, colour, f"sample {position:,}: {hovers(row)}" if row is not None else f"sample {position:,}")
        names[name] = colour
    for name in _ordered(names, subject.task):
        chart.legend(name, names[name])
    page.charts([chart.html(f"{said}; {len(vectors):,} samples, pooled as the head reads them.")])


def _groups(subject: Subject) -> tuple[Callable[[int], tuple[str, int]], Callable[[int], str]]:
    """For a row of the predictions the name and colour of its group, and what is said of it."""
    task, predicted = subject.task, subject.predictions
    if isinstance(task, Classification):
        truth = predicted.targets.tolist()
        best = predicted.outputs.argmax(-1).tolist()
        colours = _colours([index for index in truth if index != MISSING_CLASS])
        return (
            lambda row: _named(truth[row], colours, task.classes),
            lambda row: f"true {_class(truth[row], task.classes)}, predicted {task.classes[best[row]]}",
        )
    if isinstance(task, Retrieval):
        identities = predicted.targets[:, 0].tolist()
        colours = _colours(identities)
        names: Any = _Numbered(task.identities)
        return lambda row: _named(identities[row], colours, names), lambda row: f"identity {names[identities[row]]}"
    if isinstance(task, Regression):
        values = predicted.targets[:, 0].double().numpy()
        known = values[np.isfinite(values)]
        edges = np.quantile(known, [0.2, 0.4, 0.6, 0.8]) if len(known) else np.empty(0)
        return lambda row: _fifth(
            task.names[0], values[row], edges
        ), lambda row: f"{task.names[0]} {number(values[row])}"
    if isinstance(task, Segmentation | Detection) and predicted.dense is not None:
        usual = predicted.dense.usual_classes()
        colours = _colours([index for index in usual if index != MISSING_CLASS])
        return (
            lambda row: _named(usual[row], colours, task.classes),
            lambda row: f"most frequent {_class(usual[row], task.classes)}",
        )
    return lambda row: ("samples", 0), lambda row: "its vector"


def _ordered(names: dict[str, int], task: AnyTask) -> list[str]:
    """In the order of their colours, fifths from the low to the high one, what has no colour of its own last."""
    places = {colour: place for place, colour in enumerate(_FIFTHS)} if isinstance(task, Regression) else {}
    return sorted(names, key=lambda name: (name in _LAST, places.get(names[name], names[name])))


class _Numbered:
    """Names of identities; those that training did not have by their numbers."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def __getitem__(self, index: int) -> str:
        return self.names[index] if 0 <= index < len(self.names) else f"no. {index}"


def _colours(indices: list[int]) -> dict[int, int]:
    """The most frequent ones have a colour of their own."""
    ordered = [index for index, _ in Counter(indices).most_common()]
    own = sorted(ordered[: COLOURS if len(ordered) <= COLOURS else _OTHERS])
    return {index: colour for colour, index in enumerate(own)}


def _named(index: int, colours: dict[int, int], names: Any) -> tuple[str, int]:
    if index == MISSING_CLASS:
        return "not known", _OTHERS
    return (short(names[index], 28), colours[index]) if index in colours else ("others", _OTHERS)


def _class(index: int, names: tuple[str, ...]) -> str:
    return names[index] if index != MISSING_CLASS else "not known"


def _fifth(name: str, value: float, edges: NDArray[np.float64]) -> tuple[str, int]:
    if not np.isfinite(value):
        return "not known", _OTHERS
    place = int(np.searchsorted(edges, value, side="right"))
    low = f"from {number(float(edges[place - 1]))}" if place else ""
    high = f"below {number(float(edges[place]))}" if place < len(edges) else ""
    return f"{short(name, 20)} {low} {high}".replace("  ", " ").strip(), _FIFTHS[place]


def _umap(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    try:
        from umap import UMAP  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise MissingDependencyError(
            "a map by UMAP needs umap-learn, which is not installed", fix='pip install "mt-report[umap]", or --map pca'
        ) from error
    layout = UMAP(n_neighbors=min(15, len(vectors) - 1), random_state=0, n_jobs=1, init=_start(vectors))
    return np.asarray(layout.fit_transform(vectors), np.float64)


def _start(vectors: NDArray[np.float32]) -> str:
    """Where UMAP begins: few vectors have no spectral layout."""
    return "spectral" if len(vectors) > _FEW else "pca"
