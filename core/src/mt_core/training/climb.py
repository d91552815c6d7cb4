"""The ladder: from nearest neighbours to the whole encoder within a time budget, and which rung is worth it."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mt_core.encoder import Encoder
from mt_core.errors import InputError, MissingDependencyError, OptionError
from mt_core.io.progress import announce
from mt_core.model import MetaTransformer
from mt_core.plugins import get
from mt_core.training.ladder_record import check_shared, prepare_folder, read_ladder, write_ladder
from mt_core.training.ladder_runs import LadderRuns
from mt_core.training.rungs import RUNGS, LadderResult, Rung, recommend

_SHARES = {"knn": 4.0, "probe": 4.0, "frozen": 4.0, "lora": 6.0, "full": 6.0}
"""Of the time that is left, what one run of each rung may take."""

_FOR_TRAINING = 0.9
"""Of all the time; the rest is for the test."""

_OWN_SETTINGS = {"tune": "rungs", "seed": "seeds", "max_minutes": "minutes"}
"""Settings of a training that a ladder sets itself, and what they are called here."""


def ladder(
    model: str | MetaTransformer,
    data: str | Path,
    out: str | Path,
    *,
    minutes: float = 20.0,
    seeds: int = 3,
    rungs: Sequence[str] = RUNGS,
    encoder: str | Path | Encoder | None = None,
    layers: Sequence[int] | str | None = None,
    token_budget: int | str | None = None,
    device: str | torch.device | None = None,
    tokenizer_options: Mapping[str, Any] | None = None,
    data_options: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    show_progress: bool = False,
    **settings: Any,
) -> LadderResult:
    """Train each rung with each seed on the same parts of a folder, choose one on validation, and measure that one on
    the test part. The cheapest rung is chosen that is within one standard error of the best, seed by seed.

    Args:
        model: A modality, or a model from `load`, whose encoder, tokenizer options (the view among them) and device are
            taken; each run begins with new weights.
        data: A folder that the plugin knows.
        out: A new folder: a run folder for each rung and seed, `ladder.json` and `ladder.png`.
        minutes: For all of it; what a rung leaves goes to those after it. Of a ladder that goes on: for what is left.
        seeds: Trainings of each rung, each with parts held out by its own seed.
        rungs: Some of knn, probe, frozen, lora, full.
        encoder, layers, token_budget, device: Of a modality, as for `load`.
        tokenizer_options: Of a modality; one that the dataset has as well is given once, here or there.
        data_options: The dataset's.
        resume: Go on with the ladder in `out`: what was measured is kept. Minutes, seeds and rungs may be others; data,
            encoder, options and settings may not.
        overwrite: Replace the ladder in `out`.
        show_progress: A line for each run on standard error.
        settings: Fields of `Recipe`, for all rungs; else the modality's own.

    Raises:
        OptionError: an unknown rung, none of them is for this task, or a setting that does not fit.
        RunError: `out` is not empty, or the ladder in it cannot be resumed.
        MtError: the data cannot be read.
    """
    names = _checked(rungs, seeds, settings)
    if not isinstance(data, str | Path):
        raise InputError("a ladder needs a folder of data", fix="write the samples to a folder that the plugin knows")
    given = (encoder, layers, token_budget, device, dict(tokenizer_options or {}))
    if isinstance(model, MetaTransformer):
        given = _of_model(model, given)
    out = Path(out)
    plugin = get(model.modality if isinstance(model, MetaTransformer) else model)
    runs = LadderRuns(plugin, Path(data), out, *given, data_options or {}, settings)
    started, earlier = time.monotonic(), None
    until = started + 60 * minutes * _FOR_TRAINING
    if resume:
        earlier, recorded = read_ladder(out)
        shared = runs.describe()
        check_shared(out, recorded, shared)
    else:
        prepare_folder(out, overwrite=overwrite)
        shared = runs.describe()
    state = _begin(earlier, names, seeds)
    started -= state.seconds  # of earlier sessions
    write_ladder(out, state, shared)
    try:
        state = _climb(runs, state, names, shared, started, until, show_progress)
        state = _finish(runs, state, earlier)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; the same command with --resume goes on ({out})") from None
    state = replace(state, seconds=round(time.monotonic() - started, 1))
    write_ladder(out, state, shared)
    return state


def _checked(rungs: Sequence[str], seeds: int, settings: Mapping[str, Any]) -> list[str]:
    """The rungs from the cheapest to the dearest."""
    unknown = [name for name in rungs if name not in RUNGS]
    if unknown or not rungs:
        raise OptionError(f"there is no rung {', '.join(unknown) or 'named'}", fix=f"name some of {', '.join(RUNGS)}")
    if seeds < 1:
        raise OptionError(f"a ladder needs at least one seed, not {seeds}", fix="give 1, 3, 5, …")
    for name in settings.keys() & _OWN_SETTINGS.keys():
        raise OptionError(f"a ladder sets {name} itself", fix=f"give {_OWN_SETTINGS[name]}")
    return [name for name in RUNGS if name in rungs]


def _of_model(model: MetaTransformer, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Encoder, layers, token budget, device and tokenizer options of a model."""
    if any(each is not None and each != {} for each in given):
        raise OptionError(
            "a model has its own encoder, layers, token budget, device and tokenizer options",
            fix="give them to mt.load, or name the modality in place of the model",
        )
    options = model.tokenizer.options
    chosen = {name: getattr(options, name) for name in options.model_fields_set}
    return model.encoder, None, None, model.device, chosen


