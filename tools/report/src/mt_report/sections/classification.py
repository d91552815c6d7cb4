"""One of several classes: what is mistaken for what, how scores rank, and whether probabilities hold."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.contract import MISSING_CLASS
from mt_report.charts.tables import bars, confusion_table, plain_table
from mt_report.page import Page
from mt_report.samples import Card
from mt_report.sections.scores import score_charts
from mt_report.statistics import confusion
from mt_report.subject import CARDS, Subject

_MOST_CLASSES = 20
"""Classes up to which all pairs are shown."""


def add_classification(page: Page, subject: Subject) -> None:
    """Confusion matrix, recall of each class, curves, and samples."""
    task, predicted = subject.task, subject.predictions
    names = list(task.classes)  # type: ignore[union-attr]
    known = predicted.targets != MISSING_CLASS
    truth = predicted.targets[known].numpy()
    if not len(truth):
        page.section("Classes")
        page.note("No sample of this part has a label, so nothing can be compared.")
        return
    outputs = predicted.outputs[known].double()
    probability_NK = outputs.softmax(-1).numpy()
    best_N = probability_NK.argmax(1)
    page.section("Classes")
    _add_confusion(page, confusion(truth, best_N, len(names)), names)
    page.section("Scores")
    positive = getattr(subject.head, "positive", None)
    wanted = [positive] if positive is not None and len(names) == 2 else list(range(len(names)))
    labels = {names[index]: (probability_NK[:, index], truth == index) for index in wanted}
    page.charts(score_charts(labels, probability_NK.max(1), best_N == truth, "the predicted class"))
    if len(names) == 1:
        page.note("There is one class, so there is nothing to rank.")
    _add_samples(page, subject, probability_NK, truth, predicted.positions[known.numpy()], names)


def _add_confusion(page: Page, cells: NDArray[np.int64], names: list[str]) -> None:
    if len(names) <= _MOST_CLASSES:
        page.add(confusion_table("Confusion matrix", cells, names))
    else:
        wrong = cells - np.diag(np.diag(cells))
        order = np.argsort(-wrong.ravel(), kind="stable")[:_MOST_CLASSES]
        pairs = [divmod(int(index), len(names)) for index in order if wrong.ravel()[index] > 0]
        rows = [(names[true], names[taken], f"{wrong[true, taken]:,}") for true, taken in pairs]
        if rows:
            page.add(
                plain_table("The most frequent mistakes", ("true class", "predicted", "samples"), rows, caption=True)
            )
        else:
            page.note("No sample is mistaken for another class.")
    counts = cells.sum(1)
    recalls: list[tuple[str, float, str]] = []
    for index, name in enumerate(names):
        recall = float(cells[index, index] / counts[index]) if counts[index] else float("nan")
        recalls.append((name, recall, f"{counts[index]:,} samples"))
    if len(recalls) > 2 * _MOST_CLASSES:
        recalls = sorted((row for row in recalls if row[1] == row[1]), key=lambda row: row[1])[:_MOST_CLASSES]
        page.note(f"The {len(recalls)} classes with the lowest recall:")
    page.add(bars("Recall: the share of a class's samples that is right", ("class", "recall"), recalls))


def _add_samples(
    page: Page,
    subject: Subject,
    probability_NK: NDArray[np.float64],
    truth: NDArray[np.int64],
    positions: NDArray[np.int64],
    names: list[str],
) -> None:
    best = probability_NK.argmax(1)
    highest = probability_NK.max(1)
    second = torch.from_numpy(probability_NK).topk(min(2, len(names)), dim=1).values.numpy()[:, -1]
    is_there = positions >= 0

    def card(row: int) -> Card:
        said = f"predicted {names[best[row]]} ({highest[row]:.1%}), true: {names[truth[row]]}"
        of_true = f"probability of the true class {probability_NK[row, truth[row]]:.1%}"
        return Card(int(positions[row]), (said, of_true) if best[row] != truth[row] else (said,))

    page.section("The worst mistakes")
    wrong = np.flatnonzero((best != truth) & is_there)
    if len(wrong):
        worst = wrong[np.argsort(-highest[wrong], kind="stable")][:CARDS]
        page.note(f"{len(wrong):,} of {len(truth):,} samples are wrong; those with the highest probability come first.")
        page.add(subject.gallery.cards([card(row) for row in worst]))
    else:
        page.note(f"All {len(truth):,} samples are right.")
    page.section("The least sure")
    if len(names) == 1:
        page.note("There is one class, so the model is never unsure.")
        return
    margin = np.where(is_there, highest - second, np.inf)
    unsure = [int(row) for row in np.argsort(margin, kind="stable")[:CARDS] if np.isfinite(margin[row])]
    page.note("The two likeliest classes are nearest to each other, whether the prediction is right or not.")
    page.add(subject.gallery.cards([card(row) for row in unsure]))
