"""Two views of each sample.  B samples, V views of a tokenizer's own (clips, channels), N tokens, D width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from mt_core.contract import Tokenizer, Tokens

_FIRST, _SECOND = "first ", "second "


class TwoViews(Tokenizer):
    """Reads as another tokenizer does, and prepares each sample twice, as that one augments.

    A batch is one of the other tokenizer: the first views of all samples, then the second ones.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer.width, tokenizer.options)
        self.tokenizer = tokenizer

    def read(self, source: Any) -> Any:
        return self.tokenizer.read(source)

    def prepare(self, sample: Any, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        views = {name: self.tokenizer.prepare(sample, generator) for name in (_FIRST, _SECOND)}
        return {f"{view}{name}": tensor for view, item in views.items() for name, tensor in item.items()}

    def collate(self, items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        views = [
            {name.removeprefix(view): tensor for name, tensor in item.items() if name.startswith(view)}
            for view in (_FIRST, _SECOND)
            for item in items
        ]
        return self.tokenizer.collate(views)


def drop_tokens(tokens: Tokens, share: float) -> Tokens:
    """The tokens without about this share of the real ones, drawn from torch's global generator. Each sample keeps at
    least one."""
    if not share:
        return tokens
    real_RN = tokens.real()
    drawn_RN = torch.rand(real_RN.shape, device=real_RN.device)
    kept_BM = rearrange(real_RN & (drawn_RN >= share), "(b v) n -> b (v n)", v=tokens.views).clone()
    last_B = rearrange(drawn_RN.masked_fill(~real_RN, -1), "(b v) n -> b (v n)", v=tokens.views).argmax(1)
    lacks_B = ~kept_BM.any(1)
    kept_BM[lacks_B, last_B[lacks_B]] = True
    return replace(tokens, mask=rearrange(kept_BM, "b (v n) -> (b v) n", v=tokens.views))
