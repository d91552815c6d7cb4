"""One vector a sample, from the feature cache where it is there, else computed and kept.

A vector depends on the encoder's weights and layers, the tokenizer's weights, options and calibration, the pooling (or
the head, where it makes vectors of its own), the precision, the code that computes it, and on the sample as it was
prepared, to the bit. What was read from which file under which name does not matter.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from importlib_metadata import version
from torch import Tensor

from mt_core import hooks
from mt_core.contract import Features, Head, Pool, Tokenizer, pooled_width
from mt_core.data.backed_model import with_precision
from mt_core.data.batches import encoding, features_of
from mt_core.data.feature_cache import KEY_BYTES, FeatureCache, Vector
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import runtime_version
from mt_core.encoder.fingerprint import fingerprint
from mt_core.errors import ContractError
from mt_core.model import MetaTransformer

VectorsFrom = Pool | Literal["head"]
"""What makes a vector of a sample's features: a pooling, or `Head.vectors`."""

_VERSIONS = ("mt-core", "torch", "timm")
"""Distributions whose code computes vectors; timm that of encoders which it alone knows."""


def vector_width(model: MetaTransformer, pool: VectorsFrom) -> int:
    """The width of the vectors that a model's features become."""
    if pool == "head":
        width = model.require_head().vector_width
        assert width is not None
        return width
    return pooled_width(model.encoder.feature_width, pool)


def vectors_from(model: MetaTransformer, features: Features, pool: VectorsFrom, parts: int = 1) -> Tensor:
    """(B, width) float32 vectors of features.

    Raises:
        ContractError: a head that has a `vector_width` gives no vectors of that width.
    """
    if pool != "head":
        return features.pool(pool, parts).float()
    head = model.require_head()
    vectors = head.vectors(features)
    if vectors is None or vectors.shape[1:] != (head.vector_width,):
        given = "none" if vectors is None else f"some of shape {tuple(vectors.shape)}"
        raise ContractError(
            f"{type(head).__name__} says that its vectors are {head.vector_width} wide, and gives {given}",
            fix="give a pooling (--pool mean), and report this to the maintainers of the head",
        )
    return vectors.float()


def vector_identity(model: MetaTransformer, pool: VectorsFrom, precision: Precision) -> dict[str, Any]:
    """What all vectors of a model depend on, apart from the samples, for people and for a hash."""
    return {
        "modality": model.modality,
        "encoder_fingerprint": model.encoder.fingerprint,
        "tokenizer_fingerprint": model.tokenizer_fingerprint(),
        "pool": pool,
        **model.encoder.choices,
        "precision": precision,
        **({"head_fingerprint": _head_fingerprint(model.require_head())} if pool == "head" else {}),
    }


def _head_fingerprint(head: Head) -> str:
    made_with = {"class": type(head).__qualname__, "options": head.options.model_dump(mode="json")}
    return fingerprint(head.state_dict(), json.dumps(made_with, sort_keys=True))


class PooledVectors:
    """Vectors of prepared samples. Use it in a `with`, at whose end what was computed is on disk.

    Hooks around tokenizer or encoder change vectors and are in no identity: with them nothing is kept.

    Args:
        precision: As `resolve_precision` gave it.
        use_cache: False: everything is computed, and nothing kept.
        parts: See `Features.pool`.
    """

    def __init__(
        self,
        model: MetaTransformer,
        pool: VectorsFrom,
        precision: Precision,
        *,
        use_cache: bool = True,
        parts: int = 1,
    ) -> None:
        self.model, self.pool, self.precision = with_precision(model, precision), pool, precision
        self.parts = parts
        self.cache: FeatureCache | None = None
        self.num_computed = 0
        if use_cache and not (hooks.is_wrapped("mt_tokenize") or hooks.is_wrapped("mt_encode")):
            cache = FeatureCache(
                {
                    **vector_identity(model, pool, precision),
                    "device": model.device.type,
                    "versions": {name: version(name) for name in _VERSIONS} | runtime_version(precision),
                    "code": [_code_of(package) for package in _packages(model.tokenizer)],
                    **({"parts": parts} if parts > 1 else {}),
                },
                {"encoder": str(model.encoder.name)},
            )
            self.cache = cache if cache.limit else None

    def of(self, items: Sequence[dict[str, Tensor]]) -> Vector:
        """(n, width) float32 vectors of n prepared samples, at least one."""
        if self.cache is None:
            return self._computed(items)
        keys = [sample_key(item) for item in items]
        known = self.cache.get(keys)
        missing = [index for index, vector in enumerate(known) if vector is None]
        if missing:
            computed = self._computed([items[index] for index in missing])
            self.cache.put([keys[index] for index in missing], computed)
            for index, vector in zip(missing, computed, strict=True):
                known[index] = vector
        return np.stack(known)  # type: ignore[arg-type]

    def _computed(self, items: Sequence[dict[str, Tensor]]) -> Vector:
        self.num_computed += len(items)
        with encoding(self.model, self.precision):
            vectors: Vector = (
                vectors_from(self.model, features_of(self.model, items), self.pool, self.parts).cpu().numpy()
            )
        return vectors

    def __enter__(self) -> PooledVectors:
        return self

    def __exit__(self, *_: object) -> None:
        if self.cache is not None:
            self.cache.flush()


def sample_key(item: dict[str, Tensor]) -> bytes:
    """A hash of a prepared sample: every name, type, shape and bit of its tensors."""
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    for name in sorted(item):
        tensor = item[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.digest()


def _packages(tokenizer: Tokenizer) -> list[str]:
    """Those of a tokenizer and of the tokenizers that it is made of."""
    own = [each for each in tokenizer.modules() if isinstance(each, Tokenizer)]
    return sorted({type(each).__module__.partition(".")[0] for each in own})


@functools.cache
def _code_of(package: str) -> str:
    """A hash of the source code that computes vectors, so that vectors of older code are not used."""
    core = Path(__file__).parents[1]
    parts = [core / "encoder", core / "sdk" / "blocks", core / "contract" / "tokens.py"]
    parts.append(core / "data" / "probe_tokens.py")  # what int8 is calibrated on
    found = getattr(sys.modules.get(package), "__file__", None)
    if found is not None and Path(found).parent != core:
        parts.append(Path(found).parent)
    files = [path for part in parts for path in (sorted(part.rglob("*.py")) if part.is_dir() else [part])]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
