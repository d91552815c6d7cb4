"""How much each token is attended to, through all blocks.

R rows, N tokens a row with the prefix, H heads, L blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from mt_core import hooks
from mt_core.contract import Tokens
from mt_core.encoder import Encoder
from mt_explain.errors import ExplainError
from mt_explain.one_sample import OneSample
from mt_explain.target import Target


def rollout(sample: OneSample, target: Target) -> Tensor:
    """The product over the blocks of their attention, averaged over heads and mixed half and half with the identity, as
    read by what the head pools: [CLS], or the mean of the tokens. It is never negative, and the same for every target.

    Source: Abnar & Zuidema 2020, arXiv:2005.00928, section 3.

    Raises:
        ExplainError: an encoder whose attention is not that of a plain ViT.
    """
    encoder, tokens = sample.model.encoder, sample.tokens
    real_VN = tokens.real()
    found_VN = torch.zeros_like(real_VN, dtype=torch.float32)
    pool = str(getattr(sample.head.options, "pool", "mean"))
    num_real = int(real_VN.sum())
    views = [row for row in range(len(real_VN)) if real_VN[row].any()]
    for row in views:
        is_real_N = real_VN[row]
        with torch.no_grad(), attention_of(encoder) as maps:
            one_row = Tokens(tokens.values[row : row + 1, is_real_N])
            hooks.call("mt_encode", modality=sample.model.modality, encoder=encoder, tokens=one_row)
        joined_NN = rolled_out(maps)
        num_prefix = len(joined_NN) - int(is_real_N.sum())
        readers = []
        if "cls" in pool.split("+") and encoder.has_cls:
            readers.append(joined_NN[-1 if encoder.cls_is_last else 0] / len(views))
        if pool != "cls":
            readers.append(joined_NN[num_prefix:].sum(0) / num_real)
        found_VN[row, is_real_N] = torch.stack(readers).mean(0)[num_prefix:]
    return sample.parts.sums(found_VN)


def rolled_out(maps: list[Tensor]) -> Tensor:
    """(N, N) from (H, N, N) attention of each block, the first one first: row i is what i is made of."""
    joined_NN = torch.eye(maps[0].shape[-1], device=maps[0].device)
    for attention_HNN in maps:
        mixed_NN = (attention_HNN.mean(0) + torch.eye(len(joined_NN), device=joined_NN.device)) / 2
        joined_NN = mixed_NN @ joined_NN
    return joined_NN


@contextmanager
def attention_of(encoder: Encoder) -> Iterator[list[Tensor]]:
    """Within it the encoder's attention for one row without padding is kept: (H, N, N) a block.

    Raises:
        ExplainError: no attention that keeps its queries and keys apart.
    """
    maps: list[Tensor] = []
    queries: list[Tensor] = []
    handles = []

    def keep_query(_module: Any, _given: Any, query_RHND: Tensor) -> None:
        queries.append(query_RHND)

    def keep_map(is_causal: bool) -> Any:
        def keep(_module: Any, _given: Any, key_RHND: Tensor) -> None:
            query_RHND = queries.pop()
            scores = (query_RHND @ key_RHND.transpose(-1, -2)) / key_RHND.shape[-1] ** 0.5
            if is_causal:
                scores = scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), -torch.inf)
            maps.append(scores.softmax(-1)[0])

        return keep

    for block in encoder.blocks:
        attention: Any = getattr(block, "attn", None)
        if not all(hasattr(attention, name) for name in ("q_norm", "k_norm")):
            raise ExplainError(
                f"the attention of {encoder.name} cannot be looked into", fix="choose another --method, as occlusion"
            )
        handles.append(attention.q_norm.register_forward_hook(keep_query))
        handles.append(attention.k_norm.register_forward_hook(keep_map(bool(getattr(attention, "is_causal", False)))))
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()
