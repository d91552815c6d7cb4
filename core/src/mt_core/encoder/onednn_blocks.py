"""Blocks on a CPU by oneDNN, which torch brings along, with weights laid out for it once.

R rows, N tokens a row, T packed tokens, D width, H heads.

torch's own float32 linear layers go to MKL, which on processors of other makers uses half of their vector width; and
autocast to bfloat16 casts weights at every call and leaves attention to a kernel that gains nothing from bfloat16.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, scaled_dot_product_attention

from mt_core.encoder.plain_blocks import Affine, Norm, PlainBlock, PlainBlocks
from mt_core.encoder.vit import Groups
from mt_core.errors import EncoderError

_FUSED = {"gelu": "none", "gelu_tanh": "tanh"}
_LONGEST_EXPLICIT = 1024  # tokens, above which the scores of one row no longer fit a cache
_FEWEST_EXPLICIT = 256  # tokens of a group, below which four small operations cost more than one
_SCORES_AT_ONCE = 1 << 22


class OneDnnBlocks:
    """The outputs of an encoder's blocks, forward only.

    Args:
        plain: Their numbers.
        dtype: float32, or bfloat16: of linear layers and attention; norms and sums stay in float32.

    Raises:
        EncoderError: this torch has no oneDNN.
    """

    def __init__(self, plain: PlainBlocks, dtype: torch.dtype) -> None:
        self._ops: Any = torch.ops.mkldnn
        has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        if not has_onednn or not hasattr(self._ops, "_linear_pointwise"):
            raise EncoderError("this torch has no oneDNN with packed weights", fix="use precision 32 or bf16")
        self.plain, self.dtype = plain, dtype
        self._packed = [
            replace(
                block,
                qkv=self._pack(block.qkv),
                proj=self._pack(block.proj),
                fc1=self._pack(block.fc1),
                fc2=self._pack(block.fc2),
            )
            for block in plain.blocks
        ]

    def __call__(self, values: Tensor, groups: Groups | None = None) -> Tensor:
        """(R, N, D) to (R, N, layers * D), or packed (T, D) with groups to (T, layers * D); float32."""
        if groups is None:
            groups = [(values.shape[0], values.shape[1])]
        tokens_TD = _normed(values.reshape(-1, self.plain.width).float(), self.plain.norm_pre)
        outputs = [tokens_TD] if self.plain.layers[0] == 0 else []
        for number, block in enumerate(self._packed, start=1):
            normed_TD = _normed(tokens_TD, block.norm1).to(self.dtype)
            joined_TD = self._attend(self._linear(normed_TD, block.qkv), groups)
            tokens_TD = self._added(tokens_TD, joined_TD, block.proj)
            normed_TD = _normed(tokens_TD, block.norm2).to(self.dtype)
            tokens_TD = self._added(tokens_TD, self._activated(normed_TD, block), block.fc2)
            if number in self.plain.layers:
                outputs.append(_normed(tokens_TD, self.plain.norm))
        joined = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
        return joined.reshape(*values.shape[:-1], -1)

    def _pack(self, linear: Affine) -> Affine:
        weight = self._ops._reorder_linear_weight(linear.weight.to(self.dtype).contiguous())
        return Affine(weight, linear.bias.to(self.dtype).contiguous())

    def _linear(self, tokens_TD: Tensor, linear: Affine, fused: str = "") -> Tensor:
        """With an activation behind it where its algorithm is named."""
        act, algorithm = ("gelu", fused) if fused else ("none", "")
        mixed: Tensor = self._ops._linear_pointwise(tokens_TD, linear.weight, linear.bias, act, [], algorithm)
        return mixed

    def _added(self, sum_TD: Tensor, tokens_TD: Tensor, linear: Affine) -> Tensor:
        if self.dtype != sum_TD.dtype:
            return sum_TD + self._linear(tokens_TD, linear)
        added: Tensor = self._ops._linear_pointwise.binary(tokens_TD, sum_TD, linear.weight, linear.bias, "add")
        return added

    def _activated(self, normed_TD: Tensor, block: PlainBlock) -> Tensor:
        if block.activation in _FUSED:
            return self._linear(normed_TD, block.fc1, _FUSED[block.activation])
        hidden_TM = self._linear(normed_TD, block.fc1)
        return hidden_TM * torch.sigmoid(1.702 * hidden_TM)

    def _attend(self, qkv_TA: Tensor, groups: Groups) -> Tensor:
        """Each row to itself alone."""
        sizes = [rows * length for rows, length in groups]
        parts = zip(torch.split(qkv_TA, sizes), groups, strict=True)
        joined = [self._attend_rows(part.view(*group, -1)).flatten(0, 1) for part, group in parts]
        return joined[0] if len(joined) == 1 else torch.cat(joined)

    def _attend_rows(self, qkv_RNA: Tensor) -> Tensor:
        rows, length, _ = qkv_RNA.shape
        heads = self.plain.num_heads
        query, key, value = qkv_RNA.view(rows, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
        if self.dtype == torch.bfloat16 and length <= _LONGEST_EXPLICIT and rows * length >= _FEWEST_EXPLICIT:
            attended_RHND = _attention_by_products(query, key, value, is_causal=self.plain.is_causal)
        else:
            attended_RHND = scaled_dot_product_attention(query, key, value, is_causal=self.plain.is_causal)
        return attended_RHND.transpose(1, 2).reshape(rows, length, -1)


def _attention_by_products(query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool) -> Tensor:
    """Attention as two products of matrices, some rows at a time: in bfloat16 on a CPU twice the fused kernel's speed.

    (R, H, N, D/H) each.
    """
    _, heads, length, width = query.shape
    scaled = query * width**-0.5
    at_once = max(1, _SCORES_AT_ONCE // (heads * length**2))
    parts = zip(*(torch.split(each, at_once) for each in (scaled, key, value)), strict=True)
    behind = torch.full((length, length), -math.inf, dtype=query.dtype).triu(1) if is_causal else None
    attended = []
    for q, k, v in parts:
        scores = q @ k.transpose(-2, -1)
        attended.append((scores if behind is None else scores + behind).softmax(-1) @ v)
    return attended[0] if len(attended) == 1 else torch.cat(attended)


def _normed(tokens_TD: Tensor, norm: Norm | None) -> Tensor:
    if norm is None:
        return tokens_TD
    return layer_norm(tokens_TD, tokens_TD.shape[-1:], norm.affine.weight, norm.affine.bias, norm.eps)
