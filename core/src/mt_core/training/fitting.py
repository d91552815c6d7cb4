"""Train a model: the data, the recipe, Lightning, and the run folder that it leaves."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mt_core.contract import ModalityDataset
from mt_core.data.dataset_options import dataset_options, share_with_tokenizer
from mt_core.data.precision_choice import resolve_precision
from mt_core.data.subsets import hold_out
from mt_core.data.training_data import TrainingData
from mt_core.errors import FingerprintError, OptionError, RunError
from mt_core.hooks import session
from mt_core.io.counted import counted
from mt_core.io.notebook import ignore_hints
from mt_core.io.notice_files import read_notices, write_notices
from mt_core.io.notices import Notices, collecting, relay
from mt_core.io.progress import announce
from mt_core.model import MetaTransformer, seeded
from mt_core.plugins import get
from mt_core.training.constant_answer import baseline_metrics
from mt_core.training.energy import Energy
from mt_core.training.finishing import finish, record_stop
from mt_core.training.fit_result import FitResult
from mt_core.training.lightning_runs import interruptible
from mt_core.training.lora import check_peft, merge_adapters, remove_adapters
from mt_core.training.opening import open_folder
from mt_core.training.peak_memory import PeakMemory
from mt_core.training.preparation import make_ready
from mt_core.training.ranks import check_several, check_shard, ranks_of, settled
from mt_core.training.recipe import Recipe
from mt_core.training.resuming import complete_run, plan, prepare_folder
from mt_core.training.run_record import NOTICES, WEIGHTS, check_folder
from mt_core.training.seen import hashes_of, read_seen, write_seen
from mt_core.training.summary import check_targets, data_summary
from mt_core.training.trained import Trained
from mt_core.training.trained_on import TrainedOn


def fit(
    model: MetaTransformer,
    data: str | Path | ModalityDataset | TrainingData,
    val: ModalityDataset | None = None,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    data_options: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
    strict: bool = False,
    show_progress: bool = False,
    **settings: Any,
) -> FitResult:
    """Train tokenizer and head of a model on a folder, a dataset, or a folder that is open; see `mt_core.fit`.

    Raises:
        OptionError: a setting that does not fit.
        DatasetError: a folder in no known layout.
        RunError: a run folder that is in the way, or cannot be resumed.
        FingerprintError: the frozen encoder is not, byte for byte, what it was before.
        MtError: a sample that cannot be read.
    """
    plugin = get(model.modality)
    if recipe is not None and settings:
        raise OptionError(
            f"a recipe is all settings at once, and {', '.join(settings)} came beside it",
            fix="put them into the recipe, or leave the recipe out",
        )
    recipe = recipe or Recipe.over(plugin.manifest.recipe, settled(settings))
    ranks = ranks_of(recipe)
    check_several(ranks.count, recipe.tune, recipe.precision)
    check_shard(ranks.count, recipe.shard)
    if out is None and ranks.count > 1:
        raise OptionError("several processes need one run folder", fix="give `out`")
    if out is not None and ranks.is_first:
        check_folder(Path(out), resume=resume, overwrite=overwrite)
    if strict and recipe.skip_unreadable:
        raise OptionError(
            "strict makes a sample that cannot be read an error, and skip_unreadable leaves it out", fix="choose one"
        )
    gradients = recipe.tune not in ("knn", "probe")
    precision = resolve_precision(model.encoder, recipe.precision, gradients=gradients)
    recipe = recipe.model_copy(update={"precision": precision})
    if recipe.tune == "lora":
        check_peft()
    if recipe.loggers:
        from mt_core.training.loggers import check_loggers

        check_loggers(recipe)
    if out is None and (resume or overwrite):
        raise OptionError("resume and overwrite are of a run folder, and there is no `out`", fix="name the folder")
    earlier = read_notices(Path(str(out), NOTICES)) if resume else ()
    notices = Notices(earlier, strict=strict, default=_source(data))
    with collecting(notices):
        result = _prepare_and_fit(
            model,
            recipe,
            data,
            val,
            data_options,
            Path(out) if out is not None else None,
            notices,
            resume=resume,
            overwrite=overwrite,
            show_progress=show_progress and ranks.is_first,
        )
    relay(list(notices))
    return replace(result, notices=list(notices))


def _prepare_and_fit(
    model: MetaTransformer,
    recipe: Recipe,
    data: str | Path | ModalityDataset | TrainingData,
    val: ModalityDataset | None,
    data_options: Mapping[str, Any] | None,
    out: Path | None,
    notices: Notices,
    *,
    resume: bool,
    overwrite: bool,
    show_progress: bool,
) -> FitResult:
    notices.check()  # those of the run that is resumed
    if isinstance(data, str | Path):
        share_with_tokenizer(model, data_options or {})
    elif data_options:
        raise OptionError("data_options are for a folder, and a dataset was given", fix="open the dataset with them")
    asked = dataset_options(model, data_options or {}) if isinstance(data, str | Path) else None
    if out is not None and resume and (done := complete_run(model, recipe, out, asked)) is not None:
        return done
    parts = _data(model, data, val, recipe, data_options or {}, strict=notices.strict)
    minutes = recipe.max_minutes if recipe.max_minutes is not None else math.inf
    until = time.monotonic() - parts.seconds + 60 * minutes
    relay(parts.notices)
    root = str(parts.root.resolve()) if parts.root is not None else None
    model.trained_on = TrainedOn(recipe.model_dump(mode="json"), root, parts)
    summary = data_summary(parts)
    if model.started_from is not None and parts.test is not None:
        summary.append(f"test: the run in {model.started_from['run']} may have seen its samples, without labels")
    if show_progress:
        announce(*summary)
    make_ready(model, parts.train, recipe)
    given = {
        "summary": summary,
        "resume": resume,
        "overwrite": overwrite,
        "until": until,
        "show_progress": show_progress,
    }
    model.run = "" if out is None else str(out)
    if out is None:
        with tempfile.TemporaryDirectory(prefix="mt-run-") as folder:
            result = _fit(model, recipe, parts, Path(folder), notices, **given)  # type: ignore[arg-type]
        return replace(result, folder=None)
    return _fit(model, recipe, parts, out, notices, **given)  # type: ignore[arg-type]


def _fit(
    model: MetaTransformer,
    recipe: Recipe,
    parts: TrainingData,
    folder: Path,
    notices: Notices,
    *,
    summary: Sequence[str],
    resume: bool = False,
    overwrite: bool = False,
    until: float,
    show_progress: bool,
) -> FitResult:
    train, val = parts.train, parts.val
    ignore_hints()
    planned = plan(model, recipe, parts, summary)
    is_first = ranks_of(recipe).is_first
    checkpoint = prepare_folder(folder, planned, resume=resume, overwrite=overwrite, is_first=is_first)
    baseline = baseline_metrics(model.require_head(), train.targets(), val.targets())
    if parts.root is not None and is_first:  # a folder's samples, which may come again under another name
        model.seen = read_seen(folder) if resume else None
        if model.seen is None:
            model.seen = hashes_of(train, val)
            write_seen(folder, model.seen)
    try:
        with session(model.modality, "train"), PeakMemory(model.device) as memory, Energy(model.device) as energy:
            trained = _train(model, recipe, parts, folder, checkpoint, until, show_progress)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{stop}{record_stop(folder, planned) if is_first else ''}") from None
    finally:  # a run that goes on may not find them again
        if is_first:
            write_notices(folder / NOTICES, notices, RunError)
    if not is_first:  # the rest is the first one's
        metrics = {name.removeprefix("val_"): value for name, value in trained.kept.items() if name.startswith("val_")}
        return FitResult(folder, metrics, baseline, trained.rows, trained.seconds)
    adapters = remove_adapters(model.encoder)
    if model.encoder.is_frozen:
        _verify_encoder(model, folder)
    if adapters:
        merge_adapters(model, adapters, folder)
    joules = energy.joules if checkpoint is None else {}  # what was used before the training went on is not known
    planned = {**planned, "peak_memory": memory.bytes, "energy": joules}
    return finish(model, recipe, parts, folder, notices, trained, planned, baseline, show_progress)


def _verify_encoder(model: MetaTransformer, folder: Path) -> None:
    try:
        model.encoder.verify()
    except FingerprintError:
        (folder / WEIGHTS).unlink()  # they were trained on an encoder that nobody has
        raise


def _train(
    model: MetaTransformer,
    recipe: Recipe,
    parts: TrainingData,
    folder: Path,
    checkpoint: Path | None,
    until: float,
    show_progress: bool,
) -> Trained:
    from mt_core.training.by_solving import is_solved, train_by_solving

    if is_solved(model, recipe):
        with seeded(recipe.seed), interruptible(f"stopped; the same command begins again ({folder})"):
            return train_by_solving(model, recipe, parts, folder, until, show_progress)
    from mt_core.training.by_steps import train_by_steps

    return train_by_steps(model, recipe, parts, folder, checkpoint, until, show_progress)


def _source(data: str | Path | ModalityDataset | TrainingData) -> str:
    return data.source if isinstance(data, ModalityDataset) else str(getattr(data, "root", data))


def _data(
    model: MetaTransformer,
    data: str | Path | ModalityDataset | TrainingData,
    val: ModalityDataset | None,
    recipe: Recipe,
    data_options: Mapping[str, Any],
    *,
    strict: bool,
) -> TrainingData:
    if isinstance(data, TrainingData):
        return data
    if isinstance(data, ModalityDataset):
        train, val = (data, val) if val is not None else hold_out(data, recipe.val_fraction, recipe.seed)
        check_targets(train, model.modality)
        return TrainingData(train, val, notes=(f"val: {counted(len(val), 'sample')}, {val.source}",))
    if val is not None:
        raise OptionError("a folder selects on its own val split", fix="give datasets for both, or no val")
    options = dataset_options(model, data_options)
    return open_folder(get(model.modality), Path(data), recipe, options, strict=strict)
