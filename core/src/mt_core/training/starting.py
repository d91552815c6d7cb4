"""Training that starts from a tokenizer which was adapted without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from mt_core.encoder import Encoder, parse_layers
from mt_core.model import MetaTransformer
from mt_core.training.run import load_run
from mt_core.training.run_record import check_adapted


def load_adapted(
    folder: str | Path,
    modality: str,
    *,
    encoder: str | Path | Encoder | None = None,
    layers: Sequence[int] | str | None = None,
    token_budget: int | str | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> MetaTransformer:
    """The model of a run that was adapted without labels, to train a head on.

    Args:
        folder: The run folder.
        modality: That it must be of.
        encoder: As for `load_run`.
        layers: The blocks whose outputs stand side by side in the features; None: as in the run.
        token_budget: As for `mt_core.load`; None: as in the run.
        seed: For the weights of the head.

    Raises:
        RunError: no run, one of another modality, or one that has a head.
        FingerprintError: another encoder than the one that it was adapted to.
    """
    check_adapted(Path(folder), modality)
    model = load_run(folder, encoder=encoder, device=device)
    model.seed = seed
    if layers is not None:
        model.encoder = model.encoder.with_layers(parse_layers(layers, model.encoder.depth))
    if token_budget is not None:
        model.encoder = model.encoder.with_budget(token_budget)
    return model
