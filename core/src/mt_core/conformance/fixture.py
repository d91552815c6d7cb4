"""The plugin under test, and what the checks need of it, made once: its demo data, an encoder, tokenizers and heads.

A check may change nothing that it gets from here, except tokenizers and heads, which are new at each call.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from mt_core.conformance.check import Check
from mt_core.conformance.wheel_contents import Wheel, wheel_of
from mt_core.contract import Example, Features, Head, ModalityDataset, Options, Tokenizer, Tokens
from mt_core.data.loader import read_examples
from mt_core.encoder import Encoder
from mt_core.encoder.plain_vit import build_vit, parts_of
from mt_core.encoder.random_weights import draw_weights
from mt_core.errors import MtError
from mt_core.heads import default_head
from mt_core.model import make_tokenizer, seeded
from mt_core.plugins import Manifest, Plugin, PluginMetadata

WIDTH = 64
"""Of the encoder in the checks."""

TRAIN_SAMPLES, TEST_SAMPLES = 48, 12

_MEAN, _STD = (0.4, 0.45, 0.5), (0.2, 0.25, 0.3)
"""Colour statistics of that encoder: not the common 0.5 that tokenizers begin with, so that a tokenizer which takes
them over and does not save them is noticed."""

T = TypeVar("T")


class PluginFixture:
    """One plugin under test.

    Args:
        plugin: Its code.
        metadata: Its distribution's.
        scratch: An empty folder for files.
        checks: All of the suite, which the manifest may declare deviations from.
        options: Of the tokenizer, beside and above the demo's.
    """

    def __init__(
        self,
        plugin: Plugin,
        metadata: PluginMetadata,
        scratch: Path,
        checks: Sequence[Check] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.manifest: Manifest = plugin.manifest
        self.tokenizer_class = plugin.tokenizer
        self.dataset_class = plugin.dataset
        self.head_class = plugin.head
        self.baseline_class = plugin.baseline
        self.tokenizer_options: dict[str, Any] = {**plugin.dataset.demo_options, **(options or {})}
        self.metadata = metadata
        self.scratch = scratch
        self.checks = tuple(checks)
        self.original_files: set[Path] = set()  # and folders, as the plugin's dataset wrote them, before any was read
        self.computed: dict[Callable[[PluginFixture], Any], Any] = {}

    @property
    def options_classes(self) -> tuple[type[Options], ...]:
        """The options of tokenizer, dataset and head."""
        return self.tokenizer_class.Options, self.dataset_class.Options, self.head_class.Options

    @property
    def package(self) -> str:
        """The top-level package of the plugin's code."""
        return self.manifest.tokenizer.partition(":")[0].partition(".")[0]

    @property
    def wheel(self) -> Wheel:
        """The files of the distribution's wheel.

        Raises:
            MtError: it cannot be built.
        """
        if isinstance(self._wheel, MtError):
            raise self._wheel
        return self._wheel

    @cached_property
    def _wheel(self) -> Wheel | MtError:
        """The wheel, or the error of a build, which is not tried again for every check."""
        try:
            return wheel_of(self.metadata, self.folder("wheel"))
        except MtError as error:
            return error

    def folder(self, name: str) -> Path:
        """A new empty folder whose parent has this name."""
        folder = self.scratch / name
        folder.mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(dir=folder))

    # data

    @cached_property
    def train(self) -> ModalityDataset:
        """The demo's training split."""
        return self.demo("train", TRAIN_SAMPLES)

    @cached_property
    def test(self) -> ModalityDataset:
        """The demo's test split."""
        return self.demo("test", TEST_SAMPLES)

    def demo(self, split: str, size: int, seed: int = 0) -> ModalityDataset:
        """A split of the demo, with its files in the scratch folder."""
        folder = self.folder("demo")
        with self._temporary_files_in(folder):
            dataset = self.dataset_class.demo(split, size=size, seed=seed)
        self.original_files.update(folder.rglob("*"))
        return dataset

    @cached_property
    def demo_files(self) -> list[Path]:
        """The plugin's example files, and the files of its demo, as far as their suffixes are declared."""
        folder = self.folder("examples")
        given = self.dataset_class.example_files(folder)
        self.original_files.update(folder.rglob("*"))
        assert self.train and self.test  # their files are written when they are made
        written = sorted(path for path in (self.scratch / "demo").rglob("*") if path.is_file())
        return [path for path in [*given, *written] if path.name.lower().endswith(self.manifest.suffixes)]

    @cached_property
    def train_examples(self) -> list[Example]:
        """The training split, each sample as `read` returns it: what a tokenizer is calibrated on."""
        return list(read_examples(self.train, self.make_tokenizer(calibrated=False), num_workers=0))

    @cached_property
    def samples(self) -> list[Any]:
        """What `read` returns for each test sample."""
        tokenizer = self.make_tokenizer()
        return [tokenizer.read(self.test[index].sample) for index in range(len(self.test))]

    # tokenizer, encoder, head

    @cached_property
    def encoder(self) -> Encoder:
        """A frozen ViT of two blocks of width `WIDTH`, with random weights."""
        return small_encoder(WIDTH)

    def make_tokenizer(self, width: int | None = None, *, calibrated: bool = True, **options: Any) -> Tokenizer:
        """A new tokenizer with `tokenizer_options`, in evaluation mode.

        Args:
            width: None: `WIDTH`.
            calibrated: On the demo's training split.
            options: Further options of the tokenizer.
        """
        encoder = self.encoder if width is None or width == WIDTH else small_encoder(width)
        return self.make_tokenizer_for(encoder, calibrated=calibrated, **options)

    def make_tokenizer_for(self, encoder: Encoder, *, calibrated: bool = True, **options: Any) -> Tokenizer:
        """The same, for this encoder."""
        chosen = {**self.tokenizer_options, **options}
        tokenizer = make_tokenizer(self.tokenizer_class, encoder, chosen, seed=0)
        if calibrated and self.calibration:
            with seeded(0):
                tokenizer.restore(self.calibration)
        return tokenizer.eval()

    @cached_property
    def calibration(self) -> dict[str, Any]:
        """What `calibrate` learns from the demo's training split."""
        tokenizer = self.make_tokenizer(calibrated=False)
        with seeded(0):
            tokenizer.calibrate(iter(self.train_examples))
        return tokenizer.calibration()

    def make_head(self) -> Head:
        """A new head for the demo's task, with the options of the recipe: the plugin's own if it accepts the task."""
        suggested = self.manifest.recipe.get("head", {})
        with seeded(0):
            head = default_head(WIDTH, self.train.task, self.head_class, suggested=suggested, options=suggested)
            head.calibrate(self.train.targets())
        return head

    def batch(self, tokenizer: Tokenizer, samples: Sequence[Any] | None = None) -> dict[str, Tensor]:
        """Samples, by default `self.samples`, prepared and collated."""
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
            return self.features(self.make_tokenizer())

    @contextmanager
    def _temporary_files_in(self, folder: Path) -> Iterator[None]:
        folder.mkdir(exist_ok=True)
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before


def once(function: Callable[[PluginFixture], T]) -> Callable[[PluginFixture], T]:
    """Make a function of a plugin compute its result once for each plugin and return that at later calls."""

    @wraps(function)
    def cached(plugin: PluginFixture) -> T:
        if function not in plugin.computed:
            plugin.computed[function] = function(plugin)
        return cast(T, plugin.computed[function])

    return cached


def small_encoder(width: int, seed: int = 0) -> Encoder:
    """A frozen ViT of two blocks, with random weights drawn from a seed."""
    architecture = "vit_tiny_patch16_224"
    vit = build_vit(architecture, embed_dim=width, depth=2, num_heads=2, img_size=32)
    draw_weights(vit.state_dict(), seed)
    name = f"two random blocks of width {width}"
    return Encoder(parts_of(vit), name=name, description=name, is_trained=False, mean=_MEAN, std=_STD)
