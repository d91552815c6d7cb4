"""Tokens of an encoder that was trained on texts, by its own table.  B batch, N tokens, D width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt_core.contract import EncoderSpec
from mt_core.errors import OptionError
from mt_plugin_text.byte_pairs import NUM_IDS

VOCABULARY = "clip"
"""The name of the byte pairs, as `TokenTable.vocabulary` has it."""

START, END = NUM_IDS, NUM_IDS + 1
"""The ids before and behind a text."""

_STD = 0.02


class EncoderTokens(nn.Module):
    """The vector of each id and of its place, exactly as the encoder had them in its training. The vectors are frozen
    as the encoder is; the places learn with the tokenizer.

    Args:
        width: D.
        length: The most tokens of a text, with its start and its end.

    Source: Radford et al. 2021 (CLIP), arXiv:2103.00020, section 2.4.
    """

    table: Tensor

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.register_buffer("table", torch.randn(NUM_IDS + 2, width) * _STD)
        self.positions = nn.Parameter(torch.randn(length, width) * _STD)

    @property
    def room(self) -> int:
        """The most ids between the start and the end."""
        return len(self.positions) - 2

    def forward(self, ids_BN: Tensor) -> Tensor:
        """(B, N, D)."""
        tokens_BND: Tensor = self.table[ids_BN.long()] + self.positions[: ids_BN.shape[1]]
        return tokens_BND

    def take(self, encoder: EncoderSpec) -> None:
        """Take over the encoder's table.

        Raises:
            OptionError: it has none, or one that is shorter than the texts may be.
        """
        found = encoder.token_table
        if found is None or found.vocabulary != VOCABULARY or len(found.weight) != len(self.table):
            raise OptionError(
                "vectors=encoder: the encoder has no vectors of these byte pairs",
                fix="leave the option out, or choose an encoder of texts, as open_clip/ViT-B-32",
            )
        if len(found.positions) < len(self.positions):
            raise OptionError(
                f"max_tokens={len(self.positions)}: the encoder has places for {len(found.positions)} tokens",
                fix=f"choose {len(found.positions)} at most, or leave the option out",
            )
        with torch.no_grad():
            self.table.copy_(found.weight)
            self.positions.copy_(found.positions[: len(self.positions)])


def has_table(encoder: EncoderSpec) -> bool:
    """Whether an encoder has vectors of these byte pairs."""
    return encoder.token_table is not None and encoder.token_table.vocabulary == VOCABULARY


def whole_text(parts: Sequence[NDArray[np.int64]]) -> Tensor:
    """(N,) int32: the ids of a text, or of both of a pair, between the start and the end."""
    return torch.from_numpy(np.concatenate([[START], *parts, [END]]).astype(np.int32))
