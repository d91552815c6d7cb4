"""The numbers of an encoder whose blocks are plain, for backends that compute them in another way.

D width, M hidden width of the MLP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from mt_core.encoder.vit import Attention, Block, LayerScale, Mlp, QuickGELU
from mt_core.errors import EncoderError

if TYPE_CHECKING:
    from mt_core.encoder.encoder import Encoder

Activation = Literal["gelu", "gelu_tanh", "quick_gelu"]
LINEARS = ("qkv", "proj", "fc1", "fc2")
"""The linear layers of a block, in the order in which they are computed."""


@dataclass(frozen=True)
class Affine:
    """A linear layer or what a norm multiplies by and adds: `weight` (out, in) or (D,), `bias` (out,) or (D,)."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Norm:
    """Layer normalisation over D."""

    affine: Affine
    eps: float


@dataclass(frozen=True)
class PlainBlock:
    """One block; layer scales stand in `proj` and `fc2`."""

    norm1: Norm
    qkv: Affine
    proj: Affine
    norm2: Norm
    fc1: Affine
    fc2: Affine
    activation: Activation


@dataclass(frozen=True)
class PlainBlocks:
    """Blocks up to the last whose output is wanted.

    Attributes:
        layers: The blocks whose outputs, each through `norm`, stand side by side; 0: the tokens themselves.
        norm_pre, norm: None where the encoder has none.
        is_causal: Of the attention; see `Attention`.
    """

    blocks: tuple[PlainBlock, ...]
    width: int
    num_heads: int
    layers: tuple[int, ...]
    norm_pre: Norm | None
    norm: Norm | None
    is_causal: bool = False


def plain_blocks(encoder: Encoder) -> PlainBlocks:
    """What an encoder of plain blocks computes with, in float32.

    Raises:
        EncoderError: blocks with something in them that is not known here, or none.
    """
    layers: Sequence[int] = encoder.layers if encoder.layers is not None else (encoder.depth,)
    if not encoder.depth:
        raise EncoderError(f"the encoder {encoder.name} has no blocks", fix="use precision 32")
    blocks = tuple(_block(block, encoder) for block in encoder.blocks[: layers[-1]])
    norm_pre, norm = (_norm(each, encoder) for each in (encoder.norm_pre, encoder.norm))
    shape = encoder.width, encoder.num_heads
    return PlainBlocks(blocks, *shape, tuple(layers), norm_pre, norm, _is_causal(encoder))


def _is_causal(encoder: Encoder) -> bool:
    """Of all blocks, which are alike in this.

    Raises:
        EncoderError: they are not.
    """
    found = {block.attn.is_causal: block for block in encoder.blocks.children() if isinstance(block, Block)}
    if len(found) > 1:
        raise _not_plain(encoder, found[True])
    return next(iter(found))


def _block(block: nn.Module, encoder: Encoder) -> PlainBlock:
    if type(block) is not Block or type(block.attn) is not Attention or not _is_a(block.mlp, Mlp):
        raise _not_plain(encoder, block)
    attn: Any = block.attn
    mlp: Any = block.mlp
    for part in (attn.q_norm, attn.k_norm, attn.norm, getattr(mlp, "norm", attn.norm)):
        if type(part) is not nn.Identity:
            raise _not_plain(encoder, part)
    if attn.gate is not None:
        raise _not_plain(encoder, attn.gate)
    norm1, norm2 = _norm(block.norm1, encoder), _norm(block.norm2, encoder)
    assert norm1 is not None and norm2 is not None
    return PlainBlock(
        norm1,
        _linear(attn.qkv, encoder),
        _scaled(_linear(attn.proj, encoder), block.ls1, encoder),
        norm2,
        _linear(mlp.fc1, encoder),
        _scaled(_linear(mlp.fc2, encoder), block.ls2, encoder),
        _activation(mlp.act, encoder),
    )


def _activation(act: nn.Module, encoder: Encoder) -> Activation:
    if type(act) is QuickGELU:
        return "quick_gelu"
    if _is_a(act, nn.GELU):
        return "gelu_tanh" if getattr(act, "approximate", "none") == "tanh" else "gelu"
    raise _not_plain(encoder, act)


def _linear(linear: nn.Module, encoder: Encoder) -> Affine:
    if type(linear) is not nn.Linear:
        raise _not_plain(encoder, linear)
    bias = linear.bias if linear.bias is not None else torch.zeros(linear.out_features)
    return Affine(linear.weight.detach().float(), bias.detach().float())


def _scaled(linear: Affine, scale: nn.Module, encoder: Encoder) -> Affine:
    if type(scale) is nn.Identity:
        return linear
    if not _is_a(scale, LayerScale):
        raise _not_plain(encoder, scale)
    parts: Any = scale
    gamma = parts.gamma.detach().float()
    return Affine(linear.weight * gamma.unsqueeze(1), linear.bias * gamma)


def _norm(norm: nn.Module, encoder: Encoder) -> Norm | None:
    if type(norm) is nn.Identity:
        return None
    parts: Any = norm
    if not _is_a(norm, nn.LayerNorm) or parts.weight is None or parts.bias is None:
        raise _not_plain(encoder, norm)
    return Norm(Affine(parts.weight.detach().float(), parts.bias.detach().float()), parts.eps)


def _is_a(module: nn.Module, plain: type[nn.Module]) -> bool:
    """Exactly this class, or timm's of the same name, which computes the same and is not imported for it."""
    own = type(module)
    return own is plain or (own.__name__ == plain.__name__ and own.__module__.startswith("timm."))


def _not_plain(encoder: Encoder, part: nn.Module) -> EncoderError:
    return EncoderError(
        f"the encoder {encoder.name} has a {type(part).__name__}, which is computed by its own code alone",
        fix="use precision 32 or bf16",
    )
