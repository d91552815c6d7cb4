"""A few steps of training a tokenizer and a head on a frozen encoder, as `mt train` does it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor

from mt_core.conformance.fixture import PluginFixture, once
from mt_core.contract import Head, Segmentation, Tokenizer
from mt_core.data.loader import Batch, Loader, check_failures
from mt_core.encoder import Encoder

BATCH_SIZE = 12
_LR = 3e-3
_CLIP = 1.0


class TrialTraining:
    """A new tokenizer and head, the encoder between them, and an optimizer.

    Args:
        encoder: By default the fixture's.
    """

    def __init__(self, plugin: PluginFixture, encoder: Encoder | None = None) -> None:
        self.plugin = plugin
        self.encoder = encoder if encoder is not None else plugin.encoder
        # all parameters of a tokenizer are trained, as `fit` does it
        self.tokenizer: Tokenizer = plugin.make_tokenizer_for(self.encoder).requires_grad_(True)
        self.head: Head = plugin.make_head()
        parameters = {id(each): each for part in (self.tokenizer, self.head) for each in part.parameters()}
        self.parameters = list(parameters.values())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=_LR)

    def batches(self) -> Iterator[Batch]:
        """The demo's training split, augmented."""
        yield from deepcopy(training_batches(self.plugin))

    def step(self, batch: Batch) -> None:
        """One step of the optimizer. The gradients are kept."""
        for part in (self.tokenizer, self.head):
            part.train()
        self.encoder.train()  # which a frozen one ignores
        self.optimizer.zero_grad()
        self._loss(batch).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, _CLIP)
        self.optimizer.step()

    def loss(self, batch: Batch) -> float:
        """The loss of a batch in evaluation mode."""
        for part in (self.tokenizer, self.head):
            part.eval()
        with torch.no_grad():
            return float(self._loss(batch))

    def _loss(self, batch: Batch) -> Tensor:
        output = self.head(self.encoder(self.tokenizer(batch["inputs"])))
        return self.head.loss(output, batch["target"])

    def constant_loss(self, batch: Batch, steps: int) -> float:
        """The loss of the best constant answer: of a head that is trained on the same features for all samples."""
        self.tokenizer.eval()
        with torch.no_grad():
            features = self.encoder(self.tokenizer(batch["inputs"]))
            mean_D = features.pooled.mean(0)
        cls = None if features.cls is None else mean_D.expand_as(features.cls)
        constant = replace(features, tokens=mean_D.expand_as(features.tokens), cls=cls)
        if isinstance(self.plugin.train.task, Segmentation):  # whose heads look at places and pixels too
            side = {name: _alike(each) if each.is_floating_point() else each for name, each in features.side.items()}
            constant = replace(constant, side=side, coords=None if features.coords is None else _alike(features.coords))
        head = self.plugin.make_head().eval()
        optimizer = torch.optim.AdamW(head.parameters(), lr=3 * _LR, weight_decay=0.0)
        least = float("inf")
        for _ in range(steps):
            optimizer.zero_grad()
            loss = head.loss(head(constant), batch["target"])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            least = min(least, loss.item())
        return least


def _alike(values: Tensor) -> Tensor:
    """The same for all samples: the mean over them."""
    return values.mean(0, keepdim=True).expand_as(values)


@once
def training_batches(plugin: PluginFixture) -> list[Batch]:
    """The demo's training split, shuffled, augmented and in batches."""
    tokenizer = plugin.make_tokenizer()
    with Loader(plugin.train, tokenizer, batch_size=BATCH_SIZE, num_workers=0, train_seed=0) as loader:
        return [check_failures(batch) for batch in loader]
