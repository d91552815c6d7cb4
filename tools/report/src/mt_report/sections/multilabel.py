"""Any of several labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_report.charts.tables import plain_table
from mt_report.page import Page
from mt_report.samples import Card
from mt_report.sections.scores import score_charts
from mt_report.statistics import precision_recall, roc
from mt_report.subject import CARDS, Subject
from mt_report.text import number

_MOST = 40


def add_multilabel(page: Page, subject: Subject) -> None:
    """A row a label, curves, and samples."""
    names = list(subject.task.labels)  # type: ignore[union-attr]
    probability_NL = subject.predictions.outputs.double().sigmoid().numpy()
    target_NL = subject.predictions.targets.numpy()
    is_known = ~np.isnan(target_NL)
    if not is_known.any():
        page.section("Labels")
        page.note("No label of this part is known, so nothing can be compared.")
        return
    page.section("Labels")
    labels = {}
    rows = []
    for index, name in enumerate(names):
        known = is_known[:, index]
        score, positive = probability_NL[known, index], target_NL[known, index] == 1
        labels[name] = (score, positive)
        ranked, precise = roc(score, positive), precision_recall(score, positive)
        right = float(np.mean((score >= 0.5) == positive)) if known.any() else float("nan")
        cells = (number(each.area) if each is not None else "not known" for each in (ranked, precise))
        rows.append((name, f"{int(positive.sum()):,} of {int(known.sum()):,}", *cells, number(right)))
    if len(rows) > _MOST:
        page.note(f"The first {_MOST} of {len(rows)} labels.")
    header = ("label", "positive", "auroc", "average precision", "accuracy")
    page.add(plain_table("Each label", header, rows[:_MOST]))
    page.section("Scores")
    is_right = target_NL[is_known] == 1
    page.charts(score_charts(labels, probability_NL[is_known], is_right, "a label"))
    _add_samples(page, subject, probability_NL, target_NL, is_known, names)


def _add_samples(
    page: Page,
    subject: Subject,
    probability_NL: NDArray[np.float64],
    target_NL: NDArray[np.float32],
    is_known: NDArray[np.bool_],
    names: list[str],
) -> None:
    positions = subject.predictions.positions
    clipped = probability_NL.clip(1e-7, 1 - 1e-7)
    of_truth = np.where(target_NL == 1, clipped, 1 - clipped)
    count_N = is_known.sum(1)
    loss_N = np.where(is_known, -np.log(of_truth), 0.0).sum(1) / count_N.clip(min=1)
    loss_N = np.where((count_N > 0) & (positions >= 0), loss_N, -np.inf)
    doubt_N = np.where(positions >= 0, np.abs(probability_NL - 0.5).min(1), np.inf)

    def card(row: int) -> Card:
        taken = [names[index] for index in np.flatnonzero(probability_NL[row] >= 0.5)]
        true = [names[index] for index in np.flatnonzero(target_NL[row] == 1)]
        worst = int(np.argmin(np.where(is_known[row], of_truth[row], 2)))
        last = f"{names[worst]}: probability {probability_NL[row, worst]:.1%}"
        return Card(int(positions[row]), (f"predicted {_listed(taken)}; true: {_listed(true)}", last))

    page.section("The worst mistakes")
    wrong = (((probability_NL >= 0.5) != (target_NL == 1)) & is_known).any(1)
    rows = [int(row) for row in np.argsort(-loss_N, kind="stable")[:CARDS] if np.isfinite(loss_N[row]) and wrong[row]]
    if rows:
        page.note(f"{int(wrong.sum()):,} of {len(wrong):,} samples have a wrong label; the largest loss comes first.")
        page.add(subject.gallery.cards([card(row) for row in rows]))
    else:
        page.note("No sample has a wrong label.")
    page.section("The least sure")
    rows = [int(row) for row in np.argsort(doubt_N, kind="stable")[:CARDS] if np.isfinite(doubt_N[row])]
    page.note("A label's probability is nearest to a half.")
    page.add(subject.gallery.cards([card(row) for row in rows]))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") if names else "none"
