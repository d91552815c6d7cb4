"""What `forward` gives to the encoder.  R rows, N tokens, D width."""

from __future__ import annotations

import torch
from torch import Tensor

from mt_core.contract import Tokens
from mt_core.testing.check import check, expect
from mt_core.testing.subject import Subject

TOLERANCE = 1e-4
"""Relative to the largest value: float32 sums of another order differ by less, another computation by more."""


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest value of the first."""
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).abs().max() / one.abs().max().clamp_min(1e-12)) if one.numel() else 0.0


@check(waivable=False)
def padding_changes_nothing(subject: Subject) -> None:
    """A sample's vector is the same alone and in a batch with longer ones, beside which it is padded."""
    tokenizer = subject.tokenizer()
    together = subject.features(tokenizer).pooled
    for row, sample in enumerate(subject.samples):
        alone = subject.features(tokenizer, [sample]).pooled[0]
        changed = difference(alone, together[row])
        expect(
            changed <= TOLERANCE,
            f"the vector of test sample {row} differs by {changed:.2g} between alone and in a batch of {len(together)}: "
            "give a mask that is False where a token is padding, and keep padding out of every sum and mean",
        )
