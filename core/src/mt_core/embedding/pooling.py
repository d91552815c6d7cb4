"""What a vector is made of, where the user does not say it."""

from __future__ import annotations

from mt_core.contract import Pool
from mt_core.data.pooled_vectors import VectorsFrom
from mt_core.encoder import parse_layers
from mt_core.encoder.layers import QUARTERS
from mt_core.heads import ProjectionHead
from mt_core.model import MetaTransformer

_LEAST_DEPTH = 4


def for_vectors(model: MetaTransformer, pool: Pool | None) -> tuple[MetaTransformer, VectorsFrom]:
    """The model, and what makes a vector of its features.

    Args:
        pool: As the user gave it; None: what the head makes, where it makes vectors of its own (`Head.vectors`), else
            see `for_pooling`.

    Returns:
        The model itself, or one that shares its parts.
    """
    if pool is None and model.head is not None and model.head.vector_width is not None:
        return model, "head"
    return for_pooling(model, pool)


def for_pooling(model: MetaTransformer, pool: Pool | None = None) -> tuple[MetaTransformer, Pool]:
    """The model and the pooling of its features.

    Args:
        pool: As the user gave it; None: of a model that was not trained [CLS] and mean of the blocks at each quarter of
            the encoder, which was measured to be the best of what was tried (docs/evidence.md); of a model that was,
            or whose layers were chosen, or of fewer than four blocks, the mean; with the encoder's own projection what
            that reads, [CLS].

    Returns:
        The model itself, or one that shares its parts.
    """
    if pool is not None:
        return model, pool
    encoder = model.encoder
    if isinstance(model.head, ProjectionHead):
        return model, model.head.options.pool
    if model.head is not None or encoder.layers is not None or encoder.depth < _LEAST_DEPTH:
        return model, "mean"
    layered = encoder.with_layers(parse_layers(QUARTERS, encoder.depth))
    provenance = model.provenance
    shared = MetaTransformer(model.modality, model.tokenizer, layered, seed=model.seed, provenance=provenance)
    shared.run = model.run
    return shared.train(model.training), "cls+mean" if encoder.has_cls else "mean"
