"""Tokens of several inputs to one sequence, or to one row an input.  B items, S samples of an input, D width.

An input's tokens come as (S * V, N, D) for the samples of the items that have it; an item may have several samples of
one input, or none.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from mt_core.contract import Tokens


@dataclass(frozen=True)
class InputTokens:
    """The tokens of one input, for a batch.

    Attributes:
        values: (B, L, D), L the most tokens that an item has of it.
        mask: (B, L) bool, False where an item has fewer, or none.
    """

    values: Tensor
    mask: Tensor


def by_item(tokens: Tokens, item_S: Tensor, num_items: int) -> InputTokens:
    """The tokens of an input's samples, all views of a sample and all samples of an item one after another.

    Args:
        item_S: int64, the item that each sample is of, ascending.
    """
    width = tokens.values.shape[-1]
    values_SMD = tokens.values.reshape(len(item_S), -1, width)
    mask_SM = tokens.real().reshape(len(item_S), -1)
    counts_B = torch.bincount(item_S, minlength=num_items)
    most = int(counts_B.max())
    if most == 1 and len(item_S) == num_items:
        return InputTokens(values_SMD, mask_SM)
    place_S = torch.arange(len(item_S), device=item_S.device) - (counts_B.cumsum(0) - counts_B)[item_S]
    slot_S = item_S * most + place_S
    num_tokens = values_SMD.shape[1]
    values = values_SMD.new_zeros(num_items * most, num_tokens, width).index_copy(0, slot_S, values_SMD)
    mask = mask_SM.new_zeros(num_items * most, num_tokens).index_copy(0, slot_S, mask_SM)
    return InputTokens(values.reshape(num_items, -1, width), mask.reshape(num_items, -1))


def in_sequence(inputs: list[InputTokens | None]) -> Tokens:
    """All tokens of an item in one row, each input a part of it by its number; the encoder packs those that are
    real."""
    there = {number: each for number, each in enumerate(inputs) if each is not None}
    mask = torch.cat([each.mask for each in there.values()], 1)
    parts = torch.cat([torch.full_like(each.mask, number, dtype=torch.int64) for number, each in there.items()], 1)
    return Tokens(torch.cat([each.values for each in there.values()], 1), mask, parts=parts)


def in_rows(inputs: list[InputTokens | None], num_items: int) -> Tokens:
    """One row an input, as a view of the item; of one that no item of the batch has, an empty row."""
    there = [each for each in inputs if each is not None]
    length = max(each.mask.shape[1] for each in there)
    width = there[0].values.shape[-1]
    rows, masks = [], []
    for each in inputs:
        if each is None:
            rows.append(there[0].values.new_zeros(num_items, length, width))
            masks.append(there[0].mask.new_zeros(num_items, length))
        else:
            lacking = length - each.mask.shape[1]
            rows.append(pad(each.values, (0, 0, 0, lacking)))
            masks.append(pad(each.mask, (0, lacking)))
    values = torch.stack(rows, 1).flatten(0, 1)
    return Tokens(values, torch.stack(masks, 1).flatten(0, 1), views=len(inputs))
