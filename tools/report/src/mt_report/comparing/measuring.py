"""Measures runs for a comparison: intervals, and differences on the same resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core import load_run
from mt_core.contract import task_from
from mt_core.errors import MtError, OptionError
from mt_core.heads import default_head
from mt_core.plugins import get
from mt_core.training.intervals import percentile_interval
from mt_report.comparing.contenders import Contender, RunComparison
from mt_report.comparing.samples import groups_of, samples_tested
from mt_report.comparing.settings import differing
from mt_report.intervals import Draws, draws_of
from mt_report.part import open_part
from mt_report.predictions import predict_as_trained
from mt_report.run_facts import RunFacts, read_run


@dataclass(frozen=True)
class _Measured:
    value: float
    draws: Draws


def compare_runs(
    runs: Sequence[str | Path],
    *,
    measure: bool = True,
    num_workers: int | None = None,
    device: str | None = None,
    show_progress: bool = False,
) -> RunComparison:
    """Put runs of one task side by side.

    Args:
        runs: Their folders.
        measure: Whether to measure each on what it was tested on, which gives intervals and paired differences; else
            what the trainings recorded.
        num_workers, device: As for `mt_core.evaluate` and `mt_core.load_run`.

    Raises:
        RunError: no run, or one that has no metrics yet.
        OptionError: fewer than two runs, or runs of different tasks.
    """
    if len(runs) < 2:
        raise OptionError("a comparison needs at least two runs", fix="name their folders: mt compare runs/a runs/b")
    every = [read_run(run) for run in runs]
    _check_tasks(every)
    record = every[0].record
    head = default_head(8, task_from(record["task"]), get(record["modality"]).head)
    tested = [samples_tested(facts) for facts in every]
    contenders = []
    for facts, name, samples, group in zip(every, map(str, runs), tested, groups_of(tested), strict=True):
        value = facts.record[f"{samples.part}_metrics"][head.primary]
        contenders.append(Contender(name, facts, samples, value, group))
    if measure:
        contenders = _with_intervals(contenders, head.higher_is_better, num_workers, device, show_progress)
    return RunComparison(head.primary, head.higher_is_better, contenders, differing(every), measure)


def _check_tasks(every: Sequence[RunFacts]) -> None:
    first = every[0]
    for facts in every:
        if facts.task_kind != first.task_kind:
            raise OptionError(
                f"{first.folder} is of the task {first.task_kind} and {facts.folder} of {facts.task_kind}",
                fix="compare runs of one task",
            )


def _with_intervals(
    contenders: Sequence[Contender],
    higher_is_better: bool,
    num_workers: int | None,
    device: str | None,
    show_progress: bool,
) -> list[Contender]:
    found: list[Contender] = []
    first_of: dict[tuple[str, bytes], NDArray[np.float64]] = {}
    sign = 1.0 if higher_is_better else -1.0
    for contender in contenders:
        try:
            measured = _measure(contender, num_workers, device, show_progress)
        except MtError as error:
            found.append(replace(contender, note=error.problem))
            continue
        contender = replace(contender, value=measured.value)
        hashes = contender.tested.hashes
        draws = measured.draws
        if draws.primary is None or hashes is None or draws.count != len(hashes):
            found.append(contender)
            continue
        values = np.array([draws.primary(rows) for rows in draws.rows()])
        contender = replace(contender, interval=percentile_interval(values))
        key = (contender.group, hashes.tobytes())  # the same samples in the same order, so the same resamples
        if key in first_of and contender.group != "?":
            gains = sign * (values - first_of[key])
            reference = next(each for each in found if each.group == contender.group)
            gain = sign * (contender.value - reference.value)
            contender = replace(contender, gain=gain, gain_interval=percentile_interval(gains))
        else:
            first_of.setdefault(key, values)
        found.append(contender)
    return found


def _measure(contender: Contender, num_workers: int | None, device: str | None, show_progress: bool) -> _Measured:
    model = load_run(contender.facts.folder, device=device)
    part = open_part(model, None, contender.tested.part)
    predictions = predict_as_trained(model, part, contender.facts, num_workers, show_progress)
    head = model.require_head()
    return _Measured(predictions.metrics[head.primary], draws_of(head, predictions, part.dataset.groups()))
