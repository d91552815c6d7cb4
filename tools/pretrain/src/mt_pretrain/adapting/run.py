"""One run without labels, from the opened data to what is kept."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mt_core.data.calibration import calibrate
from mt_core.data.loader import Loader
from mt_core.data.subsets import Subset
from mt_core.errors import DataWarning, FingerprintError, MtError, RunError
from mt_core.hooks import session
from mt_core.io.notice_files import write_notices
from mt_core.io.notices import Notices
from mt_core.model import MetaTransformer
from mt_core.plugins import Plugin
from mt_core.training import Recipe
from mt_core.training.checkpoints import check_checkpoint
from mt_core.training.lora import add_adapters, remove_adapters
from mt_core.training.ranks import ranks_of
from mt_core.training.records import check_same, make_folder, versions
from mt_core.training.run import describe_model, save_weights
from mt_core.training.run_record import FORMAT, NOTICES, WEIGHTS, write_record
from mt_core.training.skipped import write_skipped
from mt_core.training.steps import CHECKPOINT, batches_from, run_steps, step_of
from mt_core.training.variety import Variety, has_collapsed, variety
from mt_pretrain.adapting.callback import AdaptCallback
from mt_pretrain.adapting.data import UnlabelledData
from mt_pretrain.adapting.module import MEASURED, AdaptModule, vectors_of
from mt_pretrain.adapting.recipe import AdaptRecipe
from mt_pretrain.adapting.report import write_report
from mt_pretrain.adapting.views import TwoViews

_MEASURED_ON = 256
"""Samples whose vectors are compared before and after."""

READING = ("num_workers", "seconds_a_sample")
"""Settings of how samples are read."""

FREE = (*READING, "devices", "num_nodes")
"""Settings that do not decide the result."""


@dataclass(frozen=True)
class AdaptResult:
    """What adapting gave.

    Attributes:
        folder: The run folder, for `mt_core.load_run`.
        step: How many steps are done.
        is_complete: Whether that is the whole schedule.
        before, after: How different the vectors of (at most 256) samples are from each other.
        rows: The lines of `metrics.csv`.
        notices: What was left out of the data or reinterpreted.
    """

    folder: Path
    step: int
    is_complete: bool
    before: Variety
    after: Variety
    rows: list[dict[str, Any]] = field(repr=False)
    notices: Sequence[DataWarning] = ()


@dataclass
class Run:
    """A model, a recipe and data, brought together."""

    folder: Path
    plugin: Plugin
    model: MetaTransformer
    recipe: AdaptRecipe
    opened: UnlabelledData
    root: Path

    def go(
        self,
        record: Mapping[str, Any] | None,
        notices: Notices,
        *,
        minutes: float | None,
        overwrite: bool,
        show_progress: bool,
    ) -> AdaptResult:
        recipe, model, samples = self.recipe, self.model, self.opened.samples
        reading = {name: getattr(recipe, name) for name in READING}
        calibrate(model.tokenizer, samples, seed=recipe.seed, skip_unreadable=recipe.skip_unreadable, **reading)
        model.tokenizer.to(model.device).requires_grad_(True)
        if recipe.tune == "lora":
            of_lora = {name: value for name, value in recipe.model_dump().items() if name.startswith("lora_")}
            add_adapters(model, Recipe.parse({"tune": "lora", **of_lora}))
        ranks = ranks_of(recipe)
        module = AdaptModule(model, recipe, ranks)
        before = Variety(**record["vectors"]["before"]) if record is not None else self._variety(module)
        planned = self._describe(before)
        checkpoint = self._prepare_folder(record, planned, module, overwrite, is_first=ranks.is_first)
        size = min(recipe.batch_size, len(samples))
        loader = Loader(
            samples,
            TwoViews(model.tokenizer),
            batch_size=size,
            train_seed=recipe.seed,
            drop_last=True,
            part=(ranks.rank, ranks.count),
            **reading,
        )
        show = show_progress and ranks.is_first
        callback = AdaptCallback(self.folder, recipe, MEASURED, minutes=minutes, show=show)
        batches = batches_from(loader, step_of(checkpoint))
        try:
            with contextlib.closing(loader), session(model.modality, "train"):
                step = run_steps(module, callback, model.device, checkpoint, batches, ranks)
        finally:
            batches.close()
            if ranks.is_first:
                write_notices(self.folder / NOTICES, notices, RunError)
        if not ranks.is_first:  # the rest is the first one's
            return AdaptResult(self.folder, step, step == recipe.steps, before, self._variety(module), callback.rows)
        failed = [*self.opened.failed, *module.failed.values()]
        result = self._finish(module, callback, planned, before, step, failed)
        if callback.is_interrupted and not result.is_complete:
            raise KeyboardInterrupt(f"stopped at step {step} of {recipe.steps}; go on with --resume ({self.folder})")
        return result

    def _variety(self, module: AdaptModule) -> Variety:
        """Of the vectors of some samples, the same ones each time."""
        samples, recipe = self.opened.samples, self.recipe
        drawn = random.Random(recipe.seed).sample(range(len(samples)), min(_MEASURED_ON, len(samples)))
        part = Subset(samples, sorted(drawn), "drawn")
        reading = {name: getattr(recipe, name) for name in READING}
        with contextlib.closing(Loader(part, self.model.tokenizer, batch_size=32, **reading)) as loader:
            return variety(vectors_of(module, loader))

    def _describe(self, before: Variety) -> dict[str, Any]:
        """What the record says before the first step, and what a run that is resumed must agree with."""
        opened = self.opened
        return {
            "format": FORMAT,
            "status": "adapting",
            "step": 0,
            **describe_model(self.model),
            "recipe": self.recipe.model_dump(mode="json"),
            "data": {
                "source": opened.samples.source,
                "root": str(self.root.resolve()),
                "train": len(opened.samples),
                "val": 0,
                "test": 0,
                "summary": list(opened.summary),
                "options": opened.options.model_dump(mode="json") if opened.options is not None else None,
            },
            "versions": versions("mt-pretrain"),
            "vectors": {"before": before.record()},
        }

    def _prepare_folder(
        self,
        record: Mapping[str, Any] | None,
        planned: Mapping[str, Any],
        module: AdaptModule,
        overwrite: bool,
        *,
        is_first: bool,
    ) -> Path | None:
        """Make the folder ready, and find the checkpoint to go on from; of several processes the first one does."""
        path = self.folder / CHECKPOINT
        if record is not None:
            compared = ("modality", "plugin", "encoder", "tokenizer", "data")
            check_same(self.folder, record, {name: planned[name] for name in compared})
            return check_checkpoint(path, module.learned_state()) if path.is_file() else None
        if not is_first:
            return None
        if overwrite:
            shutil.rmtree(self.folder, ignore_errors=True)
        make_folder(self.folder)
        write_record(self.folder, planned)
        return None

    def _finish(
        self,
        module: AdaptModule,
        callback: AdaptCallback,
        planned: Mapping[str, Any],
        before: Variety,
        step: int,
        failed: Sequence[MtError],
    ) -> AdaptResult:
        """Hold the vectors and the encoder against what they were, and write what was learned."""
        folder, steps = self.folder, self.recipe.steps
        after = self._variety(module)
        is_complete = step == steps
        vectors = {"before": before.record(), "after": after.record()}
        seconds = round(callback.seconds, 2)
        finished = {**planned, "step": step, "vectors": vectors, "seconds": seconds, "skipped": len(failed)}
        write_skipped(folder, failed)
        if has_collapsed(before, after):
            write_record(folder, {**finished, "status": "collapsed"})
            for name in (CHECKPOINT, WEIGHTS):
                (folder / name).unlink(missing_ok=True)
            raise RunError(
                f"the vectors of all samples have become nearly the same by step {step} ({before}; now {after}): "
                "no weights were kept",
                fix="lower lr or drop, raise variance or batch_size, or give more samples",
            )
        save_weights(self.model, folder, step)
        remove_adapters(self.model.encoder)
        try:
            self.model.encoder.verify()
        except FingerprintError:
            (folder / WEIGHTS).unlink()  # they were trained on an encoder that nobody has
            raise
        finished["status"] = "complete" if is_complete else "stopped"
        write_record(folder, finished)
        write_report(folder, finished, callback.rows)
        if is_complete:
            (folder / CHECKPOINT).unlink(missing_ok=True)
        return AdaptResult(folder, step, is_complete, before, after, callback.rows)
