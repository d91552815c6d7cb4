"""What a vector is made of, where the user does not say it."""

from __future__ import annotations

from mt_core.contract import Pool
from mt_core.encoder import parse_layers
from mt_core.encoder.layers import QUARTERS
from mt_core.model import MetaTransformer

_LEAST_DEPTH = 4


def for_vectors(model: MetaTransformer, pool: Pool | None) -> tuple[MetaTransformer, Pool]:
    """The model and the pooling that vectors are made with.

    Args:
        pool: As the user gave it; None: of a model that was not trained [CLS] and mean of the blocks at each quarter of
            the encoder, which was measured to be the best of what was tried (docs/evidence.md); of a model that was,
            or whose layers were chosen, or of fewer than four blocks, the mean.

    Returns:
        The model itself, or one that shares its parts.
    """
    if pool is not None:
        return model, pool
    encoder = model.encoder
    if model.head is not None or encoder.layers is not None or encoder.depth < _LEAST_DEPTH:
        return model, "mean"
    layered = encoder.with_layers(parse_layers(QUARTERS, encoder.depth))
    provenance = model.provenance
    shared = MetaTransformer(model.modality, model.tokenizer, layered, seed=model.seed, provenance=provenance)
    return shared.train(model.training), "cls+mean" if encoder.has_cls else "mean"
