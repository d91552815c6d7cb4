"""One request from its samples to its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import Pool
from mt_core.embedding.memory import records_of
from mt_core.embedding.shown import as_png, draw_sample
from mt_serve.asks import Ask, Encodes
from mt_serve.limits import Limits
from mt_serve.metrics import Metrics
from mt_serve.reading import Readers, Samples
from mt_serve.refusals import Refusal, as_record
from mt_serve.runs import ServedRun

SAMPLES_SHOWN = 4
SAMPLES_AT_ONCE = 32
"""Of a request of more samples the parts queue one after another, so that others come in between."""


class Desk:
    """What answers requests: readers, and encoders."""

    def __init__(self, readers: Readers, encodes: Encodes, limits: Limits, metrics: Metrics) -> None:
        self.readers, self.encodes, self.limits, self.metrics = readers, encodes, limits, metrics

    async def read(self, run: ServedRun, folder: Path, sources: Mapping[str, Any]) -> Samples:
        """The samples of a request, at least one.

        Raises:
            MtError: none could be read.
        """
        loop = asyncio.get_running_loop()
        samples = await loop.run_in_executor(self.readers.threads, self.readers.read, run.name, folder, sources)
        self.metrics.read(run.name, len(samples.items), len(samples.errors))
        if not samples.items:
            raise samples.errors[0][1] if samples.errors else Refusal("the request holds no sample", status=422)
        return samples

    async def predict(self, run: ServedRun, samples: Samples) -> list[dict[str, Any]]:
        """One prediction a sample, or a recording whose steps have classes, as `mt_core.predict` gives it."""
        answers = await self._through(run, Ask(run.name, "answers"), samples)
        head = run.model.require_head()
        records = records_of(run.model, samples.places, answers)
        return [{**record, "text": head.format_prediction(record)} for record in records]

    async def embed(
        self, run: ServedRun, samples: Samples, *, pool: Pool | None = None, index: str | None = None
    ) -> np.ndarray:
        """(n, width) one vector a sample, as `mt_core.embed` gives it, or as they are in an index."""
        return np.stack(await self._through(run, Ask(run.name, "vectors", pool, index), samples))

    async def show(self, run: ServedRun, samples: Samples) -> tuple[bytes, str]:
        """A PNG of the first samples as the encoder sees them, a row each, and what it is in one line."""

        def drawn() -> tuple[bytes, str]:
            found = [draw_sample(run.model, item) for item in samples.items[:SAMPLES_SHOWN]]
            return as_png([each.pictures for each in found]), "; ".join(each.what for each in found)

        return await asyncio.to_thread(drawn)

    async def _through(self, run: ServedRun, ask: Ask, samples: Samples) -> list[Any]:
        """What becomes of all samples, in order."""
        head = run.model.head
        most = min(SAMPLES_AT_ONCE, (head and head.samples_at_once) or SAMPLES_AT_ONCE)
        parts = [samples.items[at : at + most] for at in range(0, len(samples.items), most)]
        waiting = [asyncio.wrap_future(self.encodes.submit(ask, items)) for items in parts]
        return [each for part in await asyncio.gather(*waiting) for each in part]


def remarks(samples: Samples) -> dict[str, list[Any]]:
    """What a client should know of the samples beside the answer."""
    errors = [{"source": source, **as_record(error)} for source, error in samples.errors]
    return {"errors": errors, "notices": [str(notice) for notice in samples.notices]}
