"""One request from its samples to its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from mt_core.contract import Features
from mt_core.data.batches import encoding
from mt_core.data.pooled_vectors import VectorsFrom, vectors_from
from mt_core.embedding.memory import answers_of, records_of
from mt_core.embedding.shown import as_png, draw_sample
from mt_core.model import MetaTransformer
from mt_serve.batching import Batcher, Finish, Work
from mt_serve.limits import Limits
from mt_serve.metrics import Metrics
from mt_serve.reading import Readers, Samples
from mt_serve.refusals import Refusal, as_record
from mt_serve.runs import ServedRun

SAMPLES_SHOWN = 4
SAMPLES_AT_ONCE = 32
"""Of a request of more samples the parts queue one after another, so that others come in between."""

Answer = TypeVar("Answer")


class Desk:
    """What answers requests: readers, and a queue an encoder.

    Args:
        batchers: By the fingerprints of the encoders.
    """

    def __init__(self, readers: Readers, batchers: dict[str, Batcher], limits: Limits, metrics: Metrics) -> None:
        self.readers, self.batchers, self.limits, self.metrics = readers, batchers, limits, metrics

    async def read(self, run: ServedRun, folder: Path, sources: Mapping[str, Any]) -> Samples:
        """The samples of a request, at least one.

        Raises:
            MtError: none could be read.
        """
        deadline = time.monotonic() + self.limits.seconds
        loop = asyncio.get_running_loop()
        samples = await loop.run_in_executor(
            self.readers.threads, self.readers.read, run.name, folder, sources, deadline
        )
        self.metrics.read(run.name, len(samples.items), len(samples.errors))
        if not samples.items:
            raise samples.errors[0][1] if samples.errors else Refusal("the request holds no sample", status=422)
        return samples

    async def predict(self, run: ServedRun, samples: Samples) -> list[dict[str, Any]]:
        """One prediction a sample, or a recording whose steps have classes, as `mt_core.predict` gives it."""

        def finish(model: MetaTransformer, features: Features, items: Sequence[dict[str, Tensor]]) -> Any:
            return answers_of(model, features, items, run.precision)

        answers = await self._through(run, run.to_predict(), samples, finish)
        head = run.model.require_head()
        records = records_of(run.model, samples.places, answers)
        return [{**record, "text": head.format_prediction(record)} for record in records]

    async def embed(self, run: ServedRun, samples: Samples, model: MetaTransformer, made_by: VectorsFrom) -> np.ndarray:
        """(n, width) one vector a sample, as `mt_core.embed` gives it.

        Args:
            model, made_by: As `ServedRun.to_embed` gave them.
        """

        def finish(model: MetaTransformer, features: Features, items: Sequence[dict[str, Tensor]]) -> Any:
            with encoding(model, run.precision):
                return list(vectors_from(model, features, made_by).cpu().numpy())

        return np.stack(await self._through(run, model, samples, finish))

    async def show(self, run: ServedRun, samples: Samples) -> tuple[bytes, str]:
        """A PNG of the first samples as the encoder sees them, a row each, and what it is in one line."""

        def drawn() -> tuple[bytes, str]:
            found = [draw_sample(run.model, item) for item in samples.items[:SAMPLES_SHOWN]]
            return as_png([each.pictures for each in found]), "; ".join(each.what for each in found)

        return await asyncio.to_thread(drawn)

    async def _through(self, run: ServedRun, model: MetaTransformer, samples: Samples, finish: Finish) -> list[Any]:
        """What `finish` gives of all samples, in order."""
        batcher = self.batchers[run.model.encoder.fingerprint]
        most = min(SAMPLES_AT_ONCE, (model.head and model.head.samples_at_once) or SAMPLES_AT_ONCE)
        parts = [samples.items[at : at + most] for at in range(0, len(samples.items), most)]
        waiting = [asyncio.wrap_future(batcher.submit(Work(model, items, finish, run.precision))) for items in parts]
        return [each for part in await asyncio.gather(*waiting) for each in part]


def remarks(samples: Samples) -> dict[str, list[Any]]:
    """What a client should know of the samples beside the answer."""
    errors = [{"source": source, **as_record(error)} for source, error in samples.errors]
    return {"errors": errors, "notices": [str(notice) for notice in samples.notices]}
