"""Prepared samples in which one part is replaced by another sample's: a part that changes no token is not used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, permutations

import torch
from torch import Tensor

from mt_core.conformance.lengths import real_tokens, tokens_of
from mt_core.contract import Tokenizer, Tokens

_PARTS = 4  # of each axis
_TRIES = 24  # replacements of one part
_NOISE = 0.01  # added to constant values

Item = dict[str, Tensor]


@dataclass(frozen=True)
class Part:
    """A slice along one axis of one prepared tensor; axis None: the whole tensor, a number."""

    name: str
    axis: int | None
    index: int

    def __str__(self) -> str:
        if self.axis is None:
            return repr(self.name)
        return f"part {self.index + 1} of {_PARTS} along axis {self.axis} of {self.name!r}"

    def slices(self, shape: torch.Size) -> tuple[slice, ...]:
        """The part in a tensor of this shape."""
        if self.axis is None:
            return ()
        length = shape[self.axis]
        first, last = (length * index // _PARTS for index in (self.index, self.index + 1))
        return (*[slice(None)] * self.axis, slice(first, last))


def parts_of(item: Item) -> Iterator[Part]:
    """All parts of a prepared sample."""
    for name, tensor in item.items():
        if tensor.ndim == 0:
            yield Part(name, None, 0)
        for axis in range(tensor.ndim):
            yield from (Part(name, axis, index) for index in range(_PARTS))


def replaced(items: Sequence[Item], part: Part) -> Iterator[tuple[Item, Item]]:
    """Pairs of a sample and its copy in which this part comes from another sample of the same shapes; then, for parts
    of floats, pairs in which noise is added to it. Of samples that have it."""
    items = [item for item in items if part.name in item]
    for one, other in permutations(items, 2):
        place = part.slices(one[part.name].shape)
        if _shapes(one) != _shapes(other):
            continue
        own, others = one[part.name][place], other[part.name][place]
        if not torch.equal(own.nan_to_num(), others.nan_to_num()):
            yield one, _with(one, part, others)
    for item in items:
        own = item[part.name][part.slices(item[part.name].shape)]
        if own.is_floating_point() and own.numel():
            noise = torch.randn(own.shape) * (own.float().std(correction=0).nan_to_num() + _NOISE)
            yield item, _with(item, part, own + noise.to(own.dtype))


def _shapes(item: Item) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in item.items()}


def _with(item: Item, part: Part, values: Tensor) -> Item:
    changed = item[part.name].clone()
    changed[part.slices(changed.shape)] = values
    return {**item, part.name: changed}


def changes_tokens(tokenizer: Tokenizer, pairs: Iterator[tuple[Item, Item]]) -> bool | None:
    """Whether the tokens, or `side`, of some pair differ; None: there is no pair."""
    tried = False
    for one, other in islice(pairs, _TRIES):
        tried = True
        if not _are_equal(tokens_of(tokenizer, [one]), tokens_of(tokenizer, [other])):
            return True
    return False if tried else None


def _are_equal(one: Tokens, other: Tokens) -> bool:
    is_side_equal = one.side.keys() == other.side.keys() and all(
        torch.equal(values, other.side[name]) for name, values in one.side.items()
    )
    return is_side_equal and torch.equal(real_tokens(one, 0), real_tokens(other, 0))


def bits(tensor: Tensor) -> Tensor:
    """The bytes of a tensor, so that NaN equals itself and -0 differs from 0."""
    return tensor.contiguous().reshape(-1).view(torch.uint8)
