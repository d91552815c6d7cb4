"""What a run records before its first epoch, and what must be the same when it is resumed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mt_core.contract import Options
from mt_core.data.training_data import TrainingData
from mt_core.model import MetaTransformer
from mt_core.training.checkpoints import CHECKPOINTS, check_checkpoint, last_checkpoint
from mt_core.training.constant_answer import typical_target
from mt_core.training.fit_result import FitResult
from mt_core.training.recipe import Recipe
from mt_core.training.records import check_same, make_folder, versions
from mt_core.training.run import describe_model, load_run
from mt_core.training.run_record import FORMAT, read_history, read_record, write_record


def plan(
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
        "started_from": model.started_from,
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


def prepare_folder(
    folder: Path, planned: dict[str, Any], *, resume: bool, overwrite: bool, is_first: bool = True
) -> Path | None:
    """Make the folder ready, and find the checkpoint to go on from.

    Args:
        is_first: Whether this is the first process of those that train together; the others write nothing.
    """
    checkpoint = last_checkpoint(folder)
    if not is_first:
        return check_checkpoint(checkpoint) if resume and checkpoint.is_file() else None
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


def complete_run(
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
        **_choices(model.encoder.choices),
    }
    check_same(folder, {**_compared(record), **_choices(record["encoder"])}, _compared(asked))
    options = data_options.model_dump(mode="json") if data_options is not None else None
    is_base = model.encoder.is_frozen and model.merged is None  # what the run was recorded with
    trained = load_run(folder, encoder=model.encoder if is_base else None, device=model.device)
    # as the run's own classes read them: an option that is newer than the run has its default in both
    of_data = trained.data_options.model_dump(mode="json") if trained.data_options is not None else None
    check_same(
        folder,
        {"tokenizer": {"options": _options_of(trained)}, "data": {"options": of_data}},
        {"tokenizer": {"options": _options_of(model)}, **({"data": {"options": options}} if options else {})},
    )
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)  # where the run was killed at its very end
    parts = ("tokenizer", "head", "encoder", "provenance", "data_options", "typical_target", "seen", "trained_on")
    for part in (*parts, "started_from", "merged"):
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


def _choices(encoder: Mapping[str, Any]) -> dict[str, Any]:
    return {name: encoder.get(name) for name in ("layers", "token_budget")}


def _options_of(model: MetaTransformer) -> dict[str, Any]:
    return dict(model.tokenizer.options.model_dump(mode="json"))


def _compared(record: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a run's result: not how fast samples are read, the time given to a session, or where
    its curves are shown."""
    free = ("num_workers", "seconds_a_sample", "max_minutes", "devices", "num_nodes", "shard", "loggers")
    data = {"data": {**record["data"], "root": None}} if "data" in record else {}  # it may have been moved
    return {
        **record,
        **data,
        "status": "",
        "recipe": {name: value for name, value in record["recipe"].items() if name not in free},
    }
