"""Samples of several lengths, and what two batches have in common.  M real tokens of a sample, D width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from mt_core.conformance.fixture import PluginFixture
from mt_core.contract import Tokenizer, Tokens
from mt_core.errors import MtError

TOLERANCE = 1e-4
"""Relative to the largest value: float32 sums of another order differ by less, another computation by more."""

_THOUSANDTH = 1e-3
_OF_A_SOURCE = 3  # samples that are looked at


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest value of the first; infinite where shapes differ."""
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).abs().max() / one.abs().max().clamp_min(1e-12)) if one.numel() else 0.0


def real_tokens(tokens: Tokens, sample: int) -> Tensor:
    """(M, D) the real tokens of a sample of a batch, those of its first view first."""
    rows = slice(sample * tokens.views, (sample + 1) * tokens.views)
    return tokens.values[rows][tokens.real()[rows]]


def are_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two prepared samples hold the same, up to a thousandth."""
    return one.keys() == other.keys() and all(
        difference(one[name].float().nan_to_num(), other[name].float().nan_to_num()) < _THOUSANDTH for name in one
    )


@dataclass(frozen=True)
class Prepared:
    """Samples, prepared for a tokenizer.

    Attributes:
        items: What its `prepare` gave of each.
        alone: Tokens of each in a batch of its own.
    """

    tokenizer: Tokenizer
    items: list[dict[str, Tensor]]
    alone: list[Tokens]

    @property
    def lengths(self) -> list[tuple[int, ...]]:
        """The number of real tokens in each view of each sample."""
        return [tuple(tokens.real().sum(1).tolist()) for tokens in self.alone]

    @property
    def longest(self) -> list[int]:
        """The samples, one or two, beside which any other is padded to the size of the batch of all."""
        everyone = range(len(self.alone))
        views = max(everyone, key=lambda index: self.alone[index].views)
        tokens = max(everyone, key=lambda index: self.alone[index].values.shape[1])
        return sorted({views, tokens})

    def tokens(self, samples: Sequence[int]) -> Tokens:
        """Tokens of a batch of these samples, in this order."""
        return tokens_of(self.tokenizer, [self.items[index] for index in samples])


def tokens_of(tokenizer: Tokenizer, items: Sequence[dict[str, Tensor]]) -> Tokens:
    """Tokens of a batch of prepared samples."""
    with torch.no_grad():
        tokens: Tokens = tokenizer(tokenizer.collate(items))
    return tokens


def vectors(subject: PluginFixture, tokens: Tokens) -> Tensor:
    """(samples, D) what the encoder makes of tokens."""
    with torch.no_grad():
        pooled: Tensor = subject.encoder(tokens).pooled
    return pooled


def prepared(tokenizer: Tokenizer, samples: Sequence[Any]) -> Prepared:
    """Samples, prepared and tokenized one by one."""
    items = [tokenizer.prepare(sample) for sample in samples]
    return Prepared(tokenizer, items, [tokens_of(tokenizer, [item]) for item in items])


def of_several_lengths(subject: PluginFixture) -> Prepared:
    """The test samples; where these do not differ in length, and the manifest declares that samples may, those of the
    plugin's example files. Where any number of channels is taken, beside them the first two with one and with five."""
    capabilities = subject.manifest.capabilities
    tokenizer, samples = subject.tokenizer(), subject.samples
    found = prepared(tokenizer, samples)
    if "variable_length" in capabilities and len(set(found.lengths)) == 1:
        # a calibrated one may insist on samples like those of the demonstration
        tokenizer = subject.tokenizer(calibrated="needs_calibration" in capabilities)
        samples = list(_of_files(subject, tokenizer)) or samples
        found = prepared(tokenizer, samples)
    if "any_channels" in capabilities:
        varied = [tokenizer.with_channels(sample, number) for sample in samples[:2] for number in (1, 5)]
        found = prepared(tokenizer, [*samples, *(sample for sample in varied if _is_taken(tokenizer, sample))])
    return found


def _of_files(subject: PluginFixture, tokenizer: Tokenizer) -> Iterator[Any]:
    """Samples of the plugin's files, as far as this tokenizer takes them."""
    for path in subject.demo_files:
        try:
            samples = list(islice(tokenizer.stream(path), _OF_A_SOURCE))
        except MtError:
            continue
        yield from (sample for sample in samples if _is_taken(tokenizer, sample))


def _is_taken(tokenizer: Tokenizer, sample: Any) -> bool:
    try:
        tokenizer.prepare(sample)
    except MtError:
        return False
    return True
