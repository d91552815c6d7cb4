"""A plain vision transformer, its tensors called as timm calls them.

R rows, N tokens a row, T packed tokens, P prefix tokens, D width, A heads times their width, H heads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

from mt_core.encoder import recomputing

Groups = Sequence[tuple[int, int]]
"""(number of rows, length) of each group of rows of one length, in the order in which they are packed."""


class Attention(nn.Module):
    """Softmax attention of every token to the tokens of its row, query, key and value from one linear layer.

    Args:
        qkv: D to 3A.
        proj: A to D.
        q_norm, k_norm: Of the queries and keys of one head.
        norm: Of the joined heads, before `proj`.
        gate: D to A; the sigmoid of it multiplies the joined heads.
        is_causal: A token attends to itself and to those before it in its row, and to none behind it.
    """

    def __init__(
        self,
        qkv: nn.Module,
        proj: nn.Module,
        num_heads: int,
        *,
        q_norm: nn.Module | None = None,
        k_norm: nn.Module | None = None,
        norm: nn.Module | None = None,
        gate: nn.Module | None = None,
        is_causal: bool = False,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.is_causal = is_causal
        self.qkv = qkv
        self.q_norm = q_norm or nn.Identity()
        self.k_norm = k_norm or nn.Identity()
        self.norm = norm or nn.Identity()
        self.gate = gate
        self.proj = proj

    def forward(self, tokens: Tensor, groups: Groups | None = None, is_read_RN: Tensor | None = None) -> Tensor:
        """(R, N, D) to (R, N, D); with groups packed (T, D) to (T, D), each row attending to itself alone.

        Args:
            is_read_RN: Bool, without groups: the tokens that others attend to, at least one a row; None: all.
        """
        qkv = self.qkv(tokens)
        if groups is None:
            joined = self._attend(qkv, None if is_read_RN is None else is_read_RN[:, None, None])
        else:
            # one split, and not a slice a group: the gradient of each slice would be as large as all of qkv
            parts = zip(qkv.split([rows * length for rows, length in groups]), groups, strict=True)
            joined = torch.cat([self._attend(part.unflatten(0, group)).flatten(0, 1) for part, group in parts])
        joined = self.norm(joined)
        if self.gate is not None:
            joined = joined * self.gate(tokens).sigmoid()
        projected: Tensor = self.proj(joined)
        return projected

    def _attend(self, qkv_RNA: Tensor, mask: Tensor | None = None) -> Tensor:
        query, key, value = rearrange(qkv_RNA, "r n (three h d) -> three r h n d", three=3, h=self.num_heads)
        query, key = self.q_norm(query), self.k_norm(key)
        is_causal = self.is_causal
        if is_causal and mask is not None:  # torch takes one of them
            square = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=mask.device)
            mask = (mask & square.tril()) | square.tril().triu()  # a softmax over none is NaN: padding reads itself
            is_causal = False
        heads_RHND = scaled_dot_product_attention(query, key, value, mask, is_causal=is_causal)
        return rearrange(heads_RHND, "r h n d -> r n (h d)")


class Mlp(nn.Module):
    """Two linear layers and an activation between them, a token at a time.

    Args:
        fc1: D to the hidden width.
        fc2: The hidden width to D.
    """

    def __init__(self, fc1: nn.Module, act: nn.Module, fc2: nn.Module) -> None:
        super().__init__()
        self.fc1 = fc1
        self.act = act
        self.fc2 = fc2

    def hidden(self, tokens: Tensor) -> Tensor:
        """(..., D) to what enters `fc2`."""
        activated: Tensor = self.act(self.fc1(tokens))
        return activated

    def forward(self, tokens: Tensor) -> Tensor:
        mixed: Tensor = self.fc2(self.hidden(tokens))
        return mixed


class QuickGELU(nn.Module):
    """x * sigmoid(1.702 x), as OpenAI's CLIP has it (github.com/openai/CLIP, `clip/model.py`)."""

    def forward(self, values: Tensor) -> Tensor:
        return values * torch.sigmoid(1.702 * values)


