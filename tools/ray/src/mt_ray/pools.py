"""What runs on the cluster: readers and encoders, each made once in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mt_core.data.messages import from_bytes, to_bytes

Rows = dict[str, list[Any]]
"""A batch of Ray Data: columns of as many values."""


class Reader:
    """Chunks to batches. A process of its own reads the files, so that one which crashes its reader costs itself.

    Args:
        shipped: A reference to the modality, its tokenizer, the batch size and how `read_sources` reads, as bytes.
    """

    def __init__(self, shipped: list[Any]) -> None:
        import cloudpickle
        import ray

        from mt_core.plugins import get

        modality, tokenizer, self.batch_size, self.reading = cloudpickle.loads(ray.get(shipped[0]))
        get(modality)
        self.tokenizer = cloudpickle.loads(tokenizer)

    def __call__(self, rows: Mapping[str, Any]) -> Iterator[Rows]:
        from mt_ray.chunks import read_chunk

        for chunk in rows["chunk"]:
            for piece in read_chunk(self.tokenizer, from_bytes(chunk), self.batch_size, self.reading):
                yield {"piece": [to_bytes(piece)]}


class Encoder:
    """Batches to vectors.

    Args:
        shipped: A reference to the modality, its model, what makes vectors and the precision, as bytes.
        device: "cpu" or "cuda".
    """

    def __init__(self, shipped: list[Any], device: str) -> None:
        import cloudpickle
        import ray
        import torch

        from mt_core.data.pooled_vectors import PooledVectors, vector_width
        from mt_core.model import on_device
        from mt_core.plugins import get

        if device == "cpu":
            torch.set_num_threads(1)  # as batches side by side on one machine
        modality, model, pool, precision = cloudpickle.loads(ray.get(shipped[0]))
        get(modality)
        ready = on_device(cloudpickle.loads(model), device)
        self.width = vector_width(ready, pool)
        self.vectors = PooledVectors(ready, pool, precision, use_cache=False)

    def __call__(self, rows: Mapping[str, Any]) -> Rows:
        import numpy as np

        pieces, vectors = [], []
        for each in rows["piece"]:
            piece = from_bytes(each)
            items = piece.batch.items
            made = self.vectors.of(items) if items else np.zeros((0, self.width), np.float32)
            vectors.append(made.tobytes())
            items.clear()
            pieces.append(to_bytes(piece))
        return {"piece": pieces, "vectors": vectors}
