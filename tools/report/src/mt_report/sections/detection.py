"""Objects in pictures.  N pictures, K classes, T thresholds of overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Detection
from mt_core.io.chart import COLOURS, Chart
from mt_report.boxes import LEAST_SCORE, THRESHOLDS, Answers, ByScore, FoundObjects, Objects, answers
from mt_report.charts.tables import bars, confusion_table
from mt_report.colours import class_legend, class_styles
from mt_report.page import Page
from mt_report.pictures import Frame, whole_picture, with_frames
from mt_report.samples import Card
from mt_report.statistics import evenly, thinned
from mt_report.subject import Subject
from mt_report.text import number, short

_MOST_CLASSES = 20
_CARDS = 4
_UNIT = (-0.01, 1.01)


def add_detection(page: Page, subject: Subject) -> None:
    """Average precision of each class, precision by recall, what was missed, and pictures."""
    task, objects = subject.task, subject.predictions.dense
    assert isinstance(task, Detection) and isinstance(objects, FoundObjects)
    page.section("Classes")
    if not any(len(each.there) for each in objects.pictures):
        page.note("No object of this part is known, so nothing can be compared.")
        return
    precision_KT = objects.average_precisions(np.arange(len(objects)))
    there_K = [int(each.there.sum()) for each in objects.of_class]
    rows = []
    for k, name in enumerate(task.classes):
        remark = f"{number(precision_KT[k, 0])} at an overlap of 0.5; " if there_K[k] else ""
        rows.append((name, float(precision_KT[k].mean()), f"{remark}{there_K[k]:,} objects"))
    page.add(bars("Average precision of each class", ("class", "AP"), rows))
    page.note("The mean over overlaps (intersection over union) of 0.5 to 0.95, as COCO defines it.")
    by_score = objects.by_score()
    least = LEAST_SCORE if len(by_score.score) and by_score.score[0] >= LEAST_SCORE else by_score.best
    page.charts([_precision_by_recall(objects), _by_overlap(task, precision_KT), _by_score(by_score, least)])
    if least < LEAST_SCORE:
        page.note(f"No object has a score of {LEAST_SCORE}; those from {least:.2f} on, where F1 is highest, are shown.")
    said = [answers(each, least) for each in objects.pictures]
    _add_answers(page, task, said, least)
    styles = class_styles(task.classes)
    legend = class_legend(task.classes, styles)
    page.section("The worst mistakes")
    f1_N = np.array([each.f1 for each in said])
    mistakes_N = np.array([each.mistakes for each in said])
    order = [int(row) for row in np.lexsort((-mistakes_N, f1_N)) if mistakes_N[row]]
    worst = [row for row in order if objects.positions[row] >= 0][:_CARDS]
    page.add(legend)
    if worst:
        page.note(
            f"The pictures with the lowest F1 of objects that were found with a score of {least:.2g} or more. A "
            "dashed frame in the truth is of an object that was missed, and among those found of one that is wrong; a "
            "grey one counts neither as found nor as missed."
        )
        page.add(_cards(subject, objects, said, worst, styles))
    else:
        page.note(f"There are none: every object with a score of {least:.2g} or more is right, and none is missed.")
    page.section("The least sure")
    sure_N = np.array([each.found[:, 4].mean() if len(each.found) else np.nan for each in said])
    known = [int(row) for row in np.argsort(sure_N, kind="stable") if np.isfinite(sure_N[row])]
    others = [row for row in known if row not in worst and objects.positions[row] >= 0][:_CARDS]
    if others:
        page.note(f"The pictures with the lowest mean score of objects that have {least:.2g} or more.")
        page.add(_cards(subject, objects, said, others, styles))
    else:
        page.note("All pictures in which something was found are shown above." if known else "Nothing was found.")


def _precision_by_recall(objects: FoundObjects) -> str:
    curves = {
        name: curve
        for name, each in zip(objects.task.classes, objects.of_class, strict=True)
        if (curve := each.curve()) is not None
    }
    chart = Chart("Precision by recall, at an overlap of 0.5", "recall", "precision", _UNIT, _UNIT)
    for colour, (name, curve) in enumerate(list(curves.items())[:COLOURS]):
        drawn = thinned(curve)
        chart.line(drawn.x.tolist(), drawn.y.tolist(), colour, f"{short(name, 24)} {curve.area:.3f}")
    mean = float(np.mean([curve.area for curve in curves.values()]))
    more = f"; the first {COLOURS} are drawn" if len(curves) > COLOURS else ""
    return chart.html(f"The mean average precision of {len(curves)} classes is {number(mean)}{more}.")


def _by_overlap(task: Detection, precision_KT: NDArray[np.float64]) -> str:
    chart = Chart("Average precision by overlap", "intersection over union", "average precision", (0.48, 0.97), _UNIT)
    xs = THRESHOLDS.tolist()
    known = [k for k in range(len(task.classes)) if np.isfinite(precision_KT[k]).all()]
    mean_T = precision_KT[known].mean(0)
    for colour, k in enumerate(known[: COLOURS - 1] if len(known) > 1 else ()):
        chart.line(xs, precision_KT[k].tolist(), colour, short(task.classes[k], 24), dashed=True)
    chart.line(xs, mean_T.tolist(), COLOURS - 1, "mean of all classes")
    return chart.html(
        f"From {number(mean_T[0])} where half an overlap is enough to {number(mean_T[-1])} at 0.95: what is lost on "
        "the way is found, but not where it is."
    )


def _by_score(found: ByScore, least: float) -> str:
    highest = float(found.score[0]) if len(found.score) else 1.0
    chart = Chart("Precision and recall by score", "least score", "share", (-0.01, max(highest, least) * 1.05), _UNIT)
    if not len(found.score):
        chart.dot(0, 0, 0)
        return chart.html("Nothing was found at any score.")
    chosen = evenly(len(found.score), 200)
    shown = {"precision": found.precision, "recall": found.recall, "F1": found.f1}
    for colour, (name, values) in enumerate(shown.items()):
        chart.line(found.score[chosen].tolist(), values[chosen].tolist(), colour, name, dashed=name == "F1")
    chart.guide((least, 0), (least, 1))
    return chart.html(
        f"At an overlap of 0.5, all classes together. F1 is highest, {number(float(found.f1.max()))}, where objects "
        f"from a score of {found.best:.2f} on are taken; the dotted line is {least:.2g}."
    )


def _add_answers(page: Page, task: Detection, said: Sequence[Answers], least: float) -> None:
    """What objects from a score on are, and what is missed."""
    count = len(task.classes)
    cells = np.sum([each.cells(count) for each in said], axis=0)
    right = int(np.trace(cells[:count, :count]))
    other = int(cells[:count, :count].sum()) - right
    page.say(
        f"From a score of {least:.2g} on, {right:,} of {int(cells[:count].sum()):,} objects are found with their "
        f"class and {other:,} with another one, {int(cells[:count, count].sum()):,} are missed, and "
        f"{int(cells[count].sum()):,} answers lie where no object is, or on one that was found already."
    )
    if count <= _MOST_CLASSES:
        names = [*task.classes, "nothing"]
        page.add(confusion_table("Objects by class", cells, names, f"overlap of 0.5, score of {least:.2g} or more"))
    else:
        page.note(f"The table of {count} classes is not drawn.")


def _cards(
    subject: Subject, objects: FoundObjects, said: Sequence[Answers], rows: Sequence[int], styles: Sequence[str]
) -> str:
    cards = []
    for row in rows:
        position, of = objects.positions[row], said[row]
        mean = f", mean score {of.found[:, 4].mean():.2f}" if len(of.found) else ""
        line = f"{int(of.is_found.sum())} of {len(of.there)} objects found, {_wrong(of)}{mean}"
        picture = whole_picture(subject.model, subject.part.dataset, position)
        if picture is None:
            cards.append(Card(position, (line,)))
            continue
        there = _frames_there(objects.task, objects.pictures[row], of, styles)
        found = _frames_found(objects.task, of, styles)
        panels = ""
        for title, frames in (("truth", there), ("found", found)):
            named = ", ".join(frame.name for frame in frames[:20]) or "nothing"
            description = f"{title} of sample {position}: {named}"
            panels += f"<div>{with_frames(picture, frames, description, 2 * subject.gallery.side)}<p>{title}</p></div>"
        cards.append(Card(position, (line,), f'<div class="panels">{panels}</div>', is_wide=True))
    return subject.gallery.cards(cards)


def _wrong(of: Answers) -> str:
    count = int((~of.is_right & (of.partner > -2)).sum())
    return f"{count} wrong answer{'s' * (count != 1)}"


def _frames_there(task: Detection, objects: Objects, of: Answers, styles: Sequence[str]) -> list[Frame]:
    frames = []
    for row, is_found in zip(of.there, of.is_found, strict=True):
        name = task.classes[int(row[4])]
        hover = f"{name}, {'found' if is_found else 'missed'}"
        frames.append(Frame(row[:4].tolist(), f"stroke:{styles[int(row[4])]}", name, hover, not is_found))
    for row in objects.there[objects.there[:, 5] > 0]:
        name = task.classes[int(row[4])]
        frames.append(Frame(row[:4].tolist(), f"stroke:var(--k{COLOURS - 1})", name, f"{name}, not counted"))
    return frames


def _frames_found(task: Detection, of: Answers, styles: Sequence[str]) -> list[Frame]:
    frames = []
    for row, is_right, partner in zip(of.found, of.is_right, of.partner, strict=True):
        name = task.classes[int(row[5])]
        hover = f"{name}, score {row[4]:.2f}, {'right' if is_right else 'not counted' if partner == -2 else 'wrong'}"
        style = f"stroke:{styles[int(row[5])]}"
        frames.append(Frame(row[:4].tolist(), style, f"{name} {row[4]:.2f}", hover, not is_right and partner > -2))
    return frames
