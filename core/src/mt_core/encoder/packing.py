"""Real tokens without their padding.  R rows, N tokens a row, P prefix tokens, T packed tokens, D width.

The real tokens of all rows, each row after its own prefix, stand one after the other in one (T, D) sequence, short
rows first. Everything in a block works on one token at a time and runs on that sequence, except attention: rows of one
length are neighbours, so that each length is a slice, and one call of attention without a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """Where the tokens of a padded batch stand in the packed one.

    Attributes:
        source: (T,) for each packed token its index in the prefix followed by the R * N padded tokens.
        tokens: The packed indices of what is not a prefix.
        destination: For each of `tokens` its index in the R * N padded tokens.
        rows: The rows that have a real token, in packed order.
        starts, ends: For each of `rows` the index of its first packed token, which is [CLS] where that is one of its
            own, and of what follows its last.
        groups: (number of rows, length with prefix) of each group of rows of one length, in packed order.
    """

    source: Tensor
    tokens: Tensor
    destination: Tensor
    rows: Tensor
    starts: Tensor
    ends: Tensor
    groups: tuple[tuple[int, int], ...]


def plan_packing(mask_RN: Tensor, num_prefix: int) -> Packing:
    """How to pack rows with this mask; rows without a real token are left out.

    Real tokens may stand anywhere in their row and keep their order.
    """
    num_tokens = mask_RN.shape[1]
    lengths_R = mask_RN.sum(1)
    order_R = lengths_R.argsort(stable=True)
    rows = order_R[lengths_R[order_R] > 0]
    lengths = lengths_R[rows] + num_prefix
    groups = tuple((len(list(same)), length) for length, same in groupby(lengths.tolist()))
    prefix_RP = torch.arange(num_prefix, device=mask_RN.device).expand(len(rows), -1)
    place_RN = num_prefix + rows.unsqueeze(1) * num_tokens + torch.arange(num_tokens, device=mask_RN.device)
    is_real_RM = torch.cat([torch.ones_like(prefix_RP, dtype=torch.bool), mask_RN[rows]], dim=1)
    source = torch.cat([prefix_RP, place_RN], dim=1)[is_real_RM]
    tokens = (source >= num_prefix).nonzero().squeeze(1)
    ends = lengths.cumsum(0)
    return Packing(source, tokens, source[tokens] - num_prefix, rows, ends - lengths, ends, groups)


def pack(values_RND: Tensor, prefix_PD: Tensor, packing: Packing) -> Tensor:
    """(T, D) packed tokens; what stands in padding is not read."""
    return torch.cat([prefix_PD, values_RND.flatten(0, 1)]).index_select(0, packing.source)


def unpack(packed_TD: Tensor, packing: Packing, num_rows: int, num_tokens: int) -> Tensor:
    """(R, N, D) tokens in their places, without the prefix; zeros in padding."""
    tokens_TD = packed_TD.index_select(0, packing.tokens)
    padded = packed_TD.new_zeros(num_rows * num_tokens, packed_TD.shape[1])
    return padded.index_copy(0, packing.destination, tokens_TD).view(num_rows, num_tokens, -1)


def unpack_one(packed_TD: Tensor, packing: Packing, num_rows: int, *, last: bool = False) -> Tensor:
    """(R, D) the first token of each row, or the last one; zeros for a row that was left out."""
    padded = packed_TD.new_zeros(num_rows, packed_TD.shape[1])
    places = packing.ends - 1 if last else packing.starts
    return padded.index_copy(0, packing.rows, packed_TD.index_select(0, places))


@dataclass(frozen=True)
class Joined:
    """Where the packed tokens of several batches stand in one sequence: rows of one length are neighbours, whichever
    batch they are of.

    Attributes:
        order: The groups of all batches, one batch after the other, in the order of the sequence.
        groups: (number of rows, length) of each group of the sequence.
    """

    order: tuple[int, ...]
    groups: tuple[tuple[int, int], ...]


def plan_joining(packings: Sequence[Packing]) -> Joined:
    """How to join batches that are packed."""
    given = [group for packing in packings for group in packing.groups]
    order = sorted(range(len(given)), key=lambda number: given[number][1])
    by_length = groupby((given[number] for number in order), key=lambda group: group[1])
    return Joined(tuple(order), tuple((sum(rows for rows, _ in same), length) for length, same in by_length))


def join(packed: Sequence[Tensor], packings: Sequence[Packing], joined: Joined) -> Tensor:
    """(T, D) the packed tokens of all batches."""
    parts = [part for packed_TD, packing in zip(packed, packings, strict=True) for part in _split(packed_TD, packing)]
    return torch.cat([parts[number] for number in joined.order])


def separate(joined_TD: Tensor, packings: Sequence[Packing], joined: Joined) -> list[Tensor]:
    """(T, D) the packed tokens of each batch: what `join` joined."""
    sizes = [rows * length for packing in packings for rows, length in packing.groups]
    in_order = torch.split(joined_TD, [sizes[number] for number in joined.order])
    parts = dict(zip(joined.order, in_order, strict=True))
    given = iter(range(len(sizes)))
    return [torch.cat([parts[next(given)] for _ in packing.groups]) for packing in packings]


def _split(packed_TD: Tensor, packing: Packing) -> tuple[Tensor, ...]:
    return torch.split(packed_TD, [rows * length for rows, length in packing.groups])
