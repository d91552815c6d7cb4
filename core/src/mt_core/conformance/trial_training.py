"""Training as checks need it: a few steps of tokenizer and head on a frozen encoder, as `mt train` takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from mt_core.conformance.fixture import PluginFixture
from mt_core.contract import Example, Head, Tokenizer
from mt_core.encoder import Encoder

BATCH = 12
_LR = 3e-3
_CLIP = 1.0

Batch = tuple[dict[str, Tensor], Tensor]
"""What the tokenizer's `collate` gave, and the stacked targets."""


class TrialTraining:
    """A new tokenizer and head, and the encoder that stands between them.

    Args:
        encoder: By default the subject's.
    """

    def __init__(self, subject: PluginFixture, encoder: Encoder | None = None) -> None:
        self.subject = subject
        self.encoder = encoder if encoder is not None else subject.encoder
        # whatever a tokenizer holds is trained: so does `fit`
        self.tokenizer: Tokenizer = subject.tokenizer_for(self.encoder).requires_grad_(True)
        self.head: Head = subject.head()
        parameters = {id(each): each for part in (self.tokenizer, self.head) for each in part.parameters()}
        self.parameters = list(parameters.values())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=_LR)

    def batches(self) -> Iterator[Batch]:
        """The training split, augmented as it is in training."""
        generator = torch.Generator().manual_seed(0)
        for first in range(0, len(self.subject.train), BATCH):
            indices = range(first, min(first + BATCH, len(self.subject.train)))
            yield self.batch([self.subject.train[index] for index in indices], generator)

    def batch(self, examples: list[Example], generator: torch.Generator | None = None) -> Batch:
        """Examples as one batch; with a generator, augmented."""
        tokenizer = self.tokenizer
        items = [tokenizer.prepare(tokenizer.read(example.sample), generator) for example in examples]
        return tokenizer.collate(items), self.subject.train.task.stack([example.target for example in examples])

    def step(self, batch: Batch) -> None:
        """One step of the optimiser; the gradients stay where they are."""
        for part in (self.tokenizer, self.head):
            part.train()
        self.encoder.train()  # which a frozen one does not heed
        self.optimizer.zero_grad()
        self._loss(batch).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, _CLIP)
        self.optimizer.step()

    def loss(self, batch: Batch) -> float:
        """In evaluation mode."""
        for part in (self.tokenizer, self.head):
            part.eval()
        with torch.no_grad():
            return float(self._loss(batch))

    def _loss(self, batch: Batch) -> Tensor:
        inputs, target = batch
        return self.head.loss(self.head(self.encoder(self.tokenizer(inputs))), target)

    def blind_loss(self, batch: Batch, steps: int) -> float:
        """The least loss of a head to which all tokens of all samples are the same: of the best constant answer."""
        inputs, target = batch
        self.tokenizer.eval()
        with torch.no_grad():
            features = self.encoder(self.tokenizer(inputs))
            mean_D = features.pooled.mean(0)
        cls = None if features.cls is None else mean_D.expand_as(features.cls)
        blind = replace(features, tokens=mean_D.expand_as(features.tokens), cls=cls)
        head = self.subject.head().eval()
        optimizer = torch.optim.AdamW(head.parameters(), lr=3 * _LR, weight_decay=0.0)
        least = float("inf")
        for _ in range(steps):
            optimizer.zero_grad()
            loss = head.loss(head(blind), target)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            least = min(least, loss.item())
        return least
