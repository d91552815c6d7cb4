"""Vectors of the arms as `mt embed` gives them by default: around mt-tiny, random weights, and without an encoder.

All arms have pictures of mt-tiny's own size, so that they cost the same; by default random weights have 224 pixels.
Without an encoder a vector is the mean of the tokens: there is no [CLS], and no block to take a quarter of. Where the
default view of an encoder that was trained is another than that without one, controls are measured in both.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from evidence_records import Floats, hash_of
from evidence_samples import Samples, examples_of

import mt_core as mt
from mt_core.contract import Example, ModalityDataset
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import DataWarning
from mt_core.model import MetaTransformer
from mt_core.plugins import get

ARCHITECTURE = "vit_tiny_patch16_224"
ARMS = ("mt-tiny", "random", "none", "native")
SEEDS = (0, 1, 2)


@functools.lru_cache(maxsize=4)
def encoder_of(arm: str, seed: int, tiny: str = "mt-tiny") -> Encoder:
    """The encoder of an arm; the seed is that of random weights.

    Args:
        tiny: What is measured as mt-tiny: its name, or a file of other weights.
    """
    if arm == "random":
        return load_encoder(f"random/{ARCHITECTURE}@{seed}" if seed else f"random/{ARCHITECTURE}")
    return load_encoder(f"none/{ARCHITECTURE}" if arm == "none" else tiny)


def fingerprint_of(arm: str, seed: int, tiny: str) -> str:
    return "" if arm == "native" else encoder_of(arm, seed, tiny).fingerprint


def of_one_size(modality: str, options: Mapping[str, Any], tiny: str = "mt-tiny") -> dict[str, Any]:
    """Options of a tokenizer, with pictures of mt-tiny's own size where they choose none."""
    tokenizer = get(modality).tokenizer
    if options.get("view") != "picture" and "view" in tokenizer.Options.model_fields:
        return dict(options)
    return {**tokenizer.suggested_options(encoder_of("mt-tiny", 0, tiny)), **options}


@dataclass
class Vectors:
    """The vectors of one dataset, each computed once.

    Attributes:
        tiny: See `encoder_of`.
    """

    samples: Samples
    tiny: str
    _known: dict[tuple[str, int, str | None], tuple[Floats, Floats]] = field(default_factory=dict)

    def views(self) -> list[str | None]:
        """The default of mt-tiny, then that without an encoder where it is another; [None] of a modality without
        views."""
        models = [_model(self.samples, arm, 0, self.tiny, None) for arm in ("mt-tiny", "none")]
        return list(dict.fromkeys(getattr(model.tokenizer.options, "view", None) for model in models))

    def of(self, arm: str, seed: int, view: str | None) -> tuple[Floats, Floats]:
        """Of the training samples and of the test samples; of a forecast a vector for each channel of each window."""
        key = (arm, seed, view)
        if key not in self._known:
            model, samples = _model(self.samples, arm, seed, self.tiny, view), self.samples
            train = _embedded(model, samples, samples.train)
            test = train if samples.test is samples.train else _embedded(model, samples, samples.test)
            self._known[key] = (train, test)
        return self._known[key]

    def described(self, arm: str, seed: int, view: str | None) -> dict[str, Any]:
        """What decides the vectors beside encoder and samples."""
        tokenizer = _model(self.samples, arm, seed, self.tiny, view).tokenizer
        return {"options": tokenizer.options.model_dump(mode="json"), "calibration": hash_of(tokenizer.calibration())}

    def seeds(self, arm: str, view: str | None) -> tuple[int, ...]:
        """Those of `SEEDS` where vectors depend on one: with random weights, and of a tokenizer that draws its own."""
        if arm == "random":
            return SEEDS
        drawn = [_model(self.samples, arm, seed, self.tiny, view).tokenizer_fingerprint() for seed in SEEDS[:2]]
        return SEEDS if drawn[0] != drawn[1] else SEEDS[:1]


@functools.lru_cache(maxsize=6)
def _model(samples: Samples, arm: str, seed: int, tiny: str, view: str | None) -> MetaTransformer:
    """Calibrated on the training samples, without their targets, where the tokenizer needs it."""
    modality = samples.evidence.modality
    options = of_one_size(modality, {} if view is None else {"view": view}, tiny)
    model = mt.load(modality, encoder=encoder_of(arm, seed, tiny), seed=seed, **options)
    if "needs_calibration" in get(modality).manifest.capabilities:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            model.tokenizer.calibrate([Example(example.sample) for example in examples_of(samples.train)])
    return model


def _embedded(model: MetaTransformer, samples: Samples, dataset: ModalityDataset) -> Floats:
    given: list[Any] = [example.sample for example in examples_of(dataset)]
    if samples.is_forecast:
        given = [window.of([channel]) for window in given for channel in window.channels]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return np.asarray(mt.embed(model, given, batch_size=64), np.float64)
