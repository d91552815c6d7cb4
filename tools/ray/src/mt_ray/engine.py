"""Vectors of many sources by Ray Data: chunks of sources to readers, their batches to encoders, vectors back in order.

The process that asked writes the parts, so that what holds on one machine holds here: what is there after it was killed
is whole parts, and the same command goes on behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mt_core.data.messages import from_bytes, to_bytes
from mt_core.errors import EmbeddingError, MtError
from mt_core.io.urls import is_url

if TYPE_CHECKING:
    import numpy as np

    from mt_core.data.batches import SampleBatch
    from mt_core.embedding.engine import Encoding


class RayEngine:
    """Embeds on a Ray cluster; see `mt_core.embedding.engine.Engine`.

    Args:
        address: Of the cluster: "auto" or "host:port"; None: one is started on this machine, and ended with the work.
        num_workers: Actors that encode, and as many that read; None: as many as the GPUs or half of the CPUs allow.
        gpus_per_worker: GPUs of each actor that encodes; 0: it encodes on the CPU.
    """

    def __init__(self, address: str | None = None, num_workers: int | None = None, gpus_per_worker: float = 0) -> None:
        self.address, self.num_workers, self.gpus_per_worker = address, num_workers, gpus_per_worker

    def encode(self, work: Encoding) -> Iterator[tuple[SampleBatch, np.ndarray]]:
        """Batches in order, each once, with their vectors.

        Raises:
            EmbeddingError: no cluster, or one that lost what cannot be computed again.
            OptionError: more GPUs than the cluster has.
        """
        from mt_ray.chunks import chunks_of
        from mt_ray.cluster import connected, share_of

        if any(is_url(source) and source.startswith("memory://") for source in work.sources):
            raise EmbeddingError(
                "memory:// is of one process alone", fix="leave --engine out, or name a file elsewhere"
            )
        chunks = chunks_of(work.sources, work.first, work.batch_size)
        if not chunks:
            return
        with connected(self.address) as ray:
            num_workers, cpus = share_of(ray, self.num_workers, self.gpus_per_worker)
            num_workers = min(num_workers, len(chunks))
            rows = [{"chunk": to_bytes(chunk)} for chunk in chunks]
            data = ray.data.from_items(rows, override_num_blocks=len(rows))
            # within lists, or Ray would take them for arguments that a worker cannot be started again without
            readers, encoders = ([ray.put(shipped)] for shipped in _shipped(work))
            data = data.map_batches(
                _pool("Reader"), fn_constructor_args=(readers,), batch_size=1, num_cpus=cpus, concurrency=num_workers
            )
            on = "cuda" if self.gpus_per_worker else "cpu"
            data = data.map_batches(
                _pool("Encoder"),
                fn_constructor_args=(encoders, on),
                batch_size=1,
                num_cpus=cpus,
                num_gpus=self.gpus_per_worker or None,
                concurrency=num_workers,
            )
            yield from _results(ray, data, len(chunks))


def _pool(name: str) -> Any:
    import mt_ray.pools

    return getattr(mt_ray.pools, name)


def _shipped(work: Encoding) -> tuple[bytes, bytes]:
    """What readers and what encoders are made of. The modality comes first: its plugin is loaded before its classes."""
    import cloudpickle

    model = work.model
    reading = {**work.reading, "num_workers": 1}
    tokenizer = cloudpickle.dumps(model.tokenizer)
    readers = cloudpickle.dumps((model.modality, tokenizer, work.batch_size, reading))
    encoders = cloudpickle.dumps((model.modality, cloudpickle.dumps(model), work.pool, work.precision))
    return readers, encoders


def _results(ray: Any, data: Any, num_chunks: int) -> Iterator[tuple[SampleBatch, np.ndarray]]:
    import numpy as np

    from mt_ray.order import Order

    order = Order(num_chunks)
    try:
        for rows in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
            for piece, vectors in zip(rows["piece"].to_pylist(), rows["vectors"].to_pylist(), strict=True):
                found = from_bytes(piece)
                order.take(found.chunk, found.turn, found.is_last)
                places = len(found.batch.places)
                yield found.batch, np.frombuffer(vectors, np.float32).reshape(places, -1)
        order.finish()
    except ray.exceptions.RayError as error:
        raise _as_error(error) from error


def _as_error(error: Any) -> MtError:
    """An error of ours that a worker raised, or what became of the cluster."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, MtError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return EmbeddingError(
        f"the Ray cluster gave up ({type(error).__name__}: {lines[-1] if lines else ''})",
        fix="repeat the command: it goes on where it was; ray status shows what the cluster has",
    )
