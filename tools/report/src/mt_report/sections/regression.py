"""Numbers: what was predicted against what is true, and the residuals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.io.chart import Chart
from mt_core.io.scale import range_of
from mt_report.charts.tables import plain_table
from mt_report.page import Page
from mt_report.samples import Card
from mt_report.statistics import evenly
from mt_report.subject import CARDS, Subject
from mt_report.text import number

_MOST_NAMES, _MOST_POINTS, _BINS = 4, 1200, 24


def predicted_numbers(subject: Subject) -> NDArray[np.float64]:
    """(N, names) predictions in the targets' unit."""
    names = subject.task.names  # type: ignore[union-attr]
    decoded: list[Any] = [each["prediction"] for each in subject.head.decode(subject.predictions.outputs)]
    rows = [[each] if len(names) == 1 else [each[name] for name in names] for each in decoded]
    return np.array(rows, np.float64).reshape(len(decoded), len(names))


def add_regression(page: Page, subject: Subject) -> None:
    """Errors of each quantity, parity plot, residuals, and samples."""
    task: Any = subject.task
    predicted_NT, true_NT = predicted_numbers(subject), subject.predictions.targets.double().numpy()
    unit = f" ({task.unit})" if task.unit else ""
    page.section("Numbers")
    known_T = [np.isfinite(true_NT[:, index]) for index in range(len(task.names))]
    if not any(known.any() for known in known_T):
        page.note("No target of this part is known, so nothing can be compared.")
        return
    rows = []
    for index, name in enumerate(task.names):
        true, predicted = true_NT[known_T[index], index], predicted_NT[known_T[index], index]
        rows.append((name, f"{len(true):,}", *map(number, errors_of(true, predicted))))
    header = ("quantity", "known", f"rmse{unit}", f"mae{unit}", "r2", f"mean error{unit}")
    page.add(plain_table("Errors of each quantity", header, rows))
    if len(task.names) > _MOST_NAMES:
        page.note(f"Charts of the first {_MOST_NAMES} of {len(task.names)} quantities.")
    figures: list[str] = []
    for index, name in enumerate(task.names[:_MOST_NAMES]):
        if known_T[index].any():
            where = np.flatnonzero(known_T[index])
            figures += _charts(subject, name, unit, true_NT[where, index], predicted_NT[where, index], where)
    page.charts(figures)
    _add_samples(page, subject, predicted_NT, true_NT)


def errors_of(true: NDArray[np.float64], predicted: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Root mean square error, mean absolute error, r2 and mean error. NaN where there is no sample; r2 also of a
    constant."""
    if not len(true):
        return (float("nan"),) * 4
    error = predicted - true
    total = float(np.sum((true - true.mean()) ** 2))
    r2 = 1 - float(np.sum(error**2)) / total if total > 0 else float("nan")
    return float(np.sqrt(np.mean(error**2))), float(np.mean(np.abs(error))), r2, float(error.mean())


def _charts(
    subject: Subject,
    name: str,
    unit: str,
    true: NDArray[np.float64],
    predicted: NDArray[np.float64],
    where: NDArray[np.int64],
) -> list[str]:
    positions = subject.predictions.positions
    ends = range_of(true, predicted)
    residual = predicted - true
    parity = Chart(f"{name}: predicted against true", f"true{unit}", f"predicted{unit}", ends, ends, height=340)
    spread = Chart(
        f"{name}: residuals", f"predicted{unit}", f"predicted less true{unit}", range_of(predicted), range_of(residual)
    )
    parity.guide((ends[0], ends[0]), (ends[1], ends[1]))
    spread.guide((spread.x.low, 0), (spread.x.high, 0))
    chosen = evenly(len(true), _MOST_POINTS)
    for row in chosen:
        at = int(positions[where[row]])
        hover = f"sample {at:,}: true {number(true[row])}, predicted {number(predicted[row])}"
        parity.dot(true[row], predicted[row], 0, hover)
        spread.dot(predicted[row], residual[row], 0, hover)
    few = f" {len(chosen):,} evenly spread ones of {len(true):,} are drawn." if len(chosen) < len(true) else ""
    low, high = np.quantile(residual, [0.05, 0.95])
    slope = (
        f"Correlation {np.corrcoef(true, predicted)[0, 1]:.4g}; "
        if len(true) > 2 and true.std() > 0 < predicted.std()
        else ""
    )
    return [
        parity.html(f"{slope}on the dotted line a prediction is exact.{few}".capitalize()),
        spread.html(f"Nine of ten residuals lie between {number(low)} and {number(high)}.{few}"),
        _histogram(name, unit, residual),
    ]


def _histogram(name: str, unit: str, residual: NDArray[np.float64]) -> str:
    counts, edges = np.histogram(residual, bins=_BINS)
    chart = Chart(
        f"{name}: distribution of residuals",
        f"predicted less true{unit}",
        "samples",
        (float(edges[0]), float(edges[-1])),
        (0, float(counts.max()) * 1.05),
    )
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        if count:
            chart.bar(left, right, int(count), 0, f"{number(left)} to {number(right)}: {count:,}")
    if edges[0] < 0 < edges[-1]:
        chart.guide((0, 0), (0, chart.y.high))
    return chart.html(f"Mean {number(float(residual.mean()))}, standard deviation {number(float(residual.std()))}.")


def _add_samples(page: Page, subject: Subject, predicted_NT: NDArray[np.float64], true_NT: NDArray[np.float64]) -> None:
    names = subject.task.names  # type: ignore[union-attr]
    positions = subject.predictions.positions
    error_NT = predicted_NT - true_NT
    scale_T = np.nanstd(true_NT, axis=0)
    relative_NT = np.abs(error_NT) / np.where(scale_T > 0, scale_T, 1.0)
    worst_N = np.where(np.isfinite(relative_NT), relative_NT, -np.inf).max(1)
    worst_N = np.where(positions >= 0, worst_N, -np.inf)
    page.section("The worst mistakes")
    rows = [int(row) for row in np.argsort(-worst_N, kind="stable")[:CARDS] if np.isfinite(worst_N[row])]
    if rows:
        page.note("The largest errors, in standard deviations of the targets.")
        cards = []
        for row in rows:
            index = int(np.argmax(np.where(np.isfinite(relative_NT[row]), relative_NT[row], -np.inf)))
            said = f"predicted {number(predicted_NT[row, index])}, true: {number(true_NT[row, index])}"
            name = f"{names[index]}: " if len(names) > 1 else ""
            cards.append(Card(int(positions[row]), (name + said, f"error {number(error_NT[row, index])}")))
        page.add(subject.gallery.cards(cards))
    page.section("The least sure")
    page.note("Not measured: the model predicts single numbers and says nothing of their uncertainty.")
