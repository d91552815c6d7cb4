"""The rungs from nearest neighbours to the whole encoder, climbed within a time budget, and which one is worth it."""

from __future__ import annotations

import math
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mt_core.contract import Head, ModalityDataset, Segmentation
from mt_core.data.training_data import TrainingData
from mt_core.encoder import Encoder
from mt_core.errors import MissingDependencyError, MissingSplitError, OptionError, RunError
from mt_core.model import MetaTransformer
from mt_core.plugins import Plugin
from mt_core.training.evaluation import evaluate
from mt_core.training.fitting import fit
from mt_core.training.opening import open_for_new_model
from mt_core.training.peak_memory import PeakMemory
from mt_core.training.recipe import Recipe
from mt_core.training.records import make_folder
from mt_core.training.run import load_run
from mt_core.training.run_record import read_record
from mt_core.training.rungs import RUNGS, LadderResult, Rung, recommend

_SHARES = {"knn": 4.0, "probe": 4.0, "frozen": 4.0, "lora": 6.0, "full": 6.0}
"""Of the time that is left, what one run of each rung may take."""

_OWN = re.compile(rf"({'|'.join(RUNGS)})-\d+|ladder\.(json|png)")
"""What a ladder leaves in its folder."""

_FOR_TRAINING = 0.9
"""Of all the time; the rest is for the test."""

Load = Callable[[Recipe, Mapping[str, Any]], MetaTransformer]
"""Gives a new model for a recipe and options of the tokenizer."""


def climb(
    plugin: Plugin,
    load: Load,
    data: Path,
    out: Path,
    *,
    minutes: float = 20.0,
    seeds: int = 3,
    rungs: Sequence[str] = RUNGS,
    encoder: str | Path | Encoder | None = None,
    overwrite: bool = False,
    tokenizer_options: Mapping[str, Any] | None = None,
    data_options: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    show_progress: bool = False,
    report: Callable[[str], object] = lambda line: None,
) -> LadderResult:
    """Train each rung with each seed on the same parts of a folder, choose one on validation, and measure that one on
    the test part. The cheapest rung is chosen that is within one standard error of the best, seed by seed.

    Args:
        load: Makes the models.
        out: A new folder: a run folder for each rung and seed.
        minutes: For all of it; what a rung leaves goes to those after it.
        seeds: Trainings of each rung, each with parts held out by its own seed.
        encoder: What runs are loaded on again for the test; None: by the name that they recorded.
        settings: Of `Recipe`, for all rungs; None: the modality's own.
        report: Called with a line for each run.

    Raises:
        OptionError: an unknown rung, or none of them is for this task.
        RunError: `out` is not empty.
        MtError: the data cannot be read.
    """
    started = time.monotonic()
    climbed = {name: Rung(name) for name in _checked(rungs)}
    _prepare(out, overwrite=overwrite)
    opened: dict[int, tuple[TrainingData, dict[str, Any]]] = {}
    jobs = [(seed, rung) for seed in range(seeds) for rung in climbed.values()]
    until = started + 60 * minutes * _FOR_TRAINING
    head: Head | None = None
    baseline = math.nan
    for number, (seed, rung) in enumerate(jobs):
        ahead = sum(_SHARES[each.name] for _, each in jobs[number:] if not each.skipped)
        allowed = (until - time.monotonic()) * _SHARES[rung.name] / max(ahead, 1.0)
        if rung.skipped or (allowed <= 0 and head is not None):
            continue
        given = {**(settings or {}), "tune": rung.name, "seed": seed, "max_minutes": max(allowed, 1.0) / 60}
        recipe = Recipe.over(plugin.manifest.recipe, given)
        if seed not in opened:
            opened[seed] = open_for_new_model(
                plugin, data, recipe, tokenizer_options=tokenizer_options or {}, data_options=data_options or {}
            )
        parts, options = opened[seed]
        try:
            model, of_constant = _climbed(rung, load(recipe, options), recipe, parts, out, show_progress)
        except (OptionError, MissingDependencyError) as error:
            shutil.rmtree(out / f"{rung.name}-{seed}", ignore_errors=True)
            rung.skipped = f"{error.problem}; {error.fix}"
            report(f"{rung.name}: {error.problem}")
            continue
        head = model.require_head()
        baseline = of_constant.get(head.primary, math.nan) if not seed else baseline
        report(f"{rung.name}, seed {seed}: validation {head.primary} {rung.values[seed]:.4f}")
    every = list(climbed.values())
    if head is None:
        raise OptionError("; ".join(rung.skipped for rung in every), fix="name other --rungs")
    for rung in every:
        if not rung.skipped and len(rung.values) < seeds:
            rung.notes.append(f"time for {len(rung.values)} of {seeds} seeds")
    recommended, reason = recommend(every, head.primary, baseline, higher_is_better=head.higher_is_better)
    test, measured_on = _test(plugin, data, climbed[recommended], opened, encoder, head.primary, show_progress)
    seconds = round(time.monotonic() - started, 1)
    return LadderResult(
        head.primary, head.higher_is_better, every, baseline, recommended, reason, test, measured_on, seconds
    )


