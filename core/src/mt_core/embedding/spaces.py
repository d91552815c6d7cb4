"""Which files of vectors can be compared with each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_DECIDING = ("encoder_fingerprint", "tokenizer_fingerprint", "head_fingerprint", "pool", "layers", "width")


def space_of(metadata: Mapping[str, Any]) -> str:
    """The name of the space that a file's vectors are in: the one that it names, where samples of several modalities
    share one, else a digest of the model that made them. Vectors of the same space can be compared.

    Args:
        metadata: As `mt_core.embedding.vectors.metadata_of` gives them.
    """
    if metadata.get("space"):
        return str(metadata["space"])
    made_by = {name: metadata.get(name) for name in _DECIDING}
    if metadata.get("token_budget"):
        made_by["token_budget"] = metadata["token_budget"]
    return hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()[:16]
