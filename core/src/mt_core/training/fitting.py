"""Train a model: the data, the recipe, Lightning, and the run folder that it leaves."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mt_core.contract import Head, ModalityDataset, Options
from mt_core.data.calibration import calibrate
from mt_core.data.dataset_options import dataset_options, share_with_tokenizer
from mt_core.data.precision_choice import resolve_precision
from mt_core.data.reading import skipped
from mt_core.data.subsets import hold_out
from mt_core.data.training_data import TrainingData
from mt_core.errors import DataWarning, FingerprintError, MtError, MtWarning, OptionError, RunError
from mt_core.heads.neighbours import NeighbourHead, neighbour_head
from mt_core.hooks import session
from mt_core.io.notice_files import read_notices, write_notices
from mt_core.io.notices import Notices, collecting, group_notices, relay
from mt_core.model import MetaTransformer, default_view, seeded
from mt_core.plugins import get
from mt_core.training.checkpoints import CHECKPOINTS, check_checkpoint, last_checkpoint
from mt_core.training.evaluation import baseline_metrics, measure, typical_target
from mt_core.training.lightning_runs import interruptible
from mt_core.training.lora import add_adapters, check_peft, merge_adapters, remove_adapters
from mt_core.training.opening import open_folder
from mt_core.training.recipe import Recipe
from mt_core.training.records import check_same, make_folder, versions
from mt_core.training.report import write_run_report
from mt_core.training.run import describe_model, kept_epoch, load_run
from mt_core.training.run_record import FORMAT, NOTICES, WEIGHTS, check_folder, read_history, read_record, write_record
from mt_core.training.seen import hashes_of, read_seen, write_seen
from mt_core.training.selection import Row
from mt_core.training.skipped import write_skipped
from mt_core.training.summary import check_targets, data_summary
from mt_core.training.trained import Trained, reading_of
from mt_core.training.trained_on import TrainedOn


@dataclass(frozen=True)
class FitResult:
    """What training gave.

    Attributes:
        folder: The run folder; None where there was no `out`.
        metrics: Validation metrics of the epoch that was kept, without the "val_" before their names.
        baseline: The same metrics of the constant answer: the most frequent class, or the mean.
        history: A row an epoch.
        seconds: From the first epoch's start to the last one's end, of this session.
        was_complete: Whether a run was to be resumed that was complete already, so that nothing was done.
        stopped_after: Where `max_minutes` ended the training: after so many epochs, 1.63 in the midst of the second.
        notices: What was left out of the data, or taken for something else than they say; each once.
        test_metrics: Those of the part that was held out for a test; None where there is none.
        test_baseline: The same of the constant answer.
        chosen: What was chosen on validation beside the epoch: the neighbours, or the penalty of a solved head.
    """

    folder: Path | None
    metrics: dict[str, float]
    baseline: dict[str, float]
    history: list[dict[str, float]] = field(repr=False)
    seconds: float
    was_complete: bool = False
    stopped_after: float | None = None
    notices: Sequence[DataWarning] = ()
    test_metrics: dict[str, float] | None = None
    test_baseline: dict[str, float] | None = None
    chosen: Mapping[str, Any] = field(default_factory=dict)


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
    if out is not None:
        check_folder(Path(out), resume=resume, overwrite=overwrite)
    plugin = get(model.modality)
    if recipe is not None and settings:
        raise OptionError(
            f"a recipe is all settings at once, and {', '.join(settings)} came beside it",
            fix="put them into the recipe, or leave the recipe out",
        )
    recipe = recipe or Recipe.over(plugin.manifest.recipe, settings)
    if strict and recipe.skip_unreadable:
        raise OptionError(
            "strict makes a sample that cannot be read an error, and skip_unreadable leaves it out", fix="choose one"
        )
    gradients = recipe.tune not in ("knn", "probe")
    precision = resolve_precision(model.encoder, recipe.precision, gradients=gradients)
    recipe = recipe.model_copy(update={"precision": precision})
    if recipe.tune == "lora":
        check_peft()
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
            show_progress=show_progress,
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
    if out is not None and resume and (done := _complete_run(model, recipe, out, asked)) is not None:
        return done
    parts = _data(model, data, val, recipe, data_options or {}, strict=notices.strict)
    minutes = recipe.max_minutes if recipe.max_minutes is not None else math.inf
    until = time.monotonic() - parts.seconds + 60 * minutes
    relay(parts.notices)
    root = str(parts.root.resolve()) if parts.root is not None else None
    model.trained_on = TrainedOn(recipe.model_dump(mode="json"), root, parts)
    summary = data_summary(parts)
    if show_progress:
        print(*summary, sep="\n", file=sys.stderr, flush=True)
    _tell_view(model, recipe)
    _make_ready(model, parts.train, recipe)
    given = {
        "summary": summary,
        "resume": resume,
        "overwrite": overwrite,
        "until": until,
        "show_progress": show_progress,
    }
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
    train, val, test = parts.train, parts.val, parts.test
    planned = _plan(model, recipe, parts, summary)
    checkpoint = _prepare_folder(folder, planned, resume=resume, overwrite=overwrite)
    baseline = baseline_metrics(model.require_head(), train.targets(), val.targets())
    if parts.root is not None:  # a folder's samples, which may come again under another name
        model.seen = read_seen(folder) if resume else None
        if model.seen is None:
            model.seen = hashes_of(train, val)
            write_seen(folder, model.seen)
    try:
        with session(model.modality, "train"):
            trained = _train(model, recipe, parts, folder, checkpoint, until, show_progress)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{stop}{_record_stop(folder, planned)}") from None
    finally:  # what an interrupted run was told it is perhaps not told again
        write_notices(folder / NOTICES, notices, RunError)
    adapters = remove_adapters(model.encoder)
    if model.encoder.is_frozen:
        _verify_encoder(model, folder)
    if adapters:
        merge_adapters(model.encoder, adapters, folder)
    history, failed = trained.rows, trained.failed
    metrics = _val_metrics(trained.kept)
    is_cut = "samples" in trained.chosen  # a solved head, fitted to a part of the samples
    is_stopped = trained.is_time_up and not is_cut and history[-1]["epoch"] < recipe.epochs
    stopped_after = history[-1]["epoch"] if is_stopped else None
    model.provenance = f"trained on {train.source}"
    model.data_options = parts.options
    model.trained_on = replace(model.trained_on, seconds=trained.seconds)
    model.typical_target = planned["data"]["typical_target"]
    test_metrics = _measure(model, recipe, test, failed, notices, show_progress)
    write_skipped(folder, failed)
    write_notices(folder / NOTICES, notices, RunError)
    tested = test.targets() if test is not None and test_metrics is not None else None
    test_baseline = baseline_metrics(model.require_head(), train.targets(), tested) if tested is not None else None
    finished = {
        **planned,
        "status": "stopped" if is_stopped or is_cut else "complete",
        "stopped_after": stopped_after,
        "kept_epoch": trained.kept["epoch"],
        "chosen": dict(trained.chosen),
        "val_metrics": metrics,
        "baseline_metrics": baseline,
        "test_metrics": test_metrics,
        "test_baseline_metrics": test_baseline,
        "seconds": round(sum(row["seconds"] for row in history), 2),
        "encoder_unchanged": model.encoder.is_frozen,  # and verified above
        "notices": [vars(group) for group in group_notices(notices)],
    }
    write_record(folder, finished)
    write_run_report(folder, finished, history)
    if stopped_after is None:
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    return FitResult(
        folder,
        metrics,
        baseline,
        history,
        trained.seconds,
        stopped_after=stopped_after,
        test_metrics=test_metrics,
        test_baseline=test_baseline,
        chosen=trained.chosen,
    )


def _record_stop(folder: Path, planned: Mapping[str, Any]) -> str:
    """Write what a run has that a user stopped, and say it."""
    epoch, rows = kept_epoch(folder), read_history(folder)
    kept = next((row for row in rows if row["epoch"] == epoch), None)
    if kept is None:
        return ""
    stopped = {"status": "stopped", "stopped_after": rows[-1]["epoch"], "kept_epoch": epoch}
    write_record(folder, {**planned, **stopped, "val_metrics": _val_metrics(kept)})
    return f"; until then it predicts with epoch {epoch:.4g}"


def _val_metrics(row: Row) -> dict[str, float]:
    return {name.removeprefix("val_"): value for name, value in row.items() if name.startswith("val_")}


def _verify_encoder(model: MetaTransformer, folder: Path) -> None:
    try:
        model.encoder.verify()
    except FingerprintError:
        (folder / WEIGHTS).unlink()  # they were trained on an encoder that nobody has
        raise


def _plan(
    model: MetaTransformer,
    recipe: Recipe,
    parts: TrainingData,
    summary: Sequence[str],
) -> dict[str, Any]:
    """What `run.json` says before the first epoch, and what a run that is resumed must agree with."""
    train, val, test = parts.train, parts.val, parts.test
    return {
        "format": FORMAT,
        "status": "training",
        **describe_model(model),
        "recipe": recipe.model_dump(mode="json"),
        "data": {
            "source": train.source,
            "root": model.trained_on.root,
            "train": len(train),
            "val": len(val),
            "test": len(test) if test is not None else 0,
            "selected_on": val.source,
            "tested_on": test.source if test is not None else None,
            "summary": list(summary),
            "options": parts.options.model_dump(mode="json") if parts.options is not None else None,
            "typical_target": typical_target(train.task, train.targets()),
        },
        "versions": versions(),
    }


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
        return TrainingData(train, val, notes=(f"val: {len(val):,} samples, {val.source}",))
    if val is not None:
        raise OptionError("a folder selects on its own val split", fix="give datasets for both, or no val")
    options = dataset_options(model, data_options)
    return open_folder(get(model.modality), Path(data), recipe, options, strict=strict)


def _measure(
    model: MetaTransformer,
    recipe: Recipe,
    test: ModalityDataset | None,
    failed: list[MtError],
    notices: Notices,
    show_progress: bool,
) -> dict[str, float] | None:
    """The metrics of the model that is kept on what was held out for a test; None where it cannot be measured."""
    if test is None:
        return None
    how = (recipe.precision, recipe.skip_unreadable, show_progress)
    of_test: list[MtError] = []
    try:
        use_cache = recipe.purpose == "embed"  # nobody asks again for vectors of a tokenizer that has just learned
        measured = measure(model, test, of_test, *how, use_cache=use_cache, **reading_of(recipe))
    except MtError as error:
        if notices.strict:
            raise
        # the training is done, and not to be lost
        warnings.warn(f"the test part cannot be measured: {error.problem}", MtWarning, stacklevel=2)
        return None
    relay([skipped(error) for error in of_test])
    failed += of_test
    return measured


def _tell_view(model: MetaTransformer, recipe: Recipe) -> None:
    """Warn of a view that was taken for vectors and is not the one that this modality is trained on."""
    if model.view_for != "embed" or recipe.purpose != "train":
        return
    plugin, taken = get(model.modality), model.tokenizer.options.model_dump().get("view")
    trained = default_view(plugin, model.encoder, "train").get("view", taken)
    if trained != taken:
        warnings.warn(
            f"trained on view={taken}, which was taken for vectors; mt train takes view={trained}: "
            f"mt.load({model.modality!r}, purpose='train'), or name the view",
            MtWarning,
            stacklevel=2,
        )


def _make_ready(model: MetaTransformer, train: ModalityDataset, recipe: Recipe) -> None:
    """Calibrate tokenizer and head on the training part, and set what is trained."""
    if recipe.tune not in ("knn", "probe") or not model.tokenizer.calibration():
        calibrate(
            model.tokenizer,
            train,
            seed=recipe.seed,
            num_workers=recipe.num_workers,
            seconds_a_sample=recipe.seconds_a_sample,
            skip_unreadable=recipe.skip_unreadable,
        )
    model.tokenizer.to(model.device)
    head = _attach_head(model, train, recipe)
    head.calibrate(train.targets())
    model.tokenizer.requires_grad_(recipe.tune not in ("knn", "probe"))
    if recipe.tune == "full":
        model.encoder.unfreeze()
    elif recipe.tune == "lora":
        add_adapters(model, recipe)


def _attach_head(model: MetaTransformer, train: ModalityDataset, recipe: Recipe) -> Head:
    plugin, is_knn = get(model.modality), recipe.tune == "knn"
    same_kind = model.head is not None and isinstance(model.head, NeighbourHead) == is_knn
    if model.head is None or not same_kind or model.head.task != train.task or recipe.head:
        if is_knn:
            suggested = plugin.manifest.recipe.get("head", {})
            width = model.encoder.feature_width
            head = neighbour_head(width, train.task, plugin.head, suggested=suggested, options=recipe.head)
            model.head = head.to(model.device)
        else:
            model.attach_head(train.task, **recipe.head)
    return model.require_head()


def _complete_run(
    model: MetaTransformer, recipe: Recipe, folder: Path, data_options: Options | None
) -> FitResult | None:
    """What a complete run in the folder gave, its weights put into the model; None where the run is not complete.

    Args:
        data_options: Those that the data would be opened with now; None: they are not a folder.

    Raises:
        RunError: no run, one that cannot be read, or one of another modality, recipe, layers or options.
    """
    record = read_record(folder)
    if record["status"] != "complete":
        return None
    asked = {
        "modality": model.modality,
        "recipe": recipe.model_dump(mode="json"),
        "layers": model.encoder.layers,
    }
    check_same(folder, {**_compared(record), "layers": record["encoder"].get("layers")}, _compared(asked))
    options = data_options.model_dump(mode="json") if data_options is not None else None
    trained = load_run(folder, encoder=model.encoder if model.encoder.is_frozen else None, device=model.device)
    # as the run's own classes read them: an option that is newer than the run has its default in both
    of_data = trained.data_options.model_dump(mode="json") if trained.data_options is not None else None
    check_same(
        folder,
        {"tokenizer": {"options": _options_of(trained)}, "data": {"options": of_data}},
        {"tokenizer": {"options": _options_of(model)}, **({"data": {"options": options}} if options else {})},
    )
    for part in ("tokenizer", "head", "encoder", "provenance", "data_options", "typical_target", "seen", "trained_on"):
        setattr(model, part, getattr(trained, part))
    return FitResult(
        folder,
        record["val_metrics"],
        record["baseline_metrics"],
        read_history(folder),
        0.0,
        was_complete=True,
        test_metrics=record.get("test_metrics"),
        test_baseline=record.get("test_baseline_metrics"),
        chosen=record.get("chosen", {}),
    )


def _options_of(model: MetaTransformer) -> dict[str, Any]:
    return dict(model.tokenizer.options.model_dump(mode="json"))


def _compared(record: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a run's result: how fast samples are read does not, nor the time given to a session of it."""
    free = ("num_workers", "seconds_a_sample", "max_minutes")
    data = {"data": {**record["data"], "root": None}} if "data" in record else {}  # it may have been moved
    return {
        **record,
        **data,
        "status": "",
        "recipe": {name: value for name, value in record["recipe"].items() if name not in free},
    }


def _prepare_folder(folder: Path, planned: dict[str, Any], *, resume: bool, overwrite: bool) -> Path | None:
    """Make the folder ready, and find the checkpoint to go on from."""
    checkpoint = last_checkpoint(folder)
    if resume:
        recorded = read_record(folder)
        check_same(folder, _compared(recorded), _compared(planned))
        write_record(folder, planned)
        return check_checkpoint(checkpoint) if checkpoint.is_file() else None
    if overwrite:
        shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    write_record(folder, planned)
    return None


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
