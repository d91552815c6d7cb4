"""Tokenizer, frozen encoder and head, composed: `y = head(encoder(tokenizer(x)))`. No files and no training.

Source: Zhang et al. 2023 (Meta-Transformer), arXiv:2307.10802, section 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mt_core import hooks
from mt_core.contract import Alignment, AnyTask, Features, Head, Options, Tokenizer
from mt_core.encoder import Encoder
from mt_core.encoder.fingerprint import fingerprint
from mt_core.errors import OptionError
from mt_core.heads import ProjectionHead, default_head
from mt_core.plugins import Plugin, get


@dataclass(frozen=True)
class ParameterCounts:
    """Parameters of an assembled model, counted from the model itself.

    Attributes:
        trainable: Those that an optimiser would change.
        frozen: Those that it would not.
        tokenizer, encoder, head: All of each part.
    """

    trainable: int
    frozen: int
    tokenizer: int
    encoder: int
    head: int


@dataclass(frozen=True)
class MergedAdapters:
    """Adapters whose product with each other is in the weights of an encoder.

    Attributes:
        tensors: By their names in a run's weights.
        base_fingerprint: Of the encoder without them.
    """

    tensors: Mapping[str, Tensor]
    base_fingerprint: str


class MetaTransformer(nn.Module):
    """One modality's model. `mt.load` makes one.

    Args:
        modality: Name of the plugin.
        tokenizer: Raw samples to tokens.
        encoder: The frozen encoder.
        head: Features to predictions; None until there is a task.
        seed: What the tokenizer's weights were drawn from.
        provenance: One line that goes with every output on how tokenizer and head came to be.

    Attributes:
        typical_target: The most frequent class, the mean, or the most usual boxes, of the training targets, for a
            constant answer.
        seen: Hashes of the samples that it was trained on or selected by, sorted uint64; None where not recorded.
        data_options: The dataset's options that it was trained with, which evaluation repeats; None: it was not trained
            on a folder.
        view_for: Which purpose's view was taken, where none was named and the modality has several; None elsewhere.
        trained_on: The data and the settings of its training, which its controls are trained by; None: not trained.
        started_from: The run whose tokenizer was adapted without labels, where training starts from one: its `run`, a
            folder, and its `tokenizer_fingerprint`; else None.
        merged: Adapters that were added to the encoder's weights before; None: the encoder is as it was loaded.
        run: The folder of its run: that it was loaded from, or trained to; "" where it has none.
    """

    def __init__(
        self,
        modality: str,
        tokenizer: Tokenizer,
        encoder: Encoder,
        head: Head | None = None,
        *,
        seed: int = 0,
        provenance: str = "",
    ) -> None:
        super().__init__()
        self.modality = modality
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.head = head
        self.seed = seed
        self.provenance = provenance or f"tokenizer untrained, seed {seed}"
        self.data_options: Options | None = None
        self.typical_target: Any = None
        self.seen: Any = None
        self.trained_on: Any = None
        self.started_from: Mapping[str, Any] | None = None
        self.merged: MergedAdapters | None = None
        self.view_for: Purpose | None = None
        self.run = ""

    def with_encoder(self, encoder: Encoder) -> MetaTransformer:
        """The same model, sharing tokenizer and head, with another encoder of the same width."""
        shared = copy(self)
        shared._modules = dict(self._modules)
        shared.encoder = encoder
        return shared

    @property
    def device(self) -> torch.device:
        return next(chain(self.encoder.parameters(), self.tokenizer.parameters()), torch.zeros(())).device

    @property
    def description(self) -> str:
        """One line that says what stands behind every number of this model."""
        return f"{self.modality}: {self.provenance}; encoder: {self.encoder.description}"

    def encode(self, batch: Mapping[str, Tensor]) -> Features:
        """Features of a batch that `tokenizer.collate` made, through the hooks around tokenizer and encoder."""
        tokens = hooks.call("mt_tokenize", modality=self.modality, tokenizer=self.tokenizer, batch=batch)
        features: Features = hooks.call("mt_encode", modality=self.modality, encoder=self.encoder, tokens=tokens)
        return features

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The head's unnormalised scores.

        Raises:
            OptionError: a model without a head.
        """
        features = self.encode(batch)
        output: Tensor = hooks.call("mt_predict", modality=self.modality, head=self.require_head(), features=features)
        return output

    def require_head(self) -> Head:
        if self.head is None and self.started_from is not None:
            raise without_head(self.modality, self.started_from["run"])
        if self.head is None:
            raise OptionError(
                f"this {self.modality} model has no head, because it has not been trained",
                fix="train it with mt.fit(model, ...), or mt.load_run the folder of a run",
            )
        return self.head

    def attach_head(
        self,
        task: AnyTask,
        preferred: type[Head] | None = None,
        **options: Any,
    ) -> Head:
        """Make and attach a head for a task, its weights drawn from this model's seed."""
        plugin = get(self.modality)
        preferred = preferred if preferred is not None else plugin.head
        suggested = dict(plugin.manifest.recipe.get("head", {}))
        if len(self.tokenizer.inputs) > 1:
            suggested["parts"] = len(self.tokenizer.inputs)
            options = {"parts": suggested["parts"], **options}
        with seeded(self.seed + 1):
            self.head = default_head(self.encoder.feature_width, task, preferred, suggested=suggested, options=options)
        self.head.to(self.device)
        return self.head

    def parameter_counts(self) -> ParameterCounts:
        """Parameters of the assembled model as it stands now: what has `requires_grad` is trainable."""
        return ParameterCounts(
            trainable=sum(p.numel() for p in self.parameters() if p.requires_grad),
            frozen=sum(p.numel() for p in self.parameters() if not p.requires_grad),
            tokenizer=sum(p.numel() for p in self.tokenizer.parameters()),
            encoder=sum(p.numel() for p in self.encoder.parameters()),
            head=sum(p.numel() for p in self.head.parameters()) if self.head is not None else 0,
        )

    def tokenizer_fingerprint(self) -> str:
        """SHA-256 over the tokenizer's options, calibration and tensors."""
        record = {
            "modality": self.modality,
            "options": self.tokenizer.options.model_dump(mode="json"),
            "calibration": self.tokenizer.calibration(),
        }
        return fingerprint(self.tokenizer.state_dict(), json.dumps(record, sort_keys=True))


