"""At most so many tokens of a sample in the blocks at once: how it is said, and what is done with more.

R rows, N tokens a row, M tokens that are left, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from mt_core.contract import Features, Tokens
from mt_core.encoder.merging import merged_places
from mt_core.errors import OptionError

How = Literal["merge", "tiles"]
LEAST = 16
"""Tokens of a budget, at least."""

Back = Callable[[Features], Features]
"""Makes of the features of what is left those of all tokens, in their places."""


@dataclass(frozen=True)
class TokenBudget:
    """What happens to a row of more tokens than `most`.

    With "merge" similar neighbours become one token, until `most` are left, and each gets the feature of what it became
    (`mt_core.encoder.merging`). With "tiles" the row is cut into pieces of `most` tokens, each of which attends to
    itself alone, with a [CLS] of its own; the row's [CLS] is their mean. Either way features stand where tokens stood,
    so that every head finds its places, and a row of no more than `most` is as it is without a budget.

    Attributes:
        most: At least `LEAST`.
    """

    most: int
    how: How = "merge"

    def __str__(self) -> str:
        return f"{self.how}:{self.most}"

    def fit(self, tokens: Tokens) -> tuple[Tokens, Back]:
        """The tokens to encode, and what puts their features back. Nothing to do: the tokens themselves.

        Raises:
            OptionError: within torch.export or torch.compile, which know no length of a sample.
        """
        if torch.compiler.is_compiling():
            raise OptionError(
                f"a budget of tokens ({self}) looks at each sample, and a graph does the same for every batch",
                fix="export a run that was trained without --token-budget",
            )
        if tokens.values.shape[1] <= self.most:
            return tokens, as_it_is
        return (_merge if self.how == "merge" else _cut)(tokens, self.most)


def parse_budget(given: TokenBudget | int | str | None) -> TokenBudget | None:
    """A budget as a user writes it: 1024, "1024" or "merge:1024", and "tiles:1024"; None: none.

    Raises:
        OptionError: anything else, or a number below `LEAST`.
    """
    if given is None or isinstance(given, TokenBudget):
        return given
    how, colon, number = str(given).rpartition(":")
    how = how if colon else "merge"
    if how not in get_args(How) or not number.isdecimal() or int(number) < LEAST:
        raise OptionError(
            f"{given} is no budget of tokens", fix=f"give a number from {LEAST}, as 1024 or merge:1024, or tiles:1024"
        )
    return TokenBudget(int(number), how)  # type: ignore[arg-type]


def as_it_is(features: Features) -> Features:
    """The way back where nothing was done."""
    return features


def _merge(tokens: Tokens, most: int) -> tuple[Tokens, Back]:
    places_RN, sizes_RM = merged_places(tokens.values, tokens.real(), most, tokens.parts)
    is_left_RM = sizes_RM > 0
    # padding goes to the first place, as zeros and with a weight of zero
    real_RN1 = tokens.real().unsqueeze(-1)
    values_RND = torch.where(real_RN1, tokens.values, 0.0)
    sums_RMD = values_RND.new_zeros(*sizes_RM.shape, values_RND.shape[-1])
    index_RND = places_RN.unsqueeze(-1).expand_as(values_RND)
    means_RMD = sums_RMD.scatter_add(1, index_RND, values_RND) / sizes_RM.clamp(min=1).unsqueeze(-1)

    def back(features: Features) -> Features:
        index_RND = places_RN.unsqueeze(-1).expand(-1, -1, features.tokens.shape[-1])
        return features_of(torch.where(real_RN1, features.tokens.gather(1, index_RND), 0.0), features.cls, tokens)

    return Tokens(means_RMD.to(tokens.values.dtype), is_left_RM, views=tokens.views), back


def _cut(tokens: Tokens, most: int) -> tuple[Tokens, Back]:
    rows, num_tokens, _ = tokens.values.shape
    num_tiles = -(-num_tokens // most)
    padding = num_tiles * most - num_tokens
    values = torch.nn.functional.pad(tokens.values, (0, 0, 0, padding)).reshape(rows * num_tiles, most, -1)
    is_real = torch.nn.functional.pad(tokens.real(), (0, padding)).reshape(rows * num_tiles, most)

    def back(features: Features) -> Features:
        whole_RND = features.tokens.reshape(rows, num_tiles * most, -1)[:, :num_tokens]
        cls_RD = None
        if features.cls is not None:
            has_real_RT1 = is_real.any(1).reshape(rows, num_tiles, 1)
            cls_RTD = features.cls.reshape(rows, num_tiles, -1)
            cls_RD = (cls_RTD * has_real_RT1).sum(1) / has_real_RT1.sum(1).clamp(min=1)
        return features_of(whole_RND, cls_RD, tokens)

    return Tokens(values, is_real, views=tokens.views * num_tiles), back


def features_of(tokens_RND: Tensor, cls: Tensor | None, tokens: Tokens) -> Features:
    """Features, with the rest of the tokens that they are of as it came."""
    return Features(tokens_RND, cls, tokens.mask, tokens.coords, tokens.grid, tokens.views, tokens.side, tokens.parts)
