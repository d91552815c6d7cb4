"""What is examined: a plugin, and what the checks need of it, made once.

A check may change nothing that it gets from here except a tokenizer, which is always a new one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mt_core.conformance.invalid_inputs import CaseResult, try_all
from mt_core.conformance.sandbox import TaskFailure
from mt_core.conformance.valid_inputs import SideEffects, ValidFiles, side_effects, valid_files
from mt_core.conformance.wheel_contents import Shipped, shipped_by
from mt_core.contract import Features, Head, ModalityDataset, Tokenizer, Tokens
from mt_core.encoder import Encoder
from mt_core.encoder.plain_vit import build_vit, parts_of
from mt_core.encoder.random_weights import draw_weights
from mt_core.errors import MtError
from mt_core.heads import default_head
from mt_core.model import make_tokenizer, seeded
from mt_core.plugins import Manifest, Plugin, PluginMetadata

WIDTH = 64
"""Of the encoder that tokens are examined with."""

TRAIN_SAMPLES, TEST_SAMPLES = 48, 12

_MEAN, _STD = (0.4, 0.45, 0.5), (0.2, 0.25, 0.3)
"""Of that encoder's colours: unlike the 0.5 that most have and tokenizers begin with, so that it shows who adopts and
does not keep them."""


class PluginFixture:
    """One plugin under examination.

    Args:
        plugin: Its code.
        found: Its distribution.
        scratch: An empty folder for whatever has to be written.
    """

    def __init__(self, plugin: Plugin, found: PluginMetadata, scratch: Path) -> None:
        self.plugin = plugin
        self.found = found
        self.scratch = scratch

    @property
    def manifest(self) -> Manifest:
        return self.plugin.manifest

    @property
    def package(self) -> str:
        """The top-level package that the plugin's code is in."""
        return self.manifest.tokenizer.partition(":")[0].partition(".")[0]

    @property
    def shipped(self) -> Shipped:
        """The files of the distribution's wheel."""
        if isinstance(self._shipped, MtError):
            raise self._shipped
        return self._shipped

    @cached_property
    def _shipped(self) -> Shipped | MtError:
        """Those files, or why they cannot be had: a build that fails is not tried again for every check."""
        try:
            return shipped_by(self.found, self.folder("wheel"))
        except MtError as error:
            return error

    def folder(self, name: str) -> Path:
        """An empty folder of this name, new at each call."""
        folder = self.scratch / name
        folder.mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(dir=folder))

    # data

    @cached_property
    def train(self) -> ModalityDataset:
        """The demonstration's training split."""
        return self.demo("train", TRAIN_SAMPLES)

    @cached_property
    def test(self) -> ModalityDataset:
        """The demonstration's test split."""
        return self.demo("test", TEST_SAMPLES)

    def demo(self, split: str, size: int, seed: int = 0) -> ModalityDataset:
        """A split of the demonstration, whose files are in the scratch folder."""
        with self._temporary_files_in(self.scratch / "demo"):
            return self.plugin.dataset.demo(split, size=size, seed=seed)

    @cached_property
    def demo_files(self) -> list[Path]:
        """Files of declared suffixes: those that the plugin gives as examples, and those of its demonstration."""
        given = self.plugin.dataset.example_files(self.folder("examples"))
        assert self.train and self.test  # written when they are made
        written = sorted(path for path in (self.scratch / "demo").rglob("*") if path.is_file())
        return [path for path in [*given, *written] if path.name.lower().endswith(self.manifest.suffixes)]

    @cached_property
    def samples(self) -> list[Any]:
        """What `read` gives of the test split."""
        tokenizer = self.tokenizer()
        return [tokenizer.read(self.test[index].sample) for index in range(len(self.test))]

    @cached_property
    def valid_files(self) -> ValidFiles:
        """The files of declared suffixes that can be read."""
        return valid_files(self)

    @cached_property
    def side_effects(self) -> SideEffects | TaskFailure:
        """What reading does beside its work."""
        return side_effects(self)

    @cached_property
    def tried(self) -> dict[str, list[CaseResult]]:
        """What became of bad input of every kind, by the promise that it was for."""
        return try_all(self)

    # the three parts

    @cached_property
    def encoder(self) -> Encoder:
        """A frozen ViT of two blocks of width `WIDTH`, its weights drawn from a seed."""
        return small_encoder(WIDTH)

    def tokenizer(self, width: int | None = None, *, calibrated: bool = True, **options: Any) -> Tokenizer:
        """A new tokenizer with the demonstration's options, in evaluation mode.

        Args:
            width: None: the encoder's, and adopted from it.
            calibrated: On the demonstration's training split.
            options: More of its options.
        """
        encoder = self.encoder if width is None or width == WIDTH else small_encoder(width)
        return self.tokenizer_for(encoder, calibrated=calibrated, **options)

    def tokenizer_for(self, encoder: Encoder, *, calibrated: bool = True, **options: Any) -> Tokenizer:
        """The same, adopted from this encoder."""
        chosen = {**self.plugin.dataset.demo_options, **options}
        tokenizer = make_tokenizer(self.plugin.tokenizer, encoder, chosen, seed=0)
        if calibrated and self.calibration:
            with seeded(0):
                tokenizer.restore(self.calibration)
        return tokenizer.eval()

    @cached_property
    def calibration(self) -> dict[str, Any]:
        """What `calibrate` learns from the demonstration's training split."""
        tokenizer = self.tokenizer(calibrated=False)
        with seeded(0):
            tokenizer.calibrate([self.train[index] for index in range(len(self.train))])
        return tokenizer.calibration()

    def head(self) -> Head:
        """A new head for the demonstration's task, the plugin's where it takes it, with the recipe's options."""
        suggested = self.manifest.recipe.get("head", {})
        with seeded(0):
            head = default_head(WIDTH, self.train.task, self.plugin.head, suggested=suggested, **suggested)
            head.calibrate(self.train.targets())
        return head

    def batch(self, tokenizer: Tokenizer, samples: Sequence[Any] | None = None) -> dict[str, Tensor]:
        """Samples (by default all of `samples`), prepared and collated."""
        chosen = self.samples if samples is None else samples
        return tokenizer.collate([tokenizer.prepare(sample) for sample in chosen])

    def tokens(self, tokenizer: Tokenizer, samples: Sequence[Any] | None = None) -> Tokens:
        """Tokens of samples."""
        tokens: Tokens = tokenizer(self.batch(tokenizer, samples))
        return tokens

    def features(self, tokenizer: Tokenizer, samples: Sequence[Any] | None = None) -> Features:
        """Features of samples."""
        features: Features = self.encoder(self.tokens(tokenizer, samples))
        return features

    @cached_property
    def test_features(self) -> Features:
        """Features of the test split, without a gradient."""
        with torch.no_grad():
            return self.features(self.tokenizer())

    @contextmanager
    def _temporary_files_in(self, folder: Path) -> Iterator[None]:
        folder.mkdir(exist_ok=True)
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before


def small_encoder(width: int, seed: int = 0) -> Encoder:
    """A frozen ViT of two blocks, its weights drawn from a seed."""
    architecture = "vit_tiny_patch16_224"
    vit = build_vit(architecture, embed_dim=width, depth=2, num_heads=2, img_size=32)
    draw_weights(vit.state_dict(), seed)
    name = f"two random blocks of width {width}"
    return Encoder(parts_of(vit), name=name, description=name, is_trained=False, mean=_MEAN, std=_STD)
