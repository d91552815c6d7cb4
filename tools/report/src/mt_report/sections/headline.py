"""The run's metrics, with an interval, the constant answer and the controls beside them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

from mt_core.training.comparison import Comparison
from mt_core.training.constant_answer import baseline_of
from mt_report.charts.tables import plain_table
from mt_report.dense import DenseCounts
from mt_report.intervals import Resampled, draws_of, resample
from mt_report.page import Page
from mt_report.run_facts import RunFacts
from mt_report.subject import Subject
from mt_report.text import interval, number

_SAME = 1e-3  # of a metric that is measured again, relative to the recorded one


def add_headline(page: Page, subject: Subject) -> None:
    """Metrics of the part, computed from the predictions that the other sections show."""
    head, predicted, part = subject.head, subject.predictions, subject.part
    found = resample(draws_of(head, predicted, part.dataset.groups()))
    value = predicted.metrics[head.primary]
    ends = f"95 % interval {interval(found.interval)}" if found.interval is not None else ""
    page.section("Result")
    _headline(page, head.primary, value, ends)
    page.say(f"Measured for this report on {part.title}. {part.remark}")
    if predicted.failed:
        page.note(f"{len(predicted.failed):,} samples could not be read and are left out.")
    dense = predicted.dense
    constant = dense.constant_answer() if isinstance(dense, DenseCounts) else baseline_of(subject.model, part.dataset)
    _table(page, head.primary, head.higher_is_better, predicted.metrics, constant, found)
    page.note(found.how)
    if (positive := getattr(head, "positive_class", None)) is not None:
        page.note(f"auroc, f1 and average_precision are those of the class {positive}.")
    _compare_with_record(page, subject)
    add_controls(page, subject.facts.controls)


def add_recorded(page: Page, facts: RunFacts, why: str) -> None:
    """What the run recorded, where it cannot be measured again.

    Args:
        why: What stands in the way.
    """
    record = facts.record
    part = "test" if record.get("test_metrics") else "val"
    metrics = record[f"{part}_metrics"]
    constant = record.get("test_baseline_metrics" if part == "test" else "baseline_metrics") or {}
    page.section("Result")
    where = record["data"]["tested_on" if part == "test" else "selected_on"]
    page.say(f"As the training recorded it, on: {where}.")
    rows = [
        (name, number(value), number(constant[name]) if name in constant else "") for name, value in metrics.items()
    ]
    page.add(plain_table("Metrics", ("metric", "value", "constant answer"), rows))
    page.note(f"Predictions, mistakes and the map of vectors are not shown: {why}")
    add_controls(page, facts.controls)


def add_controls(page: Page, controls: Comparison | None) -> None:
    """The controls' table, or how to measure them."""
    if controls is None:
        page.note(
            "Controls were not measured, so what the encoder adds is not known: mt evaluate RUN --data DIR --controls "
            "trains the same on random weights and without an encoder."
        )
        return
    rows = []
    for row in controls.rows:
        gain = number(row.gain) if row.gain is not None and math.isfinite(row.gain) else ""
        what = f"{row.description}; {row.note}" if row.note else row.description
        rows.append((row.title, number(row.value), interval(row.interval), gain, interval(row.gain_interval), what))
    page.add("<h3>Beside its controls</h3>")
    header = ("", controls.metric, "95 % interval", "the run is better by", "95 % interval", "what it is")
    page.add(plain_table("The run beside its controls", header, rows))
    page.note(
        f"Measured on {controls.samples:,} samples: {controls.measured_on}. All were trained on the samples that the "
        f"run was trained on, with its recipe, seeds {', '.join(map(str, controls.seeds))}."
    )
    for line in (controls.intervals, *controls.notes, controls.verdict()):
        if line:
            page.note(line[0].upper() + line[1:])


def _headline(page: Page, metric: str, value: float, ends: str) -> None:
    page.add(
        f'<p class="headline"><strong>{html.escape(number(value))}</strong> <span>{html.escape(metric)}</span> '
        f'<span class="where">{html.escape(ends)}</span></p>'
    )


def _table(
    page: Page,
    primary: str,
    higher_is_better: bool,
    metrics: Mapping[str, float],
    constant: Mapping[str, float],
    found: Resampled,
) -> None:
    rows = []
    for name, value in sorted(metrics.items(), key=lambda each: each[0] != primary):
        if name == "samples" or name.startswith(("iou_", "ap_")):  # of classes, in a section of their own
            continue
        ends = interval(found.interval) if name == primary else ""
        title = f"{name} ({'higher' if higher_is_better else 'lower'} is better)" if name == primary else name
        rows.append((title, number(value), ends, number(constant[name]) if name in constant else ""))
    page.add(plain_table("Metrics", ("metric", "value", "95 % interval", "constant answer"), rows))


def _compare_with_record(page: Page, subject: Subject) -> None:
    """Say where the record of the training has another value for the same part."""
    if subject.part.kind == "other":
        return
    recorded = (subject.facts.record.get(f"{subject.part.kind}_metrics") or {}).get(subject.head.primary)
    measured = subject.predictions.metrics[subject.head.primary]
    if recorded is not None and abs(recorded - measured) > _SAME * max(abs(recorded), _SAME):
        page.note(
            f"The training recorded {subject.head.primary} {number(recorded)} for this part: another machine, "
            "precision or version computes slightly other vectors."
        )
