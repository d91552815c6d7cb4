"""Samples of different lengths into one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mt_core.errors import TokensError


def pad_and_stack(items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Stack tensors of one name; pad with zeros where their first axis differs.

    Args:
        items: One mapping a sample, all with the same names.

    Returns:
        Each name with a leading batch axis; beside a padded `name` stands `name_mask`, (B, N) bool, True where real.

    Raises:
        TokensError: names, types or trailing axes that differ within the batch.
    """
    batch: dict[str, Tensor] = {}
    for name in items[0]:
        try:
            tensors = [item[name] for item in items]
        except KeyError:
            raise TokensError(
                f"some samples of the batch have {name!r} and some have not",
                fix="return the same names from prepare for every sample",
            ) from None
        first = tensors[0]
        if all(tensor.shape == first.shape for tensor in tensors):
            batch[name] = torch.stack(tensors)
            continue
        if any(tensor.ndim == 0 or tensor.shape[1:] != first.shape[1:] for tensor in tensors):
            raise TokensError(
                f"{name!r} has shapes {sorted({tuple(tensor.shape) for tensor in tensors})} within one batch",
                fix="let only the first axis vary, or write a collate of the tokenizer's own",
            )
        lengths = torch.tensor([tensor.shape[0] for tensor in tensors])
        longest = int(lengths.max())
        padded = first.new_zeros((len(tensors), longest, *first.shape[1:]))
        for row, tensor in enumerate(tensors):
            padded[row, : tensor.shape[0]] = tensor
        batch[name] = padded
        batch[f"{name}_mask"] = torch.arange(longest)[None, :] < lengths[:, None]
    return batch
