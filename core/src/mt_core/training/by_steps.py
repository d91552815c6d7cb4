"""Training by steps: AdamW through Lightning, an epoch at a time."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import EarlyStopping

from mt_core.data.loader import Loader
from mt_core.data.reading import skipped
from mt_core.data.training_data import TrainingData
from mt_core.errors import MtError
from mt_core.heads.pooled import parts_of, reads_pooled
from mt_core.io.notices import relay
from mt_core.model import MetaTransformer, seeded
from mt_core.training.callbacks import History, TrainingProgress
from mt_core.training.features import VectorLoader, pooled_features
from mt_core.training.gathering import gather_objects, wait_for_all
from mt_core.training.kept import KeptWeights, LastCheckpoint
from mt_core.training.lightning_runs import Epochs, interruptible, quiet, silent_trainer, together
from mt_core.training.loggers import Logged
from mt_core.training.module import ProbeModule, TrainingModule
from mt_core.training.ranks import ranks_of
from mt_core.training.recipe import Recipe
from mt_core.training.run import load_weights
from mt_core.training.time_limit import TimeLimit
from mt_core.training.trained import Trained, reading_of


def train_by_steps(
    model: MetaTransformer,
    recipe: Recipe,
    parts: TrainingData,
    folder: Path,
    checkpoint: Path | None,
    until: float,
    show_progress: bool,
) -> Trained:
    """Train, and write a row and a checkpoint an epoch, and the weights of the epoch that is kept.

    Args:
        checkpoint: To go on from.
        until: When all should be done, as `time.monotonic` tells it.

    Raises:
        KeyboardInterrupt: stopped; says how to go on.
    """
    is_probe = recipe.tune == "probe" and reads_pooled(model.require_head())
    ranks = ranks_of(recipe)
    module = (ProbeModule if is_probe else TrainingModule)(model, recipe, ranks)
    failed: list[MtError] = []
    make_batches = _stored_batches if is_probe else _batches
    train_batches, val_batches = make_batches(model, recipe, parts, show_progress, failed)
    history = History(folder)
    keeper = KeptWeights(model, folder, history, recipe.keep)
    num_test = len(parts.test) if parts.test is not None else 0
    limit = TimeLimit(until, num_test=num_test, num_val=len(parts.val))
    callbacks: list[lightning.Callback] = [history, limit, LastCheckpoint(folder), keeper]
    if recipe.patience is not None:
        callbacks.append(EarlyStopping(module.monitored, mode=module.mode, patience=recipe.patience))
    if show_progress:
        callbacks.append(TrainingProgress())
    if recipe.loggers:
        settings = {**recipe.model_dump(mode="json"), "modality": model.modality, "encoder": model.encoder.name}
        callbacks.append(Logged(recipe.loggers, folder, history, settings))
    started = time.monotonic()
    with quiet(), seeded(recipe.seed):
        trainer = silent_trainer(
            folder,
            precision=recipe.precision,
            clip=recipe.clip,
            accelerator="cpu" if model.device.type == "cpu" else "auto",
            devices=1,
            max_epochs=recipe.epochs,
            callbacks=callbacks,
            ranks=ranks,
            averages=not recipe.shard,
        )
        epochs = Epochs(train_batches, lambda: trainer.current_epoch)
        with (
            contextlib.closing(train_batches),
            contextlib.closing(val_batches),
            interruptible(f"stopped; go on with the same command and --resume, or resume=True ({folder})"),
        ):
            with together(ranks):
                trainer.fit(module, epochs, val_batches, ckpt_path=checkpoint, weights_only=True)
                of_each = gather_objects(list(module.failed.values()), ranks)
                wait_for_all(ranks)  # until the first has written the weights
        load_weights(model, folder)
    model.eval()
    of_others = [error for errors in of_each[1:] for error in errors if error.problem not in module.failed]
    relay([skipped(error) for error in of_others] if ranks.is_first else [])
    failed += [*module.failed.values(), *of_others]
    return Trained(history.rows, keeper.kept, time.monotonic() - started, failed, limit.is_up)


def _batches(
    model: MetaTransformer, recipe: Recipe, parts: TrainingData, show_progress: bool, failed: list[MtError]
) -> tuple[Any, Any]:
    reading, ranks = reading_of(recipe), ranks_of(recipe)
    own = (ranks.rank, ranks.count)
    at_once = model.require_head().samples_at_once or recipe.batch_size
    of_val = {**reading, "batch_size": min(recipe.batch_size, at_once)}
    return (
        Loader(parts.train, model.tokenizer, train_seed=recipe.seed, part=own, **reading),
        Loader(parts.val, model.tokenizer, part=own, **of_val),
    )


def _stored_batches(
    model: MetaTransformer, recipe: Recipe, parts: TrainingData, show_progress: bool, failed: list[MtError]
) -> tuple[Any, Any]:
    head: Any = model.require_head()
    train, val = (
        pooled_features(
            model,
            dataset,
            head.options.pool,
            precision=recipe.precision,
            skip_unreadable=recipe.skip_unreadable,
            show_progress=show_progress,
            failed=failed,
            parts=parts_of(head),
            **reading_of(recipe),
        )
        for dataset in (parts.train, parts.val)
    )
    return (
        VectorLoader(*train, batch_size=recipe.batch_size, train_seed=recipe.seed),
        VectorLoader(*val, batch_size=recipe.batch_size),
    )
