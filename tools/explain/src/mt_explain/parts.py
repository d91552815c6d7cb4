"""The parts of a sample that a prediction is divided among: tokens, joined where their regions are equal.

V views, N tokens a view, P parts, S variants of a sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mt_core.contract import Region, TokenRegions, Tokens
from mt_explain.errors import ExplainError


@dataclass(frozen=True)
class Parts:
    """The parts of one sample.

    Attributes:
        regions: P, in the order of their first tokens.
        part_VN: int64, the part that each token is of; -1 where it is not real.
    """

    regions: tuple[Region, ...]
    part_VN: Tensor

    @classmethod
    def of(cls, tokens: Tokens, found: TokenRegions) -> Parts:
        """The parts of a sample's tokens.

        Raises:
            ExplainError: as many regions as there are tokens were not given.
        """
        rows, num_tokens = tokens.values.shape[:2]
        if len(found.regions) != rows * num_tokens:
            raise ExplainError(
                f"the tokenizer gave {len(found.regions)} regions for {rows} x {num_tokens} tokens",
                fix="report it to the authors of the modality's plugin",
            )
        numbers: dict[Region, int] = {}
        is_real = tokens.real().flatten().tolist()
        of_token = [
            numbers.setdefault(region, len(numbers)) if real else -1
            for region, real in zip(found.regions, is_real, strict=True)
        ]
        return cls(tuple(numbers), torch.tensor(of_token, device=tokens.values.device).reshape(rows, num_tokens))

    def __len__(self) -> int:
        return len(self.regions)

    def sums(self, values_VN: Tensor) -> Tensor:
        """(P,) of what each token has, the sum of each part."""
        is_real = self.part_VN >= 0
        return values_VN.new_zeros(len(self)).index_add(0, self.part_VN[is_real], values_VN[is_real])

    def tokens_of(self, is_kept_SP: Tensor) -> Tensor:
        """(S, V, N) bool, the tokens of the parts that each variant keeps."""
        return is_kept_SP[:, self.part_VN.clamp(min=0)] & (self.part_VN >= 0)
