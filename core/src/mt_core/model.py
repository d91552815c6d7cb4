"""Tokenizer, frozen encoder and head, composed: `y = head(encoder(tokenizer(x)))`.

Source: Zhang et al. 2023 (Meta-Transformer), arXiv:2307.10802, section 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mt_core.contract import (
    AnyTask,
    Features,
    Head,
    ModalityDataset,
    Pool,
    Tokenizer,
)
from mt_core.encoder import Encoder, fingerprint, load_encoder
from mt_core.errors import OptionError
from mt_core.heads import default_head
from mt_core.plugins import get, hooks

if TYPE_CHECKING:
    import numpy as np

    from mt_core.training import FitResult, Recipe


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
        data_options: The dataset's options that it was trained with, which evaluation repeats.
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
        self.data_options: dict[str, Any] = {}

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
        if self.head is None:
            raise OptionError(
                f"this {self.modality} model has no head, because it has not been trained",
                fix="train it with fit(...), or load the folder of a run",
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
        suggested = plugin.manifest.recipe.get("head", {})
        with seeded(self.seed + 1):
            self.head = default_head(self.encoder.width, task, preferred, suggested=suggested, **options)
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

    # the front door: each is one call into the folder that does it

    def embed(self, sources: Any, *, pool: Pool = "mean", batch_size: int = 32) -> np.ndarray:
        """Vectors of files or objects.

        Args:
            sources: One source or several: paths, and whatever the modality's tokenizer reads from memory.
            pool: See `Features.pool`.
            batch_size: Samples encoded at a time.

        Returns:
            (rows, width) float32, in order; a source that holds many samples (a table) gives as many rows.

        Raises:
            InputError: a source that cannot be read. `embed_files` goes on past those.
        """
        from mt_core.embedding import embed_in_memory

        return embed_in_memory(self, as_sources(sources), pool=pool, batch_size=batch_size)

    def predict(self, sources: Any, *, batch_size: int = 32) -> list[dict[str, Any]]:
        """Predictions for files or objects, one a sample: `source`, `row` and what the head's `decode` gives.

        Raises:
            InputError: a source that cannot be read.
            OptionError: a model without a head.
        """
        from mt_core.embedding import predict_in_memory

        return predict_in_memory(self, as_sources(sources), batch_size=batch_size)

    def fit(
        self,
        data: str | Path | ModalityDataset,
        val: ModalityDataset | None = None,
        *,
        out: str | Path | None = None,
        resume: bool = False,
        overwrite: bool = False,
        data_options: Mapping[str, Any] | None = None,
        recipe: Recipe | None = None,
        **settings: Any,
    ) -> FitResult:
        """Train on a folder that the plugin knows, or on a dataset.

        Args:
            data: The training data; a folder's "val" split, or a seeded part of "train", selects the model.
            val: Where `data` is a dataset: what selects the model; None: a seeded part of `data`.
            out: The run folder; None: a temporary one.
            resume: Go on with the interrupted run in `out`.
            overwrite: Replace a run in `out`.
            data_options: The dataset's own options, for a folder.
            recipe: All settings at once; else `settings` are fields of `Recipe` over the modality's defaults.

        Returns:
            The metrics of the epoch that was kept and the run folder; this model is left with its weights.
        """
        from mt_core.training import fit

        return fit(
            self,
            data,
            val,
            out=out,
            resume=resume,
            overwrite=overwrite,
            data_options=data_options,
            recipe=recipe,
            **settings,
        )

    def evaluate(
        self, data: str | Path | ModalityDataset, split: str | None = None, **options: Any
    ) -> dict[str, float]:
        """Metrics on a folder's split ("test" where there is one) or on a dataset."""
        from mt_core.training import evaluate

        return evaluate(self, data, split, **options)


def load(
    modality_or_run: str | Path,
    *,
    encoder: str | Path | Encoder | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    **options: Any,
) -> MetaTransformer:
    """A model of a modality, or the model of a run.

    Args:
        modality_or_run: "image", "pointcloud", … or the folder of a run.
        encoder: A name of the catalogue, a file, or an encoder shared between models; None: the default, or the run's.
        seed: For the weights of a tokenizer that was never trained: the same seed, the same tokenizer.
        device: "cpu", "cuda", …; None: CPU.
        options: The tokenizer's.

    Raises:
        PluginError: no such modality, or a plugin that cannot be used.
        EncoderError: the encoder cannot be had, or is not the one that the run was trained on.
        OptionError: an unknown option; options for a run.
        RunError: a folder that holds no run.
    """
    path = Path(modality_or_run)
    if (
        (path / "run.json").is_file()
        or len(path.parts) > 1
        or (path.is_dir() and not str(modality_or_run).isidentifier())
    ):
        from mt_core.training import load_run

        if options:
            raise OptionError(
                f"a run has its own options; {', '.join(options)} cannot be changed", fix="leave them out"
            )
        return load_run(path, encoder=encoder, device=device)
    plugin = get(str(modality_or_run))
    ready = encoder if isinstance(encoder, Encoder) else load_encoder(encoder)
    tokenizer = make_tokenizer(plugin.tokenizer, ready, options, seed)
    model = MetaTransformer(plugin.name, tokenizer, ready, seed=seed)
    return on_device(model, device)


def on_device(model: MetaTransformer, device: str | torch.device | None) -> MetaTransformer:
    """The model on a device; None: where it is.

    Raises:
        OptionError: a device that there is not.
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


def make_tokenizer(
    tokenizer_class: type[Tokenizer], encoder: Encoder, options: Mapping[str, Any], seed: int, *, adopt: bool = True
) -> Tokenizer:
    """A tokenizer for an encoder, its weights drawn from a seed and then adopted from the encoder."""
    with seeded(seed):
        tokenizer = tokenizer_class(encoder.width, tokenizer_class.Options.parse(options))
    if adopt:
        tokenizer.adopt(encoder)
    return tokenizer


def as_sources(sources: Any) -> Sequence[Any]:
    """One source or several, as a list of them."""
    if isinstance(sources, str | Path | bytes) or (not isinstance(sources, list | tuple) and not _is_stream(sources)):
        return [sources]
    return list(sources)


def _is_stream(sources: Any) -> bool:
    """Generators, iterators and maps are several sources; arrays, frames, mappings and pictures are one."""
    return isinstance(sources, Iterable) and hasattr(sources, "__next__")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it torch's global CPU generator starts from a seed; afterwards it is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
