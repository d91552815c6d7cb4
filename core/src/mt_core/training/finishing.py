"""The end of a training: what is measured once, and what the run folder then holds."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mt_core.contract import ModalityDataset
from mt_core.data.reading import skipped
from mt_core.data.training_data import TrainingData
from mt_core.errors import MtError, MtWarning, RunError
from mt_core.io.notice_files import write_notices
from mt_core.io.notices import Notices, group_notices, relay
from mt_core.model import MetaTransformer
from mt_core.training.checkpoints import CHECKPOINTS
from mt_core.training.constant_answer import baseline_metrics
from mt_core.training.detected import write_detected
from mt_core.training.evaluation import measure
from mt_core.training.fit_result import FitResult
from mt_core.training.recipe import Recipe
from mt_core.training.report import write_run_report
from mt_core.training.run import kept_epoch
from mt_core.training.run_record import NOTICES, read_history, write_record
from mt_core.training.segmented import write_examples
from mt_core.training.selection import Row
from mt_core.training.skipped import write_skipped
from mt_core.training.trained import Trained, reading_of


def finish(
    model: MetaTransformer,
    recipe: Recipe,
    parts: TrainingData,
    folder: Path,
    notices: Notices,
    trained: Trained,
    planned: Mapping[str, Any],
    baseline: dict[str, float],
    show_progress: bool,
) -> FitResult:
    """Measure a trained model on what was held out for a test, and write its record and its report.

    Args:
        planned: The record from before the first epoch.
        baseline: The validation metrics of the constant answer.
    """
    train, test, history, failed = parts.train, parts.test, trained.rows, trained.failed
    metrics = _val_metrics(trained.kept)
    is_cut = "samples" in trained.chosen  # a solved head, fitted to a part of the samples
    is_stopped = trained.is_time_up and not is_cut and history[-1]["epoch"] < recipe.epochs
    stopped_after = history[-1]["epoch"] if is_stopped else None
    model.provenance = f"trained on {train.source}"
    if model.started_from is not None:
        model.provenance += f", from {model.started_from['run']}"
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
    write_examples(model, test if test is not None else parts.val, folder)
    write_detected(model, test if test is not None else parts.val, folder)
    write_run_report(folder, finished, history)
    write_record(folder, finished)  # the last, so that a run that says that it is complete has everything
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


def record_stop(folder: Path, planned: Mapping[str, Any]) -> str:
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
