"""Controls: what random weights, no encoder at all, and a plain model of the field reach on the same data.

Each is trained on the very samples that a run was trained on and selected by, with the same recipe and seed, and
measured on the same samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import ModalityDataset
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.data.workers import SECONDS_A_SAMPLE
from mt_core.encoder import Encoder, load_encoder
from mt_core.encoder.controls import no_encoder_control, random_control
from mt_core.errors import MtError, OptionError
from mt_core.model import MetaTransformer
from mt_core.plugins import get
from mt_core.training.baseline import check_installed
from mt_core.training.comparison import Comparison, Control
from mt_core.training.constant_answer import baseline_of
from mt_core.training.control_bench import Bench, measure_outputs
from mt_core.training.evaluation import EvaluateOptions, open_and_measure
from mt_core.training.intervals import RESAMPLES, percentile_interval, resampled_rows, student_interval
from mt_core.training.outputs import HeadOutputs, Measured, is_resampled
from mt_core.training.trained_on import training_parts

LONGEST = 2.0
"""How many times as long as the run's own training a control's may take where no minutes are given; at least a
minute."""


class Evaluation(dict[str, float]):
    """Metrics by name, and what they are held against.

    Attributes:
        controls: The model beside its controls; `lines()` is a table, `verdict()` what follows from it.
    """

    def __init__(self, metrics: Mapping[str, float], controls: Comparison) -> None:
        super().__init__(metrics)
        self.controls = controls


_TITLES = {
    "run": "this run",
    "random": "random weights",
    "none": "no encoder",
    "native": "native baseline",
    "constant": "constant answer",
}


def evaluate_with_controls(
    model: MetaTransformer,
    data: str | Path | ModalityDataset,
    split: str | None = None,
    *,
    seeds: int = 1,
    minutes: float | None = None,
    train_data: str | Path | None = None,
    **options: Unpack[EvaluateOptions],
) -> Evaluation:
    """What `evaluate` gives, with the model's controls on the same samples.

    Args:
        seeds, minutes, train_data: See `compare`; the others are as for `evaluate`.

    Raises:
        MtError: as `evaluate` and `compare`.
    """
    head = model.require_head()
    check_controls(model.modality)
    options["precision"] = resolve_precision(model.encoder, options.get("precision", "32"))
    outputs = HeadOutputs()
    metrics, dataset = open_and_measure(model, data, split, **options, keep=outputs if is_resampled(head) else None)
    how: dict[str, Any] = {**_reading(64, None, SECONDS_A_SAMPLE), **options}
    for name in ("data_options", "strict"):
        how.pop(name, None)
    measured = Measured(metrics, outputs, head)
    comparison = compare(model, dataset, measured, seeds=seeds, minutes=minutes, train_data=train_data, **how)
    return Evaluation(metrics, comparison)


def _reading(batch_size: int, num_workers: int | None, seconds_a_sample: float) -> dict[str, Any]:
    return {"batch_size": batch_size, "num_workers": num_workers, "seconds_a_sample": seconds_a_sample}


def controls_of_training(
    model: MetaTransformer, *, seeds: int = 1, minutes: float | None = None, show_progress: bool = False
) -> Comparison:
    """The controls of a model that was just trained, measured on what was held out for a test, or else on the part that
    selected the epoch; a test split of the data's own stays unread."""
    recipe, parts = training_parts(model)
    reading = _reading(recipe.batch_size, recipe.num_workers, recipe.seconds_a_sample)
    how: dict[str, Any] = {"precision": recipe.precision, "skip_unreadable": recipe.skip_unreadable}
    how["show_progress"] = show_progress
    dataset = parts.test if parts.test is not None else parts.val
    measured = measure_outputs(model, dataset, **how, **reading)
    return compare(model, dataset, measured, seeds=seeds, minutes=minutes, **how, **reading)


def compare(
    model: MetaTransformer,
    dataset: ModalityDataset,
    measured: Measured,
    *,
    seeds: int = 1,
    minutes: float | None = None,
    train_data: str | Path | None = None,
    precision: Precision = "32",
    skip_unreadable: bool = False,
    show_progress: bool = False,
    **reading: Any,
) -> Comparison:
    """A trained model beside its controls.

    Args:
        dataset: What the model was measured on.
        measured: What came of it.
        seeds: How many trainings of each; above 1, of the model itself as well, all on the same split.
        minutes: That one training may take; None: `LONGEST` times what the model's own took.
        train_data: Where the training data lie now; None: where they lay.
        reading: How the `Loader` reads.

    Raises:
        OptionError: the model was not trained, or its training data are not there.
        RunError: they are not those that it was trained on.
        MissingDependencyError: scikit-learn is not installed, and the modality declares a native baseline.
    """
    check_controls(model.modality)
    if seeds < 1:
        raise OptionError(f"controls need at least one seed, not {seeds}", fix="give 1, 3, 5, …")
    recipe, parts = training_parts(model, train_data)
    allowed = minutes if minutes is not None else max(1.0, LONGEST * model.trained_on.seconds / 60)
    if recipe.max_minutes is not None:
        allowed = min(allowed, recipe.max_minutes)
    how = {"precision": precision, "skip_unreadable": skip_unreadable, "show_progress": show_progress, **reading}
    bench = Bench(model, dataset, recipe, parts, allowed, show_progress, how)
    every = [recipe.seed + offset for offset in range(seeds)]
    contenders: dict[str, list[Measured]] = {"run": [measured]}
    descriptions = {"run": model.encoder.description}
    notes: list[str] = []
    own = _own_encoder(model)
    makers = _encoders(own)
    if "random" not in makers:
        notes.append(f"{_TITLES['random']}: the run's own encoder is not trained")
    planned = len(every) * len(makers) + len(every) - 1
    bench.tell(f"controls: {planned} trainings of at most {allowed:.3g} minutes each")
    try:
        contenders["run"] += [bench.train(own, offset) for offset in range(1, seeds)]
    except MtError as error:
        notes.append(f"other seeds of this run: not measured ({error.problem})")
    for kind, make in makers.items():
        try:
            contenders[kind] = [bench.train(make(seed), offset) for offset, seed in enumerate(every)]
            descriptions[kind] = make(recipe.seed).name
        except MtError as error:
            notes.append(f"{_TITLES[kind]}: not measured ({error.problem})")
    try:
        contenders["native"], descriptions["native"] = bench.native(every)
    except MtError as error:
        notes.append(f"{_TITLES['native']}: not measured ({error.problem})")
    return _comparison(model, dataset, contenders, descriptions, every, notes)