def _begin(earlier: LadderResult | None, names: Sequence[str], seeds: int) -> LadderResult:
    """Nothing measured yet; of a ladder that goes on, what was measured and is not to be measured again."""
    known = {rung.name: rung for rung in earlier.rungs if rung.values} if earlier is not None else {}
    for rung in known.values():
        rung.skipped = ""
    rungs = [known.get(name, Rung(name)) for name in RUNGS if name in names or name in known]
    if earlier is not None:
        return replace(earlier, rungs=rungs, recommended="", reason="", test={}, measured_on="", seeds=seeds)
    return LadderResult("", True, rungs, math.nan, "", "", {}, "", 0.0, seeds)


def _climb(
    runs: LadderRuns,
    state: LadderResult,
    names: Sequence[str],
    shared: Mapping[str, Any],
    started: float,
    until: float,
    show_progress: bool,
) -> LadderResult:
    """Train what is not trained yet, as long as there is time, and write down each run."""
    asked = [rung for rung in state.rungs if rung.name in names]
    jobs = [(seed, rung) for seed in range(state.seeds) for rung in asked if seed not in rung.values]
    for number, (seed, rung) in enumerate(jobs):
        ahead = sum(_SHARES[each.name] for _, each in jobs[number:] if not each.skipped)
        allowed = (until - time.monotonic()) * _SHARES[rung.name] / max(ahead, 1.0)
        if rung.skipped or (allowed <= 0 and any(each.values for each in state.rungs)):
            continue
        try:
            model, of_constant = runs.train(rung, seed, max(allowed, 1.0) / 60)
        except (OptionError, MissingDependencyError) as error:
            shutil.rmtree(runs.out / f"{rung.name}-{seed}", ignore_errors=True)
            rung.skipped = f"{error.problem}; {error.fix}"
            _show(f"{rung.name}: {error.problem}", show_progress)
            continue
        head = model.require_head()
        baseline = of_constant.get(head.primary, math.nan) if not seed else state.baseline
        measured_by: dict[str, Any] = {
            "metric": head.primary,
            "higher_is_better": head.higher_is_better,
            "baseline": baseline,
        }
        state = replace(state, **measured_by, seconds=round(time.monotonic() - started, 1))
        write_ladder(runs.out, state, shared)
        _show(f"{rung.name}, seed {seed}: validation {head.primary} {rung.values[seed]:.4f}", show_progress)
    if not any(rung.values for rung in state.rungs):
        raise OptionError("; ".join(rung.skipped for rung in state.rungs), fix="name other --rungs")
    return state


def _finish(runs: LadderRuns, state: LadderResult, earlier: LadderResult | None) -> LadderResult:
    """What is recommended, and its test; what was tested before is not tested again."""
    name, reason = recommend(state.rungs, state.metric, state.baseline, higher_is_better=state.higher_is_better)
    known = earlier.test if earlier is not None and earlier.recommended == name else {}
    chosen = next(rung for rung in state.rungs if rung.name == name)
    test, measured_on = runs.test(chosen, state.metric, known)
    if known and earlier is not None:
        measured_on = earlier.measured_on
    return replace(state, recommended=name, reason=reason, test=test, measured_on=measured_on)


def _show(line: str, show_progress: bool) -> None:
    if show_progress:
        announce(line)
