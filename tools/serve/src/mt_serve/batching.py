"""Requests of all modalities to batches of one encoder.

A request that finds the encoder free waits for others no longer than the window, and not at all where no other is on
its way. While the encoder is at work requests queue, and the next batch takes its share of them, as far as the budget
of tokens allows: all, or half where two batches go through the encoder side by side. Tokenizers run one request at a
time; the tokens of a batch go through the encoder as one packed sequence.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mt_core import hooks
from mt_core.contract import Features, Tokens
from mt_core.data.batches import computing
from mt_core.data.precision import Precision
from mt_core.model import MetaTransformer

WINDOW_S = 0.005
MAX_TOKENS = 8192

Finish = Callable[[MetaTransformer, Features, Sequence[dict[str, Tensor]]], Any]
"""Makes of features, of the samples that they are of, what was asked for."""


@dataclass
class Work:
    """Samples of one request on their way through the encoder.

    Attributes:
        model: Of their run, in evaluation mode; its encoder may choose other layers than another's.
        items: Prepared samples.
        finish: What to do with their features.
        answer: What `finish` gave, or why there is nothing.
        tokens: Made when the work is taken from the queue.
    """

    model: MetaTransformer
    items: Sequence[dict[str, Tensor]]
    finish: Finish
    precision: Precision = "32"
    answer: Future[Any] = field(default_factory=Future)
    tokens: Tokens | None = None

    @property
    def num_tokens(self) -> int:
        return 0 if self.tokens is None else int(self.tokens.real().sum())


@dataclass(frozen=True)
class BatchSize:
    """What went through an encoder at once.

    Attributes:
        requests: Of `runs` different runs.
        tokens: Real ones.
    """

    requests: int
    runs: int
    samples: int
    tokens: int


class Batcher:
    """The queue of one encoder, and the threads that empty it. Use it in a `with`.

    Args:
        window_s: How long a batch waits for further requests.
        max_tokens: Beyond which a batch takes no more requests.
        num_passes: Batches at a time, each with its share of the cores: while one is in Python, another computes.
        num_coming: How many requests are on their way to the queue; where there are none, no batch waits.
        observe: Is given the size of each batch.
    """

    def __init__(
        self,
        *,
        window_s: float = WINDOW_S,
        max_tokens: int = MAX_TOKENS,
        num_passes: int = 1,
        num_coming: Callable[[], int] = lambda: 1,
        observe: Callable[[BatchSize], object] = lambda size: None,
    ) -> None:
        self.window_s, self.max_tokens, self.num_passes = window_s, max_tokens, num_passes
        self.num_coming, self.observe = num_coming, observe
        self._waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._num_at_work = 0
        self._counting, self._gathering = threading.Lock(), threading.Lock()
        self._cores = max(1, torch.get_num_threads() // num_passes)
        self._threads = [
            threading.Thread(target=self._run, name=f"mt-serve-encode-{number}", daemon=True)
            for number in range(num_passes)
        ]

    def __enter__(self) -> Batcher:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, work: Work) -> Future[Any]:
        """Queue some work; its answer comes as soon as it is through."""
        self._count(1)
        self._waiting.put(work)
        return work.answer

    def __len__(self) -> int:
        """Works that wait or are in a batch at work."""
        return self._num_at_work

    def _count(self, change: int) -> None:
        with self._counting:
            self._num_at_work += change

    def _run(self) -> None:
        torch.set_num_threads(self._cores)
        while True:
            with self._gathering:
                first = self._waiting.get()
                if first is None:
                    self._waiting.put(None)  # for the next thread
                    return
                gathered = self._gather(first)
            for batch in self._batches([work for work in gathered if tokenize(work)]):
                encode(batch)
                runs, samples = {id(work.model.tokenizer) for work in batch}, sum(len(work.items) for work in batch)
                self.observe(BatchSize(len(batch), len(runs), samples, sum(work.num_tokens for work in batch)))
            self._count(-len(gathered))

    def _gather(self, first: Work) -> list[Work]:
        """What one pass takes from the queue, beginning with this work: its share of what waits or is at work."""
        gathered = [first]
        deadline = time.monotonic() + self.window_s
        share = math.inf if self.num_passes == 1 else math.ceil(len(self) / self.num_passes)
        while len(gathered) < share:
            left = deadline - time.monotonic()
            waits = left > 0 and self.num_coming() > 0
            try:
                work = self._waiting.get(timeout=left) if waits else self._waiting.get_nowait()
            except queue.Empty:
                break
            if work is None:
                self._waiting.put(None)
                break
            gathered.append(work)
        return gathered

    def _batches(self, tokenized: Sequence[Work]) -> Iterator[list[Work]]:
        """As many at once as the budget allows, at least one."""
        batch: list[Work] = []
        num_tokens = 0
        for work in tokenized:
            batch.append(work)
            num_tokens += work.num_tokens
            if num_tokens >= self.max_tokens:
                yield batch
                batch, num_tokens = [], 0
        if batch:
            yield batch


def tokenize(work: Work) -> bool:
    """Make the tokens of some work; False where nobody waits for it any more, or where it failed."""
    if not work.answer.set_running_or_notify_cancel():
        return False
    try:
        model = work.model
        with torch.autocast("cpu", enabled=False):
            inputs = model.tokenizer.collate(work.items)
        batch = {name: tensor.to(model.device) for name, tensor in inputs.items()}
        with computing(model.device, work.precision):
            work.tokens = hooks.call("mt_tokenize", modality=model.modality, tokenizer=model.tokenizer, batch=batch)
    except Exception as error:
        work.answer.set_exception(error)
        return False
    return True


def encode(batch: Sequence[Work]) -> None:
    """Encode what was tokenized, and finish it. What can share a pass does; where that fails, each goes alone, so that
    one request's fault is no other's."""
    groups: dict[tuple[Any, ...], list[Work]] = {}
    is_wrapped = hooks.is_wrapped("mt_encode")
    for number, work in enumerate(batch):
        together = (
            work.model.encoder.fingerprint,
            work.model.encoder.layers,
            work.model.encoder.budget,
            work.precision,
        )
        groups.setdefault((number,) if is_wrapped else together, []).append(work)
    for group in groups.values():
        try:
            features = _encoded_together(group) if len(group) > 1 else None
        except Exception:
            features = None
        for number, work in enumerate(group):
            try:
                own = features[number] if features is not None else _encoded_alone(work)
                work.answer.set_result(work.finish(work.model, own, work.items))
            except Exception as error:
                work.answer.set_exception(error)


def _encoded_together(group: Sequence[Work]) -> list[Features]:
    model = group[0].model
    with computing(model.device, group[0].precision):
        return model.encoder.forward_together([work.tokens for work in group if work.tokens is not None])


def _encoded_alone(work: Work) -> Features:
    model = work.model
    with computing(model.device, work.precision):
        features: Features = hooks.call("mt_encode", modality=model.modality, encoder=model.encoder, tokens=work.tokens)
        return features
