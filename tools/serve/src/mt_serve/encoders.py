"""The encoders of a server, at work in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from mt_core import hooks
from mt_serve.asks import Ask, Asks
from mt_serve.batching import Batcher, BatchSize
from mt_serve.runs import Runs
from mt_serve.searching import SearchedIndex
from mt_serve.settings import Settings

_PASSES = 2
"""On a CPU; more were not faster (benchmarks/serving.py)."""


class Encoders:
    """A queue an encoder. Use it in a `with`.

    Args:
        indexes: By name.
        num_coming: How many requests are on their way to the queues.
        observe: Is given the size of each batch.
    """

    def __init__(
        self,
        runs: Runs,
        indexes: Mapping[str, SearchedIndex],
        settings: Settings,
        *,
        num_coming: Callable[[], int],
        observe: Callable[[BatchSize], object],
    ) -> None:
        self.runs, self.asks = runs, Asks(runs, indexes)
        num_passes = min(_PASSES, torch.get_num_threads()) if _may_pass_side_by_side(runs) else 1
        self.batchers = {
            fingerprint: Batcher(
                window_s=settings.window_s,
                max_tokens=settings.max_tokens,
                num_passes=num_passes,
                num_coming=num_coming,
                observe=observe,
            )
            for fingerprint in runs.fingerprints
        }
        self._open = ExitStack()

    def __enter__(self) -> Encoders:
        with ExitStack() as stack:
            for run in self.runs:
                stack.enter_context(hooks.session(run.model.modality, "predict"))
            for batcher in self.batchers.values():
                stack.enter_context(batcher)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._open.__exit__(*raised)

    def submit(self, ask: Ask, items: Sequence[dict[str, Tensor]]) -> Future[list[Any]]:
        """See `Encodes`."""
        work = self.asks.work(ask, items)
        return self.batchers[work.model.encoder.fingerprint].submit(work)

    def __len__(self) -> int:
        return sum(map(len, self.batchers.values()))


def _may_pass_side_by_side(runs: Runs) -> bool:
    """Whether all is computed on a CPU, and no plugin acts around it: hooks are called for one batch at a time."""
    is_on_cpu = all(run.model.device.type == "cpu" for run in runs)
    return is_on_cpu and not any(map(hooks.is_wrapped, ("mt_tokenize", "mt_encode", "mt_predict")))