class LayerScale(nn.Module):
    """A learned factor a channel.  Source: Touvron et al. 2021 (CaiT), arXiv:2103.17239, section 2."""

    def __init__(self, width: int, initial: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), initial))

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.gamma


class Block(nn.Module):
    """Attention and an MLP, each after a norm, scaled, and added to what came in.

    Neither dropout nor stochastic depth: an encoder has none. While its weights are frozen and gradients pass through
    it, the inside of the MLP is computed again in the pass back; see `recomputing`.
    """

    def __init__(
        self,
        norm1: nn.Module,
        attn: Attention,
        norm2: nn.Module,
        mlp: nn.Module,
        *,
        ls1: nn.Module | None = None,
        ls2: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.norm1 = norm1
        self.attn = attn
        self.ls1 = ls1 or nn.Identity()
        self.norm2 = norm2
        self.mlp = mlp
        self.ls2 = ls2 or nn.Identity()

    def forward(self, tokens: Tensor, groups: Groups | None = None, is_read_RN: Tensor | None = None) -> Tensor:
        """(R, N, D) to (R, N, D), or packed (T, D) to (T, D) with the groups of rows that stand in it; `is_read_RN` as
        for `Attention`."""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens), groups, is_read_RN))
        mixed: Tensor = tokens + self.ls2(self._mixed(tokens))
        return mixed

    def _mixed(self, tokens: Tensor) -> Tensor:
        if type(self.mlp) is Mlp and recomputing.is_worth_it(tokens, self.norm2, self.mlp):
            return recomputing.mixed(tokens, self.norm2, self.mlp)
        mixed: Tensor = self.mlp(self.norm2(tokens))
        return mixed


class PatchEmbed(nn.Module):
    """The patches of a picture to tokens, by one convolution; `norm` is there for what timm may put in its place."""

    def __init__(self, img_size: int, patch_size: int, in_chans: int, width: int, *, bias: bool) -> None:
        super().__init__()
        self.patch_size = (patch_size, patch_size)
        self.grid_size = (img_size // patch_size, img_size // patch_size)
        self.proj = nn.Conv2d(in_chans, width, patch_size, stride=patch_size, bias=bias)
        self.norm = nn.Identity()


class PlainVit(nn.Module):
    """Everything of a ViT but its classifier: patch embedding, prefix, positions, blocks and norms.

    It holds the tensors and computes nothing: `Encoder` runs the blocks, and a tokenizer the patch embedding.

    Attributes:
        embed_dim: D.
        cls_token, reg_token: (1, 1, D) and (1, registers, D); None without.
        pos_embed: (1, N, D), of the prefix too unless `no_embed_class`; None without.
    """

    def __init__(
        self,
        patch_embed: nn.Module,
        blocks: nn.Sequential,
        *,
        embed_dim: int,
        cls_token: nn.Parameter | None,
        reg_token: nn.Parameter | None,
        pos_embed: nn.Parameter | None,
        no_embed_class: bool,
        norm_pre: nn.Module,
        norm: nn.Module,
    ) -> None:
        super().__init__()
        self.embed_dim = embed_dim
        self.no_embed_class = no_embed_class
        self.cls_token = cls_token
        self.reg_token = reg_token
        self.pos_embed = pos_embed
        self.patch_embed: Any = patch_embed
        self.norm_pre = norm_pre
        self.blocks = blocks
        self.norm = norm


class _NoDraws(TorchFunctionMode):
    """Layers are built without the random weights that would be overwritten at once."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (nn.init.kaiming_uniform_, nn.init.uniform_):
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


@contextmanager
def without_draws() -> Iterator[None]:
    """Layers built here have uninitialised weights, and torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]), _NoDraws():
        yield