def without_head(modality: str, run: str) -> OptionError:
    """The error for predictions asked of a run that was adapted without labels."""
    return OptionError(
        f"the {modality} run in {run} was adapted without labels and has no head, so that it gives vectors alone",
        fix=f"train one that starts from it: mt train {modality} --data DIR --out runs/b --from {run}",
    )


def on_device(model: MetaTransformer, device: str | torch.device | None) -> MetaTransformer:
    """The model on a device; None: where it is.

    Raises:
        OptionError: the device is not available.
    """
    if device is None:
        return model
    try:
        return model.to(device)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise OptionError(
            f"device={str(device)!r} cannot be used ({str(error).splitlines()[0]})",
            fix="use cpu; mt doctor shows what there is",
        ) from error


Purpose = Literal["embed", "train"]
"""What a model is loaded for: vectors without training, or training."""


def default_view(
    plugin: Plugin, encoder: Encoder, purpose: Purpose, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The option `view` that the plugin's manifest names for this kind of encoder; {} where it has no views, where the
    encoder has no patch embedding for pictures to enter by, or where the options given belong to another view."""
    views = plugin.manifest.views
    if views is None or encoder.native_patch is None or "view" not in plugin.tokenizer.Options.model_fields:
        return {}
    view = {"view": getattr(views, purpose) if encoder.is_trained else views.untrained or getattr(views, purpose)}
    suggested = plugin.tokenizer.suggested_options(encoder)
    try:
        plugin.tokenizer.Options.parse({**suggested, **view, **(given or {})})
    except OptionError:
        return {}  # what is wrong in any view is refused where the tokenizer is made
    return view


def check_view(tokenizer_class: type[Tokenizer], options: Mapping[str, Any]) -> None:
    """Refuse a view for a modality that has one alone.

    Raises:
        OptionError: says which.
    """
    if "view" in options and "view" not in tokenizer_class.Options.model_fields:
        is_picture = tokenizer_class.draw is not Tokenizer.draw
        what = "its samples are pictures already" if is_picture else "its own tokens, and no drawing of its samples"
        raise OptionError(f"view={options['view']}: this modality has one view, {what}", fix="leave the view out")


def make_tokenizer(
    tokenizer_class: type[Tokenizer],
    encoder: Encoder,
    options: Mapping[str, Any],
    seed: int,
    *,
    init_from_encoder: bool = True,
    purpose: Purpose = "embed",
) -> Tokenizer:
    """A tokenizer for an encoder, its weights drawn from a seed, then started from the encoder's.

    What the options do not say is as the tokenizer suggests for this encoder, else the default.
    """
    check_view(tokenizer_class, options)
    chosen = tokenizer_class.Options.parse(tokenizer_class.options_for(encoder, options, purpose))
    with seeded(seed):
        tokenizer = tokenizer_class(encoder.width, chosen)
    if init_from_encoder:
        tokenizer.init_from_encoder(encoder)
    return tokenizer


def new_model(
    plugin: Plugin,
    encoder: Encoder,
    *,
    purpose: Purpose,
    seed: int,
    device: str | torch.device | None,
    options: Mapping[str, Any],
) -> MetaTransformer:
    """A modality's model on an encoder: an untrained tokenizer with these options, the view that its manifest names
    for this purpose where they name none, and no head; for vectors the encoder's own projection, where it has one and
    what the tokens are made by is all its own.

    Raises:
        OptionError: an unknown option, or a device that is not available.
    """
    view = default_view(plugin, encoder, purpose, options)
    tokenizer = make_tokenizer(plugin.tokenizer, encoder, {**view, **options}, seed, purpose=purpose)
    model = MetaTransformer(plugin.name, tokenizer, encoder, seed=seed)
    model.view_for = purpose if view and "view" not in options else None
    if purpose == "embed":
        _attach_projection(model)
    return on_device(model, device)


def _attach_projection(model: MetaTransformer) -> None:
    tower = model.encoder.tower
    if tower is None or model.encoder.layers is not None or not model.tokenizer.is_native_to(model.encoder):
        return
    head = ProjectionHead(model.encoder.width, Alignment(space=tower.space, width=tower.projection.shape[1]))
    head.take(tower.projection)
    model.head = head.eval()
    model.provenance = "by the encoder's own embedding and projection"


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it torch's global CPU generator starts from a seed; afterwards it is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
