"""What each input of items contributes: the metric with all of them, with each alone, without each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mt_core import hooks
from mt_core.contract import ModalityDataset
from mt_core.data.backed_model import with_precision
from mt_core.data.batches import features_of
from mt_core.data.loader import Loader
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.errors import OptionError, RunError
from mt_core.hooks import session
from mt_core.io.counted import counted
from mt_core.io.html import Page, new_figure
from mt_core.io.progress import progress
from mt_core.model import MetaTransformer
from mt_core.training.comparison import interval_text
from mt_core.training.intervals import Interval, percentile_interval, resampled_rows
from mt_core.training.metrics import Meter
from mt_core.training.outputs import HeadOutputs, is_resampled
from mt_core.training.records import read_json, write_json

BY_INPUT = "by_input.json"
"""In a run folder: the last of these measurements."""

FORMAT = 1


@dataclass(frozen=True)
class InputsRow:
    """The metrics with some of the inputs.

    Attributes:
        title: "all inputs", "photo alone", "without photo".
        inputs: Those that were left.
        metrics: Of the samples that have one of them.
        samples: How many these are.
        interval: 95 % of the primary metric, from resampled samples; None where it is not known.
    """

    title: str
    inputs: Sequence[str]
    metrics: Mapping[str, float]
    samples: int
    interval: Interval | None


@dataclass(frozen=True)
class ByInput:
    """Metrics by inputs, all measured on the same samples with the same model.

    Attributes:
        metric: The head's primary one.
        rows: All inputs first.
        measured_on: Which samples.
    """

    metric: str
    measured_on: str
    rows: Sequence[InputsRow]

    def lines(self) -> list[str]:
        """A table for people, a line each."""
        width = max(len(row.title) for row in self.rows)
        lines = [f"{self.metric} by inputs, {self.measured_on}:"]
        for row in self.rows:
            span = f"{row.interval[0]:.4f} to {row.interval[1]:.4f}" if row.interval is not None else ""
            value = row.metrics.get(self.metric, math.nan)
            lines.append(f"  {row.title:<{width}}  {value:>8.4f}  {span:<18}  {counted(row.samples, 'sample')}")
        return lines

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}


def by_input_from(record: Mapping[str, Any]) -> ByInput:
    """What `as_json` wrote down."""
    rows = [InputsRow(**row) for row in record["rows"]]
    return ByInput(record["metric"], record["measured_on"], rows)


@dataclass
class _Arm:
    title: str
    inputs: tuple[str, ...]
    meter: Meter
    outputs: HeadOutputs = field(default_factory=HeadOutputs)


def measure_by_input(
    model: MetaTransformer,
    dataset: ModalityDataset,
    *,
    precision: Precision = "32",
    skip_unreadable: bool = False,
    show_progress: bool = False,
    **reading: Any,
) -> ByInput:
    """A model's metrics with all inputs, with each alone and without each; each sample is read once.

    Args:
        reading: How the `Loader` reads.

    Raises:
        OptionError: a model whose samples have fewer than two inputs.
        MtError: a sample that cannot be read.
    """
    names = model.tokenizer.inputs
    if len(names) < 2:
        raise OptionError(
            f"samples of {model.modality} have no several inputs whose shares could be measured",
            fix="leave --each out; it is for items of several modalities",
        )
    head = model.require_head()
    subsets = {"all inputs": names, **{f"{name} alone": (name,) for name in names}}
    if len(names) > 2:
        subsets |= {f"without {name}": tuple(other for other in names if other != name) for name in names}
    model.eval()
    precision = resolve_precision(model.encoder, precision)
    arms = [_Arm(title, kept, Meter(model, head)) for title, kept in subsets.items()]
    backed = with_precision(model, precision)
    groups = dataset.groups()
    with (
        session(model.modality, "evaluate"),
        Loader(dataset, model.tokenizer, **reading) as loader,
        torch.inference_mode(),
        torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"),
    ):
        for items, errors in progress(loader.items(), "evaluating", total=len(loader), enabled=show_progress):
            if errors and not skip_unreadable:
                raise errors[0]
            for arm in arms:
                _measure(backed, arm, items)
    is_grouped = groups is not None and all(len(arm.outputs) == len(dataset) for arm in arms)
    rows = [_row(arm, model, groups if is_grouped else None) for arm in arms]
    return ByInput(head.primary, dataset.source, rows)


def _measure(model: MetaTransformer, arm: _Arm, items: Sequence[tuple[dict[str, Tensor], Any]]) -> None:
    head = model.require_head()
    kept = [(model.tokenizer.keep_inputs(item, arm.inputs), target) for item, target in items]
    there = [(item, target) for item, target in kept if item is not None]
    if there:
        features = features_of(model, [item for item, _ in there])
        output = hooks.call("mt_predict", modality=model.modality, head=head, features=features)
        target = head.task.stack([target for _, target in there])
        arm.meter.update(output, target.to(model.device))
        arm.outputs.add(output, target)


def _row(arm: _Arm, model: MetaTransformer, groups: Sequence[str | None] | None) -> InputsRow:
    head, count = model.require_head(), len(arm.outputs)
    interval = None
    if count and is_resampled(head):
        import numpy as np

        measured = arm.outputs.primary_of(head)
        interval = percentile_interval(np.array([measured(rows) for rows in resampled_rows(count, groups)]))
    return InputsRow(arm.title, arm.inputs, arm.meter.compute(), count, interval)


def write_by_input(folder: Path, measured: ByInput) -> None:
    """Write `by_input.json` into a run folder.

    Raises:
        RunError: it cannot be written.
    """
    write_json(folder / BY_INPUT, measured.as_json())


def read_by_input(folder: Path) -> ByInput | None:
    """That of a run folder; None where it was not measured.

    Raises:
        RunError: it cannot be read.
    """
    if not (folder / BY_INPUT).is_file():
        return None
    absent = RunError(f"{folder} has no {BY_INPUT}", fix="measure it: mt evaluate --each")
    return by_input_from(read_json(folder / BY_INPUT, FORMAT, absent=absent, check=by_input_from))


def add_to_page(page: Page, measured: ByInput) -> None:
    """The section of a report."""
    page.heading("What each input contributes")
    page.figure(_figure(measured), f"{measured.metric} with all inputs, with each alone and without each")
    page.table(
        ("", measured.metric, "95 % interval", "samples"),
        [
            (row.title, row.metrics.get(measured.metric, math.nan), interval_text(row.interval), row.samples)
            for row in measured.rows
        ],
    )
    page.note(f"Measured on {measured.measured_on}, by leaving inputs out of the same trained model.")


def _figure(measured: ByInput) -> Any:
    """A dot for each row, with its interval."""
    figure, (axes,) = new_figure(7, 0.6 + 0.32 * len(measured.rows))
    for place, row in enumerate(reversed(measured.rows)):
        value = row.metrics.get(measured.metric, math.nan)
        axes.plot(value, place, "o", color="#1f5fbf" if row.title == "all inputs" else "#566173")
        if row.interval is not None:
            axes.plot(row.interval, (place, place), color="#8893a5")
    axes.set_yticks(range(len(measured.rows)), [row.title for row in reversed(measured.rows)])
    axes.set_xlabel(measured.metric)
    axes.grid(axis="x", alpha=0.3)
    return figure
