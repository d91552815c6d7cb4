"""How scores rank, and whether probabilities hold: charts that classes and labels share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from mt_core.io.chart import COLOURS, Chart
from mt_report.statistics import Curve, Numbers, precision_recall, reliability, roc, thinned
from mt_report.text import short

_UNIT = (-0.01, 1.01)
_MOST_CURVES = COLOURS
_ABOUT_RIGHT = 0.001

Labels = Mapping[str, tuple[Numbers, NDArray[np.bool_]]]
"""By name: a score a sample, and whether it is positive."""


def score_charts(labels: Labels, probability: Numbers, is_right: NDArray[np.bool_], of: str) -> list[str]:
    """Receiver operating characteristics, precision by recall, and a reliability diagram.

    Args:
        probability: Of each prediction; `is_right` says whether it holds.
        of: What the probability is of.
    """
    return [
        *_ranking(
            "ROC: how scores rank", labels, roc, ("false positive rate", "true positive rate"), "area", ((0, 0), (1, 1))
        ),
        *_ranking("Precision by recall", labels, precision_recall, ("recall", "precision"), "average precision", None),
        reliability_chart(probability, is_right, of),
    ]


def _ranking(
    title: str,
    labels: Labels,
    curve_of: Callable[[Numbers, NDArray[np.bool_]], Curve | None],
    axes: tuple[str, str],
    area_name: str,
    guide: tuple[tuple[float, float], tuple[float, float]] | None,
) -> list[str]:
    curves = {name: curve for name, (score, positive) in labels.items() if (curve := curve_of(score, positive))}
    if not curves:
        return []
    shown = dict(list(curves.items())[:_MOST_CURVES])
    chart = Chart(title, axes[0], axes[1], _UNIT, _UNIT)
    for colour, (name, curve) in enumerate(shown.items()):
        drawn = thinned(curve)
        chart.line(drawn.x.tolist(), drawn.y.tolist(), colour, f"{short(name, 24)} {curve.area:.3f}")
    if guide is not None:
        chart.guide(*guide)
    if len(shown) == 1:
        (name, curve), *_ = shown.items()
        said = f"The {area_name} of {name} against the others is {curve.area:.4g}"
    else:
        mean = float(np.mean([curve.area for curve in curves.values()]))
        said = f"Each one against the others; the mean {area_name} of {len(curves)} is {mean:.4g}"
    missing = len(labels) - len(curves)
    left_out = f"; {missing} without both positive and negative samples are left out" if missing else ""
    more = f"; the first {len(shown)} are drawn" if len(curves) > len(shown) else ""
    return [chart.html(f"{said}{left_out}{more}.")]


def reliability_chart(probability: Numbers, is_right: NDArray[np.bool_], of: str) -> str:
    """The share that is right by the probability that is stated."""
    found = reliability(probability, is_right)
    chart = Chart("Reliability of probabilities", f"stated probability of {of}", "share that is right", _UNIT, _UNIT)
    chart.guide((0, 0), (1, 1))
    for stated, observed, count in zip(found.stated, found.observed, found.counts, strict=True):
        hover = f"stated {stated:.3f}, right {observed:.3f}, {count:,} predictions"
        chart.dot(stated, observed, 0, hover, radius=3 + 5 * float(np.sqrt(count / found.counts.sum())))
    chart.line(found.stated.tolist(), found.observed.tolist(), 0)
    lean = float(np.sum((found.stated - found.observed) * found.counts) / found.counts.sum())
    side = f"{abs(lean):.3f} too {'high' if lean > 0 else 'low'}" if abs(lean) >= _ABOUT_RIGHT else "about right"
    return chart.html(
        f"On the dotted line probabilities hold. On average they are {side}; the expected calibration "
        f"error is {found.error:.4g}. A larger dot stands for more predictions."
    )
