"""One run of align, from opened data to what is kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import mt_core as mt
from mt_core.contract import Alignment
from mt_core.data.calibration import calibrate
from mt_core.data.loader import Loader
from mt_core.embedding.pooling import for_pooling
from mt_core.encoder import Encoder
from mt_core.errors import DataWarning, MtError, RunError
from mt_core.heads import AlignmentHead
from mt_core.hooks import session
from mt_core.io.notices import Notices
from mt_core.model import MetaTransformer
from mt_core.training import Recipe
from mt_core.training.checkpoints import check_checkpoint
from mt_core.training.features import pooled_features
from mt_core.training.lora import add_adapters, remove_adapters
from mt_core.training.ranks import ranks_of
from mt_core.training.records import check_same, make_folder, versions, write_json
from mt_core.training.run import describe_model, load_weights, save_weights
from mt_core.training.run_record import FORMAT, WEIGHTS, write_record
from mt_core.training.skipped import write_skipped
from mt_core.training.steps import CHECKPOINT, batches_from, run_steps, step_of
from mt_core.training.variety import Variety, variety
from mt_fusion.aligning.callback import AlignCallback
from mt_fusion.aligning.data import AlignData, anchor_vectors, summary, without_unread
from mt_fusion.aligning.evaluation import HeldOut
from mt_fusion.aligning.module import AlignModule, RowBatches
from mt_fusion.aligning.pairs import different
from mt_fusion.aligning.reading import Rows, RowTokenizer, Samples
from mt_fusion.aligning.recipe import READING, AlignRecipe
from mt_fusion.aligning.report import write_report

ALIGN = "align.json"
_LEAST_SPREAD = 0.1


@dataclass(frozen=True)
class AlignResult:
    """What aligning gave.

    Attributes:
        folder: Of the run; in it one for each input, for `mt_core.load_run`.
        space: The name of the space; "" in a process that is not the first of several, which alone writes the runs.
        step: How many steps are done.
        is_complete: Whether that is the whole schedule.
        kept_step: Of which step the weights are.
        recall: Of the rows held out, by direction: "photo to caption" to recall@1, @5 and @10.
        chance: The same of an order that is drawn.
        evaluations: Of all steps that were evaluated.
        notices: What was left out of the data or reinterpreted.
    """

    folder: Path
    space: str
    step: int
    is_complete: bool
    kept_step: int
    recall: dict[str, dict[str, float]]
    chance: dict[str, dict[str, float]]
    evaluations: list[dict[str, Any]] = field(repr=False)
    notices: Sequence[DataWarning] = ()


@dataclass
class Run:
    """Data and a recipe, brought together in a folder."""

    folder: Path
    data: AlignData
    recipe: AlignRecipe
    encoder: Encoder
    options: Mapping[str, Mapping[str, Any]]
    device: torch.device
    failed: list[MtError] = field(default_factory=list)

    def go(
        self,
        record: Mapping[str, Any] | None,
        notices: Notices,
        *,
        minutes: float | None,
        overwrite: bool,
        show_progress: bool,
    ) -> AlignResult:
        module = self._module(show_progress)
        ranks = module.ranks
        notices.check()
        held_out = HeldOut(module, **self._reading)
        planned = self._describe(module)
        checkpoint = self._prepare_folder(record, planned, module, overwrite)
        before = self._varieties(held_out)
        callback = AlignCallback(
            self.folder,
            self.recipe,
            held_out.recalls,
            lambda step: self._keep(module, step) if ranks.is_first else None,
            minutes=minutes,
            show=show_progress,
        )
        with self._batches(module) as loader, contextlib.ExitStack() as sessions:
            for model in module.models:
                sessions.enter_context(session(str(model.modality), "train"))
            batches = batches_from(loader, step_of(checkpoint))
            try:
                step = run_steps(module, callback, self.device, checkpoint, batches, ranks)
            finally:
                batches.close()
        self.failed += module.failed.values()
        if not ranks.is_first:  # the rest is the first one's
            best, is_complete = callback.best, step == self.recipe.steps
            of_best = (best["step"], best["recall"], held_out.by_chance())
            return AlignResult(self.folder, "", step, is_complete, *of_best, callback.evaluations)
        if callback.evaluations[-1]["step"] != step:  # stopped between two evaluations
            callback.evaluate_now(module, step)
        result = self._finish(module, held_out, callback, planned, before, step)
        if callback.is_interrupted and not result.is_complete:
            raise KeyboardInterrupt(
                f"stopped at step {step} of {self.recipe.steps}; go on with --resume ({self.folder})"
            )
        return result

    @property
    def _reading(self) -> dict[str, Any]:
        return {name: getattr(self.recipe, name) for name in READING}

    def _module(self, show_progress: bool) -> AlignModule:
        data, recipe = self.data, self.recipe
        models: dict[int, MetaTransformer] = {}
        features: dict[int, Tensor] = {}
        lost: dict[int, list[int]] = {}
        width = data.anchor.width if data.anchor is not None else recipe.width
        for at, (name, each) in enumerate(data.inputs.items()):
            model = mt.load(
                each.modality,
                encoder=self.encoder,
                purpose="embed" if recipe.tune == "probe" else "train",
                seed=recipe.seed,
                device=str(self.device),
                **{**each.options, **self.options.get(name, {})},
            )
            self._calibrate(model, at, name)
            model, pool = for_pooling(model)
            task = Alignment(space="-", width=width, inputs=data.pairs.names)
            model.attach_head(task, AlignmentHead, pool=pool, hidden=recipe.hidden, dropout=recipe.dropout)
            model.tokenizer.to(self.device).requires_grad_(recipe.tune != "probe")
            if recipe.tune == "probe":
                features[at], lost[at] = self._features(model, at, name, show_progress)
            elif recipe.tune == "lora":
                of_lora = {key: value for key, value in recipe.model_dump().items() if key.startswith("lora_")}
                add_adapters(model, Recipe.parse({"tune": "lora", **of_lora}))
            models[at] = model
        self.data = AlignData(data.inputs, without_unread(data.pairs, lost), data.anchor, data.source)
        fixed = {len(models): anchor_vectors(data)} if data.anchor is not None else {}
        return AlignModule(self.data.pairs, recipe, models, features, fixed, ranks_of(recipe))

    def _calibrate(self, model: MetaTransformer, at: int, name: str) -> None:
        pairs = self.data.pairs
        samples = Samples(pairs.sources[at], different(pairs.content_RI[pairs.train, at]), name)
        calibrate(model.tokenizer, samples, seed=self.recipe.seed, skip_unreadable=True, **self._reading)

    def _features(self, model: MetaTransformer, at: int, name: str, show: bool) -> tuple[Tensor, list[int]]:
        """Pooled vectors of all samples of an input, and the samples that cannot be read."""
        pairs = self.data.pairs
        known = different(pairs.content_RI[torch.cat([pairs.train, pairs.val]), at])
        head: Any = model.head
        vectors, ids = pooled_features(
            model,
            Samples(pairs.sources[at], known, name),
            head.options.pool,
            precision=self.recipe.precision,
            skip_unreadable=True,
            show_progress=show,
            failed=self.failed,
            batch_size=64,
            **self._reading,
        )
        features = torch.full((len(pairs.sources[at]), vectors.shape[1]), torch.nan)
        features[ids] = vectors
        return features, sorted(set(known.tolist()) - set(ids.tolist()))

    @contextlib.contextmanager
    def _batches(self, module: AlignModule) -> Iterator[Any]:
        recipe, pairs = self.recipe, module.pairs
        size = min(recipe.batch_size, len(pairs.train))
        if recipe.tune == "probe":
            yield RowBatches(pairs.train, size, recipe.seed)
            return
        rows = Rows(pairs, pairs.train, module.numbers, self.data.source)
        tokenizer = RowTokenizer({at: module.model_of(at).tokenizer for at in module.numbers}, recipe.micro_batch)
        with contextlib.closing(
            Loader(
                rows,
                tokenizer,
                batch_size=size,
                train_seed=recipe.seed,
                drop_last=True,
                part=(module.ranks.rank, module.ranks.count),
                **self._reading,
            )
        ) as loader:
            yield loader

    def _varieties(self, held_out: HeldOut) -> dict[str, Variety]:
        names = self.data.pairs.names
        return {names[at]: variety(vectors) for at, (_, vectors) in held_out.vectors().items()}

    def _keep(self, module: AlignModule, step: int) -> None:
        for at in module.numbers:
            save_weights(module.model_of(at), self._folder_of(at), step)

    def _folder_of(self, at: int) -> Path:
        return self.folder / self.data.pairs.names[at]

    def _describe(self, module: AlignModule) -> dict[str, Any]:
        """What the record says before the first step, and what a run that is resumed must agree with."""
        first = describe_model(module.model_of(0))
        anchor = self.data.anchor
        return {
            "format": FORMAT,
            "status": "aligning",
            "step": 0,
            "inputs": {name: each.model_dump(mode="json") for name, each in self.data.inputs.items()},
            "anchor": {"path": str(anchor.path), "space": anchor.space} if anchor is not None else None,
            "encoder": first["encoder"],
            "tokenizers": {
                name: {key: describe_model(module.model_of(at))[key] for key in ("plugin", "tokenizer")}
                for at, name in enumerate(self.data.inputs)
            },
            "recipe": self.recipe.model_dump(mode="json"),
            "data": {
                "source": self.data.source,
                "train": len(module.pairs.train),
                "val": len(module.pairs.val),
                "summary": summary(self.data),
            },
            "versions": versions("mt-fusion"),
        }

    def _prepare_folder(
        self, record: Mapping[str, Any] | None, planned: Mapping[str, Any], module: AlignModule, overwrite: bool
    ) -> Path | None:
        """Make the folder ready, and find the checkpoint to go on from; of several processes the first one does."""
        path = self.folder / CHECKPOINT
        if record is not None:
            compared = ("inputs", "anchor", "encoder", "tokenizers", "data")
            check_same(self.folder, record, {name: planned[name] for name in compared})
            return check_checkpoint(path, module.learned_state()) if path.is_file() else None
        if not module.ranks.is_first:
            return None
        if overwrite:
            shutil.rmtree(self.folder, ignore_errors=True)
        for at in module.numbers:
            make_folder(self._folder_of(at))
        write_json(self.folder / ALIGN, planned)
        return None

    def _finish(
        self,
        module: AlignModule,
        held_out: HeldOut,
        callback: AlignCallback,
        planned: Mapping[str, Any],
        before: Mapping[str, Variety],
        step: int,
    ) -> AlignResult:
        """Go back to the best step, hold its vectors and the encoder against what they were, and write the runs."""
        folder, best, is_complete = self.folder, callback.best, step == self.recipe.steps
        for at in module.numbers:
            load_weights(module.model_of(at), self._folder_of(at))
        after = self._varieties(held_out)
        write_skipped(folder, self.failed)
        finished = {
            **planned,
            "step": step,
            "kept_step": best["step"],
            "width": module.model_of(0).require_head().vector_width,
            "scale": best["scale"],
            "vectors": {n: {"before": before[n].record(), "after": after[n].record()} for n in after},
            "seconds": round(callback.seconds, 2),
            "skipped": len(self.failed),
            "recall": best["recall"],
            "chance": held_out.by_chance(),
            "evaluations": callback.evaluations,
        }
        self._check_collapse(module, finished, before, after, step)
        encoders = [module.model_of(at).encoder for at in module.numbers]
        if self.recipe.tune == "lora":
            for each in encoders:
                remove_adapters(each)
        is_shared = self.recipe.tune != "lora"  # but by two towers
        for each in {each.fingerprint: each for each in encoders}.values() if is_shared else encoders:
            each.verify()
        finished["space"] = self._space(module)
        finished["status"] = "complete" if is_complete else "stopped"
        for at in module.numbers:
            self._write_run(module.model_of(at), at, finished)
        write_json(folder / ALIGN, finished)
        write_report(folder, finished, callback.rows)
        if is_complete:
            (folder / CHECKPOINT).unlink(missing_ok=True)
        return result_of(folder, finished)

    def _check_collapse(
        self,
        module: AlignModule,
        finished: Mapping[str, Any],
        before: Mapping[str, Variety],
        after: Mapping[str, Variety],
        step: int,
    ) -> None:
        # of few different partners vectors come together by intention: the rank is no sign
        same = [n for n in after if not after[n].spread >= _LEAST_SPREAD * before[n].spread]
        if not same:
            return
        write_json(self.folder / ALIGN, {**finished, "status": "collapsed"})
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
        for at in module.numbers:
            (self._folder_of(at) / WEIGHTS).unlink(missing_ok=True)
        raise RunError(
            f"the vectors of all samples of {same[0]} have become nearly the same by step {step} ({before[same[0]]}; "
            f"now {after[same[0]]}): no weights were kept",
            fix="lower lr, raise batch_size, or give more rows",
        )

    def _space(self, module: AlignModule) -> str:
        """The anchor's, or a digest of all inputs' weights."""
        if self.data.anchor is not None:
            return self.data.anchor.space
        digest = hashlib.sha256(module.model_of(0).encoder.fingerprint.encode())
        for at in module.numbers:
            digest.update((self._folder_of(at) / WEIGHTS).read_bytes())
            digest.update(json.dumps(describe_model(module.model_of(at))["tokenizer"], sort_keys=True).encode())
        return digest.hexdigest()[:16]

    def _write_run(self, model: MetaTransformer, at: int, finished: Mapping[str, Any]) -> None:
        """`run.json` of one input, for `mt_core.load_run`."""
        name, head = self.data.pairs.names[at], model.require_head()
        head.task = Alignment(space=finished["space"], width=finished["width"], inputs=self.data.pairs.names)
        own = {direction: of for direction, of in finished["recall"].items() if direction.startswith(f"{name} to ")}
        write_record(
            self._folder_of(at),
            {
                "format": FORMAT,
                "status": finished["status"],
                "step": finished["step"],
                "kept_step": finished["kept_step"],
                **describe_model(model),
                "recipe": finished["recipe"],
                "data": {**finished["data"], "root": None, "test": 0, "options": None, "typical_target": None},
                "versions": finished["versions"],
                "val_metrics": {
                    f"{k}{d.removeprefix(name)}": value for d, of in own.items() for k, value in of.items()
                },
                "seconds": finished["seconds"],
            },
        )


def result_of(folder: Path, record: Mapping[str, Any]) -> AlignResult:
    """What the record of a run that has ended says."""
    return AlignResult(
        folder,
        record["space"],
        record["step"],
        record["status"] == "complete",
        record["kept_step"],
        record["recall"],
        record["chance"],
        record["evaluations"],
    )