def _climbed(
    rung: Rung, model: MetaTransformer, recipe: Recipe, parts: TrainingData, out: Path, show_progress: bool
) -> tuple[MetaTransformer, Mapping[str, float]]:
    """One run of a rung, noted in it; the trained model, and the metrics of the constant answer."""
    folder, started = out / f"{rung.name}-{recipe.seed}", time.monotonic()
    untested = replace(parts, test=None, seconds=0.0)
    with PeakMemory(model.device) as memory:
        result = fit(model, untested, out=folder, recipe=recipe, show_progress=show_progress)
    rung.values[recipe.seed] = result.metrics[model.require_head().primary]
    rung.seconds += time.monotonic() - started
    # as recorded: adapters that were added to the weights cannot be counted any more
    rung.trainable = read_record(folder)["parameters"]["trainable"]
    rung.peak_bytes = max(memory.bytes or 0, rung.peak_bytes or 0) or None
    rung.runs[recipe.seed] = folder
    if result.stopped_after is not None:
        rung.notes.append(f"seed {recipe.seed} had time for {result.stopped_after:.3g} of {recipe.epochs} epochs")
    if "samples" in result.chosen:
        rung.notes.append(f"seed {recipe.seed} had time for {result.chosen['samples']:,} samples")
    return model, result.baseline


def _checked(rungs: Sequence[str]) -> list[str]:
    unknown = [name for name in rungs if name not in RUNGS]
    if unknown or not rungs:
        raise OptionError(f"there is no rung {', '.join(unknown) or 'named'}", fix=f"name some of {', '.join(RUNGS)}")
    return [name for name in RUNGS if name in rungs]


def _prepare(out: Path, *, overwrite: bool) -> None:
    if out.is_dir() and (names := [path.name for path in out.iterdir()]):
        is_ladder = all(_OWN.fullmatch(name) for name in names)
        if not overwrite or not is_ladder:
            fix = "choose another --out" + (", or --overwrite the ladder in it" if is_ladder else "")
            raise RunError(f"{out} is not empty", fix=fix)
        shutil.rmtree(out)
    make_folder(out)


def _test(
    plugin: Plugin,
    data: Path,
    rung: Rung,
    opened: Mapping[int, tuple[TrainingData, dict[str, Any]]],
    encoder: str | Path | Encoder | None,
    metric: str,
    show_progress: bool,
) -> tuple[dict[int, float], str]:
    """The metric of each of a rung's runs on its test part, and which part that is."""
    values: dict[int, float] = {}
    measured_on = ""
    for seed, run in rung.runs.items():
        parts, _ = opened[seed]
        dataset = parts.test if parts.test is not None else _own_test(plugin, data, parts)
        if dataset is None:
            return {}, ""
        values[seed] = evaluate(load_run(run, encoder=encoder), dataset, show_progress=show_progress)[metric]
        measured_on = measured_on or dataset.source
    return values, measured_on


def _own_test(plugin: Plugin, data: Path, parts: TrainingData) -> ModalityDataset | None:
    """The data's own test split, where it has labels."""
    try:
        own = plugin.dataset.open(data, "test", task=parts.train.task, options=parts.options)
    except MissingSplitError:
        return None
    is_labelled = isinstance(own.task, Segmentation) or any(target is not None for target in own.targets())
    return own if is_labelled else None