def check_controls(modality: str) -> None:
    """Refuse before anything is trained what would fail after it.

    Raises:
        MissingDependencyError: scikit-learn is not installed, and the modality declares a native baseline.
    """
    if get(modality).baseline is not None:
        check_installed()


def _encoders(encoder: Encoder) -> dict[str, Callable[[int], Encoder]]:
    """Of each control with another encoder a function from the seed to it; without that which the run has itself."""
    makers: dict[str, Callable[[int], Encoder]] = {}
    if encoder.is_trained or not encoder.depth:
        makers["random"] = lambda seed: random_control(encoder, seed)
    if encoder.depth:
        makers["none"] = lambda seed: no_encoder_control(encoder)
    return makers


def _own_encoder(model: MetaTransformer) -> Encoder:
    """The encoder that the run was trained from: loaded again where the training changed it."""
    is_changed = model.trained_on.recipe["tune"] in ("lora", "full")
    if not is_changed:
        return model.encoder
    own = load_encoder(model.encoder.name).for_cells(get(model.modality).manifest.cells)
    return own.with_choices(model.encoder.choices)


def _comparison(
    model: MetaTransformer,
    dataset: ModalityDataset,
    contenders: dict[str, list[Measured]],
    descriptions: dict[str, str],
    seeds: Sequence[int],
    notes: Sequence[str],
) -> Comparison:
    head = model.require_head()
    sign = 1.0 if head.higher_is_better else -1.0
    samples = int(contenders["run"][0].metrics["samples"])
    several = len(contenders["run"]) > 1
    draws = _draws(contenders, dataset) if is_resampled(head) and not several else {}
    rows = []
    for kind, trained in contenders.items():
        values = [each.metrics[head.primary] for each in trained]
        pairs = zip((each.metrics[head.primary] for each in contenders["run"]), values, strict=False)
        gains = [sign * (ours - theirs) for ours, theirs in pairs]
        interval, of_gain = student_interval(values), student_interval(gains)
        if kind in draws:
            interval, of_gain = (
                percentile_interval(draws[kind]),
                percentile_interval(sign * (draws["run"] - draws[kind])),
            )
        is_run = kind == "run"
        rows.append(
            Control(
                kind,
                _TITLES[kind],
                descriptions[kind],
                trained[0].metrics,
                values,
                interval,
                None if is_run else sum(gains) / len(gains),
                None if is_run else of_gain,
                next((each.note for each in trained if each.note), ""),
                sum(each.seconds for each in trained),
            )
        )
    constant = baseline_of(model, dataset)
    if head.primary in constant:
        value = constant[head.primary]
        rows.append(
            Control(
                "constant",
                _TITLES["constant"],
                "the most frequent class, or the mean",
                constant,
                [value],
                gain=sign * (rows[0].value - value),
            )
        )
    return Comparison(
        head.primary,
        head.higher_is_better,
        rows,
        dataset.source,
        samples,
        list(seeds),
        _how(dataset, is_resampled=bool(draws), seeds=seeds if several else ()),
        list(notes),
        _independent(dataset, samples),
    )


def _independent(dataset: ModalityDataset, count: int) -> int:
    """How many samples, or groups of them, are independent of each other."""
    groups = dataset.groups() if len(dataset) == count else None
    if groups is None:
        return count
    return len({group for group in groups if group is not None}) + sum(group is None for group in groups)


def _draws(contenders: dict[str, list[Measured]], dataset: ModalityDataset) -> dict[str, NDArray[np.float64]]:
    """The primary metric of each contender on the same resampled test parts."""
    count = len(contenders["run"][0].outputs)
    groups = dataset.groups() if len(dataset) == count else None
    rows = resampled_rows(count, groups)
    draws = {}
    for kind, (first, *_) in contenders.items():
        if len(first.outputs) == count:
            primary = first.outputs.primary_of(first.head)
            draws[kind] = np.array([primary(each) for each in rows])
    return draws


def _how(dataset: ModalityDataset, *, is_resampled: bool, seeds: Sequence[int]) -> str:
    """What the intervals are of."""
    if seeds:
        return (
            f"values: means over {len(seeds)} seeds; intervals: 95 %, Student's t over the seeds, on one split and one "
            "test part"
        )
    if is_resampled:
        groups = dataset.groups()
        of = "whole groups" if groups is not None and any(group is not None for group in groups) else "samples"
        return (
            f"intervals: 95 %, {RESAMPLES} resamples of the {of} measured; one training each, so that the spread over "
            "seeds is not in them"
        )
    return "no intervals: the parts of one test sample are not independent; several seeds give some"
