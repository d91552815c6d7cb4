"""Which vectors can be compared with which.

A cosine means something between vectors of one space. Two models have a space in common where they were trained to:
then both name it, as `space` in the metadata of their vectors. All other vectors are compared with those alone that the
very same model made. The precision that a model computes in makes no other space: it changes the last digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mt_core.embedding.spaces import space_of as digest_of

_MADE_WITH = (
    "modality",
    "encoder_fingerprint",
    "tokenizer_fingerprint",
    "head_fingerprint",
    "pool",
    "layers",
    "token_budget",
)
_NAMES = {
    "encoder_fingerprint": "encoder",
    "tokenizer_fingerprint": "tokenizer or calibration",
    "head_fingerprint": "head",
    "pool": "pooling",
}

Space = Mapping[str, Any]
"""What is the same for all vectors that can be compared, as JSON can hold it."""


def space_of(metadata: Mapping[str, Any]) -> Space:
    """The space that vectors are in.

    Args:
        metadata: Of a file of vectors: the keys that begin with "mt.", without that.
    """
    if metadata.get("space") is not None:
        return {"space": metadata["space"], "width": metadata.get("width")}
    return {**{key: metadata.get(key) for key in _MADE_WITH}, "width": metadata.get("width")}


def difference(one: Space, other: Space) -> str:
    """What tells two spaces apart, with both values: "pooling (mean, cls)"; "" where they are the same."""
    if ("space" in one) != ("space" in other):
        named, alone = (one, other) if "space" in one else (other, one)
        if named["space"] == digest_of(alone):
            return ""  # bound to the vectors of that model
        return f"space ({named['space']}, and that of one {alone['modality']} model)"
    differing = [key for key in (*one, *other) if one.get(key) != other.get(key)]
    return ", ".join(
        f"{_NAMES.get(key, key)} ({_short(one.get(key))}, {_short(other.get(key))})" for key in dict.fromkeys(differing)
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:12]}…"
