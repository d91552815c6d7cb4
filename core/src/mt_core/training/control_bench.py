"""Trains and measures the controls of a run, on the samples that the run was trained and measured on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from mt_core.contract import Baseline, Head, ModalityDataset
from mt_core.data.precision import Precision
from mt_core.data.training_data import TrainingData
from mt_core.encoder import Encoder
from mt_core.errors import OptionError
from mt_core.io.notices import Notices, collecting
from mt_core.io.progress import announce
from mt_core.model import MetaTransformer, make_tokenizer
from mt_core.plugins import get
from mt_core.training.baseline import FeatureTable, check_head, fit_predict, read_features
from mt_core.training.evaluation import measure
from mt_core.training.fitting import fit
from mt_core.training.metrics import values_of
from mt_core.training.outputs import HeadOutputs, Measured, is_resampled
from mt_core.training.recipe import Recipe


def measure_outputs(
    model: MetaTransformer,
    dataset: ModalityDataset,
    *,
    precision: Precision,
    skip_unreadable: bool,
    show_progress: bool,
    **reading: Any,
) -> Measured:
    """A model's metrics on a dataset, and its outputs where they are to be resampled."""
    head, outputs = model.require_head(), HeadOutputs()
    kept = outputs if is_resampled(head) else None
    metrics = measure(
        model, dataset, [], precision, skip_unreadable, show_progress, use_cache=False, keep=kept, **reading
    )
    return Measured(metrics, outputs, head)


@dataclass(frozen=True)
class Bench:
    """Trains and measures contenders on the same samples."""

    model: MetaTransformer
    dataset: ModalityDataset
    recipe: Recipe
    parts: TrainingData
    minutes: float
    show_progress: bool
    how: dict[str, Any]  # samples are measured, as `measure_outputs` takes it

    def tell(self, line: str) -> None:
        if self.show_progress:
            announce(line)

    def train(self, encoder: Encoder, offset: int) -> Measured:
        """A model with this encoder, made and trained as the run was, and measured; without [CLS], pooled by the rest.

        Args:
            offset: What is added to the run's seeds.
        """
        seed, of_weights = self.recipe.seed + offset, self.model.seed + offset
        self.tell(f"control: {encoder.name}, seed {seed}")
        plugin, options = get(self.model.modality), self.model.tokenizer.options.model_dump()
        tokenizer = make_tokenizer(plugin.tokenizer, encoder, options, of_weights)
        control = MetaTransformer(plugin.name, tokenizer, encoder, seed=of_weights).to(self.model.device)
        given = {**self.recipe.model_dump(), "seed": seed, "max_minutes": self.minutes}
        if self.recipe.tune == "lora" and not encoder.depth:
            given["tune"] = "frozen"  # there are no layers for adapters to stand beside
        pool = None if encoder.has_cls else _pool_without_cls(self.model.require_head())
        if pool is not None:
            given["head"] = {**given["head"], "pool": pool}
        recipe = Recipe.parse(given)
        with collecting(Notices()):  # they are those of the run
            result = fit(control, self.parts.train, self.parts.val, recipe=recipe, show_progress=self.show_progress)
        early = result.stopped_after
        note = f"stopped after {early:.3g} of {recipe.epochs} epochs, as the budget asks" if early is not None else ""
        if "samples" in result.chosen:
            note = f"fitted to {result.chosen['samples']:,} of {len(self.parts.train):,} samples, as the budget asks"
        with collecting(Notices()):
            measured = measure_outputs(control, self.dataset, **self.how)
        return replace(measured, note=note, seconds=result.seconds)

    def native(self, seeds: Sequence[int]) -> tuple[list[Measured], str]:
        """The plain model on the features that the plugin declares, and what it is."""
        plugin, head = get(self.model.modality), self.model.require_head()
        if plugin.baseline is None:
            raise OptionError(
                f"the {plugin.name} plugin declares no native baseline", fix="its authors can add one to plugin.toml"
            )
        check_head(head)
        baseline = plugin.baseline(self.model.tokenizer)
        self.tell(f"control: native baseline, {baseline.description}")
        how = {name: value for name, value in self.how.items() if name != "precision"}
        train, test = (read_features(baseline, part, **how) for part in (self.parts.train, self.dataset))
        return [self._native(baseline, train, test, seed) for seed in seeds], baseline.description

    def _native(self, baseline: Baseline, train: FeatureTable, test: FeatureTable, seed: int) -> Measured:
        started = time.monotonic()
        head = deepcopy(self.model.require_head()).cpu().eval()
        output, outputs = fit_predict(baseline, head, train, test.features, seed), HeadOutputs()
        outputs.add(output, test.target)
        metrics = head.metrics()
        metrics.update(*head.metric_inputs(output, test.target))
        return Measured(values_of(metrics), outputs, head, seconds=time.monotonic() - started)


def _pool_without_cls(head: Head) -> str | None:
    """The head's pooling without its [CLS] part, the mean where nothing is left; None where it has no such part."""
    parts = str(getattr(head.options, "pool", "")).split("+")
    return ("+".join(part for part in parts if part != "cls") or "mean") if "cls" in parts else None
