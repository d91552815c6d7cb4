"""Vectors of the arms as `mt embed` gives them by default: around mt-tiny, random weights, and without an encoder.

Without an encoder a vector is the mean of the tokens: there is no [CLS], and no block to take a quarter of.
"""

from __future__ import annotations

import functools
import warnings
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


@dataclass
class Vectors:
    """The vectors of one dataset, each computed once.

    Attributes:
        tiny: See `encoder_of`.
    """

    samples: Samples
    tiny: str
    _known: dict[tuple[str, int], tuple[Floats, Floats]] = field(default_factory=dict)

    def model(self, arm: str, seed: int) -> MetaTransformer:
        """Calibrated on the training samples, without their targets, where the tokenizer needs it."""
        return _model(self.samples, arm, seed, self.tiny)

    def of(self, arm: str, seed: int) -> tuple[Floats, Floats]:
        """Of the training samples and of the test samples; of a forecast a vector for each channel of each window."""
        if (arm, seed) not in self._known:
            model, samples = self.model(arm, seed), self.samples
            train = _embedded(model, samples, samples.train)
            test = train if samples.test is samples.train else _embedded(model, samples, samples.test)
            self._known[arm, seed] = (train, test)
        return self._known[arm, seed]

    def described(self, arm: str, seed: int) -> dict[str, Any]:
        """What decides the vectors beside encoder and samples."""
        tokenizer = self.model(arm, seed).tokenizer
        return {"options": tokenizer.options.model_dump(mode="json"), "calibration": hash_of(tokenizer.calibration())}


@functools.lru_cache(maxsize=4)
def _model(samples: Samples, arm: str, seed: int, tiny: str) -> MetaTransformer:
    modality = samples.evidence.modality
    model = mt.load(modality, encoder=encoder_of(arm, seed, tiny), seed=seed)
    if "needs_calibration" in get(modality).manifest.capabilities:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            model.tokenizer.calibrate([Example(example.sample) for example in examples_of(samples.train)])
    return model


def is_drawn(samples: Samples, arm: str, tiny: str) -> bool:
    """Whether an arm's vectors depend on a seed: those around random weights, and where the tokenizer draws its own."""
    if arm == "random":
        return True
    first, second = (_model(samples, arm, seed, tiny).tokenizer_fingerprint() for seed in SEEDS[:2])
    return first != second


def _embedded(model: MetaTransformer, samples: Samples, dataset: ModalityDataset) -> Floats:
    given: list[Any] = [example.sample for example in examples_of(dataset)]
    if samples.is_forecast:
        given = [window.of([channel]) for window in given for channel in window.channels]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return np.asarray(mt.embed(model, given, batch_size=64), np.float64)
