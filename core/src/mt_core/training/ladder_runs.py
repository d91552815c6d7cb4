"""The runs of a ladder: the same data, encoder and options for all of them."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from mt_core.contract import ModalityDataset, Segmentation
from mt_core.contract.options import json_or_text
from mt_core.data.sample_hash import sample_hashes
from mt_core.data.training_data import TrainingData
from mt_core.encoder import Encoder, load_encoder, parse_layers
from mt_core.errors import MissingSplitError
from mt_core.model import MetaTransformer, new_model
from mt_core.plugins import Plugin
from mt_core.training.evaluation import evaluate
from mt_core.training.fitting import fit
from mt_core.training.opening import open_for_new_model
from mt_core.training.peak_memory import PeakMemory
from mt_core.training.recipe import Recipe
from mt_core.training.records import resolve_name
from mt_core.training.run import load_run
from mt_core.training.run_record import RUN, read_record
from mt_core.training.rungs import Rung
from mt_core.training.summary import data_summary

_FREE = ("num_workers", "seconds_a_sample")
"""Settings that do not decide a result."""


@dataclass
class LadderRuns:
    """What the runs of a ladder share, and how each is trained.

    Attributes:
        data: A folder.
        out: The ladder's folder.
        given_encoder: A name, a file, an encoder, or None for the default.
        layers, token_budget: Of the encoder; None: as it is.
        settings: Of the recipe, for all rungs.
    """

    plugin: Plugin
    data: Path
    out: Path
    given_encoder: str | Path | Encoder | None
    layers: Sequence[int] | str | None
    token_budget: int | str | None
    device: str | torch.device | None
    tokenizer_options: Mapping[str, Any]
    data_options: Mapping[str, Any]
    settings: Mapping[str, Any]
    opened: dict[int, tuple[TrainingData, dict[str, Any]]] = field(default_factory=dict)

    @cached_property
    def encoder(self) -> Encoder:
        given = self.given_encoder
        ready = given if isinstance(given, Encoder) else load_encoder(given)
        ready = ready.for_cells(self.plugin.manifest.cells)
        if self.layers is not None:
            ready = ready.with_layers(parse_layers(self.layers, ready.depth))
        return ready if self.token_budget is None else ready.with_budget(self.token_budget)

    def parts(self, seed: int) -> tuple[TrainingData, dict[str, Any]]:
        """The parts of the data that belong to a seed, and the options of the tokenizer."""
        if seed not in self.opened:
            self.opened[seed] = open_for_new_model(
                self.plugin,
                self.data,
                self._recipe(seed=seed),
                tokenizer_options=self.tokenizer_options,
                data_options=self.data_options,
            )
        return self.opened[seed]

    def describe(self) -> dict[str, Any]:
        """What decides the result of each run, and must be the same when a ladder goes on; as JSON can hold it."""
        parts, options = self.parts(0)  # first: data that cannot be trained on need no encoder to be refused
        hashes = hashlib.sha256(b"".join(sample_hashes(part).tobytes() for part in (parts.train, parts.val)))
        settings = Recipe.parse(self.settings).model_dump(mode="json", exclude_unset=True)
        return {
            "modality": self.plugin.name,
            "plugin": {"distribution": self.plugin.distribution, "version": self.plugin.version},
            "root": str(self.data.resolve()),
            "data": {"summary": data_summary(parts), "samples": hashes.hexdigest()},
            "encoder": {
                "name": resolve_name(self.encoder.name),
                "fingerprint": self.encoder.fingerprint,
                **self.encoder.choices,
            },
            "tokenizer_options": {
                name: json_or_text(value) if isinstance(value, str) else value for name, value in options.items()
            },
            "data_options": parts.options.model_dump(mode="json") if parts.options is not None else None,
            "settings": {name: value for name, value in settings.items() if name not in _FREE},
        }

    def train(self, rung: Rung, seed: int, minutes: float) -> tuple[MetaTransformer, Mapping[str, float]]:
        """Train one run of a rung, or go on with it, and note it in the rung.

        Returns:
            The trained model, and the validation metrics of the constant answer.
        """
        parts, options = self.parts(seed)
        recipe = self._recipe(tune=rung.name, seed=seed, max_minutes=minutes)
        # other runs share the encoder, and these rungs change it
        encoder = deepcopy(self.encoder) if rung.name in ("lora", "full") else self.encoder
        how: dict[str, Any] = {"purpose": recipe.purpose, "seed": seed, "device": self.device, "options": options}
        model = new_model(self.plugin, encoder, **how)
        folder, started = self.out / f"{rung.name}-{seed}", time.monotonic()
        is_begun = (folder / RUN).is_file()
        if not is_begun:
            shutil.rmtree(folder, ignore_errors=True)
        untested = replace(parts, test=None, seconds=0.0)
        with PeakMemory(model.device) as memory:
            result = fit(model, untested, out=folder, recipe=recipe, resume=is_begun)
        # as recorded: adapters that were added to the weights cannot be counted any more, and a run that went on has
        # the seconds of all its sessions
        record = read_record(folder)
        rung.values[seed] = result.metrics[model.require_head().primary]
        rung.seconds += max(time.monotonic() - started, record.get("seconds", 0.0))
        rung.trainable = record["parameters"]["trainable"]
        rung.peak_bytes = max(memory.bytes or 0, rung.peak_bytes or 0) or None
        rung.runs[seed] = folder
        if result.stopped_after is not None:
            rung.notes.append(f"seed {seed} had time for {result.stopped_after:.3g} of {recipe.epochs} epochs")
        if "samples" in result.chosen:
            rung.notes.append(f"seed {seed} had time for {result.chosen['samples']:,} samples")
        return model, result.baseline

    def test(self, rung: Rung, metric: str, known: Mapping[int, float]) -> tuple[dict[int, float], str]:
        """The metric of each of a rung's runs on its test part, and which part that is.

        Args:
            known: Of seeds that were measured before.
        """
        values: dict[int, float] = {}
        measured_on = ""
        for seed, run in rung.runs.items():
            if seed in known:
                values[seed] = known[seed]
                continue
            parts, _ = self.parts(seed)
            dataset = parts.test if parts.test is not None else self._own_test(parts)
            if dataset is None:
                return {}, ""
            values[seed] = evaluate(load_run(run, encoder=self.encoder, device=self.device), dataset)[metric]
            measured_on = measured_on or dataset.source
        return values, measured_on

    def _recipe(self, **given: Any) -> Recipe:
        return Recipe.over(self.plugin.manifest.recipe, {**self.settings, **given})

    def _own_test(self, parts: TrainingData) -> ModalityDataset | None:
        """The data's own test split, where it has labels."""
        try:
            own = self.plugin.dataset.open(self.data, "test", task=parts.train.task, options=parts.options)
        except MissingSplitError:
            return None
        is_labelled = isinstance(own.task, Segmentation) or any(target is not None for target in own.targets())
        return own if is_labelled else None
