"""Samples of several lengths, and how their tokens are compared.  M real tokens of a sample, D width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from mt_core.conformance.fixture import PluginFixture
from mt_core.contract import Tokenizer, Tokens
from mt_core.contract.sources import or_raise
from mt_core.errors import MtError

TOLERANCE = 1e-4
"""Relative to the largest value: float32 sums in another order differ by less, other computations by more."""

_THOUSANDTH = 1e-3
_SAMPLES_OF_A_FILE = 3


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest value of the first; infinite where shapes differ."""
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).abs().max() / one.abs().max().clamp_min(1e-12)) if one.numel() else 0.0


def real_tokens(tokens: Tokens, sample: int) -> Tensor:
    """(M, D) the real tokens of a sample of a batch, view by view."""
    rows = slice(sample * tokens.views, (sample + 1) * tokens.views)
    return tokens.values[rows][tokens.real()[rows]]


def are_close(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two prepared samples are equal up to a thousandth."""
    return one.keys() == other.keys() and all(
        difference(one[name].float().nan_to_num(), other[name].float().nan_to_num()) < _THOUSANDTH for name in one
    )


@dataclass(frozen=True)
class Prepared:
    """Samples that a tokenizer has prepared.

    Attributes:
        items: What its `prepare` returned for each.
        alone: The tokens of each, in a batch of its own.
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
        """The one or two samples that any other has to be batched with to be padded as in the batch of all."""
        samples = range(len(self.alone))
        views = max(samples, key=lambda index: self.alone[index].views)
        tokens = max(samples, key=lambda index: self.alone[index].values.shape[1])
        return sorted({views, tokens})

    def tokens(self, samples: Sequence[int]) -> Tokens:
        """Tokens of a batch of these samples, in this order."""
        return tokens_of(self.tokenizer, [self.items[index] for index in samples])


def tokens_of(tokenizer: Tokenizer, items: Sequence[dict[str, Tensor]]) -> Tokens:
    """Tokens of a batch of prepared samples."""
    with torch.no_grad():
        tokens: Tokens = tokenizer(tokenizer.collate(items))
    return tokens


def vectors(plugin: PluginFixture, tokens: Tokens) -> Tensor:
    """(samples, D) the pooled features of tokens."""
    with torch.no_grad():
        pooled: Tensor = plugin.encoder(tokens).pooled
    return pooled


def prepared(tokenizer: Tokenizer, samples: Sequence[Any]) -> Prepared:
    """Prepare samples, and tokenize each in a batch of its own."""
    items = [tokenizer.prepare(sample) for sample in samples]
    return Prepared(tokenizer, items, [tokens_of(tokenizer, [item]) for item in items])


def samples_of_several_lengths(plugin: PluginFixture) -> Prepared:
    """The test samples, or samples of the plugin's files if `variable_length` is declared and the test samples have one
    length. With `any_channels`, the first two samples with one and with five channels are added."""
    capabilities = plugin.manifest.capabilities
    tokenizer, samples = plugin.make_tokenizer(), plugin.samples
    result = prepared(tokenizer, samples)
    if "variable_length" in capabilities and len(set(result.lengths)) == 1:
        # a calibrated tokenizer may refuse samples that are unlike the demo
        tokenizer = plugin.make_tokenizer(calibrated="needs_calibration" in capabilities)
        samples = list(_samples_of_files(plugin, tokenizer)) or samples
        result = prepared(tokenizer, samples)
    if "any_channels" in capabilities:
        varied = [tokenizer.with_channels(sample, number) for sample in samples[:2] for number in (1, 5)]
        result = prepared(tokenizer, [*samples, *(sample for sample in varied if _is_accepted(tokenizer, sample))])
    return result


def _samples_of_files(plugin: PluginFixture, tokenizer: Tokenizer) -> Iterator[Any]:
    """Samples of the plugin's files that this tokenizer accepts."""
    for path in plugin.demo_files:
        try:
            samples = list(islice(or_raise(tokenizer.stream(path)), _SAMPLES_OF_A_FILE))
        except MtError:
            continue
        yield from (sample for sample in samples if _is_accepted(tokenizer, sample))


def _is_accepted(tokenizer: Tokenizer, sample: Any) -> bool:
    try:
        tokenizer.prepare(sample)
    except MtError:
        return False
    return True
