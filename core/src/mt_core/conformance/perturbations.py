"""Prepared samples of which one part is another sample's: what does not change the tokens is not looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, permutations

import torch
from torch import Tensor

from mt_core.conformance.lengths import real_tokens, tokens_of
from mt_core.contract import Tokenizer, Tokens

_PARTS = 4  # that each axis is cut into
_TRIES = 24  # exchanges of a part, until one shows
_NOISE = 0.01  # beside what is constant

Item = dict[str, Tensor]


@dataclass(frozen=True)
class Part:
    """A stretch along one axis of one prepared tensor; axis None: the whole of a number."""

    name: str
    axis: int | None
    index: int

    def __str__(self) -> str:
        if self.axis is None:
            return repr(self.name)
        return f"part {self.index + 1} of {_PARTS} along axis {self.axis} of {self.name!r}"

    def place(self, shape: torch.Size) -> tuple[slice, ...]:
        """Where it is in a tensor of this shape."""
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


def exchanged(items: Sequence[Item], part: Part) -> Iterator[tuple[Item, Item]]:
    """Samples, and the same with this part of another one whose tensors all have the same shapes; after those, where
    the part is of floats, samples with noise added to it."""
    for one, other in permutations(items, 2):
        place = part.place(one[part.name].shape)
        if _shapes(one) != _shapes(other):
            continue
        held, given = one[part.name][place], other[part.name][place]
        if not torch.equal(held.nan_to_num(), given.nan_to_num()):
            yield one, _with(one, part, given)
    for item in items:
        held = item[part.name][part.place(item[part.name].shape)]
        if held.is_floating_point() and held.numel():
            noise = torch.randn(held.shape) * (held.float().std(correction=0).nan_to_num() + _NOISE)
            yield item, _with(item, part, held + noise.to(held.dtype))


def _shapes(item: Item) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in item.items()}


def _with(item: Item, part: Part, values: Tensor) -> Item:
    changed = item[part.name].clone()
    changed[part.place(changed.shape)] = values
    return {**item, part.name: changed}


def shows(tokenizer: Tokenizer, pairs: Iterator[tuple[Item, Item]]) -> bool | None:
    """Whether some of these pairs have different tokens, or differ in what goes beside them; None: there is no pair."""
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
    """The tensor's bytes, so that NaN equals itself and -0 is not 0."""
    return tensor.contiguous().reshape(-1).view(torch.uint8)
