"""Requests of all modalities to batches of one encoder.

A request that finds the encoder free waits for others no longer than the window, and not at all where no other is on
its way. While the encoder is at work requests queue, and the next batch takes as many of them as the budget of tokens
allows. Tokenizers run one request at a time; the tokens of all go through the encoder as one packed sequence.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mt_core import hooks
from mt_core.contract import Features, Tokens
from mt_core.data.batches import encoding
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
        model: Of their run; its encoder may choose other layers than another's.
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
    """The queue of one encoder, and the thread that empties it. Use it in a `with`.

    Args:
        window_s: How long a batch waits for further requests.
        max_tokens: Beyond which a batch takes no more requests.
        is_more_coming: Whether requests are on their way to the queue; without, no batch waits.
        observe: Is given the size of each batch.
    """

    def __init__(
        self,
        *,
        window_s: float = WINDOW_S,
        max_tokens: int = MAX_TOKENS,
        is_more_coming: Callable[[], bool] = lambda: True,
        observe: Callable[[BatchSize], object] = lambda size: None,
    ) -> None:
        self.window_s, self.max_tokens = window_s, max_tokens
        self.is_more_coming, self.observe = is_more_coming, observe
        self._untokenized: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._num_at_work = 0
        self._counting = threading.Lock()
        import os; self._cores = int(os.environ.get("CORES", max(1, torch.get_num_threads() - 1)))  # readers keep a core
        self._threads = [
            threading.Thread(target=self._tokenize, name="mt-serve-tokenize", daemon=True),
            threading.Thread(target=self._encode, name="mt-serve-encode", daemon=True),
        ]

    def __enter__(self) -> Batcher:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._untokenized.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, work: Work) -> Future[Any]:
        """Queue some work; its answer comes as soon as it is through."""
        self._count(1)
        self._untokenized.put(work)
        return work.answer

    def __len__(self) -> int:
        """Works that wait or are in the batch at work."""
        return self._num_at_work

    def _count(self, change: int) -> None:
        with self._counting:
            self._num_at_work += change

    def _tokenize(self) -> None:
        """Tokenize one work after another, while the batch before is encoded."""
        torch.set_num_threads(self._cores)
        while (work := self._untokenized.get()) is not None:
            if tokenize(work):
                self._waiting.put(work)
            else:
                self._count(-1)
        self._waiting.put(None)

    def _encode(self) -> None:
        torch.set_num_threads(self._cores)
        is_open = True
        while is_open and (first := self._waiting.get()) is not None:
            batch, is_open = self._gather(first)
            encode(batch)
            runs, samples = {id(work.model.tokenizer) for work in batch}, sum(len(work.items) for work in batch)
            self.observe(BatchSize(len(batch), len(runs), samples, sum(work.num_tokens for work in batch)))
            self._count(-len(batch))

    def _gather(self, first: Work) -> tuple[list[Work], bool]:
        """A batch that begins with this work, and whether more will come."""
        batch, num_tokens = [first], first.num_tokens
        deadline = time.monotonic() + self.window_s
        while num_tokens < self.max_tokens:
            left = deadline - time.monotonic()
            try:
                work = (
                    self._waiting.get_nowait()
                    if left <= 0 or not self.is_more_coming()
                    else self._waiting.get(timeout=left)
                )
            except queue.Empty:
                return batch, True
            if work is None:
                return batch, False
            batch.append(work)
            num_tokens += work.num_tokens
        return batch, True


def tokenize(work: Work) -> bool:
    """Make the tokens of some work; False where nobody waits for it any more, or where it failed."""
    if not work.answer.set_running_or_notify_cancel():
        return False
    try:
        model = work.model
        with torch.autocast("cpu", enabled=False):
            inputs = model.tokenizer.collate(work.items)
        batch = {name: tensor.to(model.device) for name, tensor in inputs.items()}
        with encoding(model, work.precision):
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
    with encoding(model, group[0].precision):
        return model.encoder.forward_together([work.tokens for work in group if work.tokens is not None])


def _encoded_alone(work: Work) -> Features:
    model = work.model
    with encoding(model, work.precision):
        features: Features = hooks.call("mt_encode", modality=model.modality, encoder=model.encoder, tokens=work.tokens)
        return features
