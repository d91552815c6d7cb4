"""The MLP of a frozen block, whose inner values are computed again in the pass back instead of being kept.

A frozen linear layer does not need its input for the gradient, so what an MLP keeps is what its norm and its activation
take; the second is four times as wide as a token. Computing it again costs one of the MLP's two products.

Source: Chen et al. 2016, arXiv:1604.06174, section 4, here for one part of each block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LEAST_MIB = 16
"""Inner values of one MLP in MiB from which on they are not kept: below, time counts for more than memory.
32 pictures of 224 pixels make 18.5 in a ViT of the tiny size."""


class Mlp(Protocol):
    """What is asked of an MLP: that it is `fc2(act(fc1(tokens)))`."""

    fc1: nn.Module
    act: nn.Module
    fc2: nn.Module

    def parameters(self) -> Iterator[nn.Parameter]: ...


def mixed(tokens: Tensor, norm: nn.Module, mlp: Mlp) -> Tensor:
    """`mlp(norm(tokens))`, with a gradient to the tokens alone, for which nothing but the tokens is kept."""
    output: Tensor = _Recomputed.apply(tokens, norm, mlp)
    return output


def is_worth_it(tokens: Tensor, norm: nn.Module, mlp: Mlp) -> bool:
    """Whether a gradient goes to many tokens and to none of the weights, and no graph of the model is being traced."""
    if not (torch.is_grad_enabled() and tokens.requires_grad) or torch.compiler.is_compiling():
        return False
    # exactly these: with adapters a layer's weight is not all that it multiplies by
    if not (type(mlp.fc1) is nn.Linear and type(mlp.act) is nn.GELU and type(mlp.fc2) is nn.Linear):
        return False
    if any(parameter.requires_grad for part in (norm, mlp) for parameter in part.parameters()):
        return False
    num_tokens = tokens.numel() // tokens.shape[-1]
    return num_tokens * mlp.fc1.out_features * tokens.element_size() >= LEAST_MIB * 2**20


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, norm: nn.Module, mlp: Mlp) -> Tensor:
        ctx.save_for_backward(tokens)
        ctx.parts, device = (norm, mlp), tokens.device.type
        ctx.autocast = (device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device))
        inner = mlp.fc1(norm(tokens))
        # in place, here and below: another tensor of this size at a time would be felt in the peak
        output: Tensor = mlp.fc2(torch.ops.aten.gelu_(inner, approximate=mlp.act.approximate))
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (tokens,), (norm, mlp) = ctx.saved_tensors, ctx.parts
        device, dtype, is_autocast = ctx.autocast
        with torch.autocast(device, dtype, enabled=is_autocast):
            with torch.enable_grad():
                tokens = tokens.detach().requires_grad_()
                normed = norm(tokens)
            inner = mlp.fc1(normed.detach())
            of_inner = gradient @ mlp.fc2.weight
            torch.ops.aten.gelu_backward.grad_input(
                of_inner, inner, approximate=mlp.act.approximate, grad_input=of_inner
            )
            (of_tokens,) = torch.autograd.grad(normed, tokens, (of_inner @ mlp.fc1.weight).to(normed.dtype))
        return of_tokens, None, None
