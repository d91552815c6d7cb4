"""Rows of tokens through a stack of blocks.  R rows, N tokens a row, T real tokens of all rows, P prefix tokens ([CLS],
then registers), D width."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mt_core.encoder.packing import Packing, pack, plan_packing, unpack, unpack_one
from mt_core.encoder.plain_vit import VitParts
from mt_core.encoder.vit import Groups

Runner = Callable[[Tensor, Groups | None], Tensor]
"""Computes what the blocks and norms of an encoder give, forward only; the arguments are those of `Block.forward`."""


class BlockStack(nn.Module):
    """Blocks, norms and prefix, and the three ways of rows through them: full, packed without their padding, and padded
    where a graph is traced, which may depend on no value.

    Args:
        parts: What it is made of.

    Attributes:
        width, depth: D, and the number of blocks.
        layers: The blocks whose outputs stand side by side in the features, from 1. None: the last alone.
        runner: What computes the blocks in place of torch.
        has_cls, cls_is_last: Whether it has [CLS], and whether that is no token of its own but the last of each row.
        prefix: (P, D) [CLS] and registers, None without.
        prefix_positions: (P, D) added to the prefix, None where it has none.
    """

    prefix: Tensor | None
    prefix_positions: Tensor | None

    def __init__(self, parts: VitParts) -> None:
        super().__init__()
        self.width = parts.width
        self.depth = len(parts.blocks)
        self.layers: tuple[int, ...] | None = None
        self.runner: Runner | None = None
        self.has_cls = parts.has_cls
        self.cls_is_last = parts.cls_is_last
        for own, tensor in (("prefix", parts.prefix), ("prefix_positions", parts.prefix_positions)):
            self.register_parameter(own, None if tensor is None else nn.Parameter(tensor))
        self.norm_pre = parts.norm_pre
        self.blocks = parts.blocks
        self.norm = parts.norm

    def _run(self, values_RND: Tensor, mask_RN: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Features and [CLS] of rows, in whichever way their mask allows."""
        if mask_RN is None:
            return self._run_full(values_RND)
        if torch.compiler.is_compiling():
            return self._run_padded(values_RND, mask_RN)
        return self._run_full(values_RND) if bool(mask_RN.all()) else self._run_masked(values_RND, mask_RN)

    def _dtype(self) -> torch.dtype:
        return next((parameter.dtype for parameter in self.blocks.parameters()), torch.float32)

    def _prefix(self, values_RND: Tensor) -> Tensor:
        """(P, D), positions added."""
        if self.prefix is None:
            return values_RND.new_zeros(0, self.width)
        return self.prefix if self.prefix_positions is None else self.prefix + self.prefix_positions

    def _run_full(self, values_RND: Tensor) -> tuple[Tensor, Tensor | None]:
        """Rows without padding: nothing to pack."""
        prefix_PD = self._prefix(values_RND)
        num_prefix = len(prefix_PD)
        if num_prefix:
            values_RND = torch.cat([prefix_PD.expand(values_RND.shape[0], -1, -1), values_RND], dim=1)
        values_RND = self._run_blocks(values_RND)
        cls = values_RND[:, -1 if self.cls_is_last else 0] if self.has_cls else None
        return values_RND[:, num_prefix:], cls

    def _run_masked(self, values_RND: Tensor, mask_RN: Tensor) -> tuple[Tensor, Tensor | None]:
        rows, num_tokens = mask_RN.shape
        prefix_PD = self._prefix(values_RND)
        packing = plan_packing(mask_RN, len(prefix_PD))
        packed_TD = self._run_blocks(pack(values_RND, prefix_PD, packing), packing.groups)
        return self._unpacked(packed_TD, packing, rows, num_tokens)

    def _unpacked(
        self, packed_TD: Tensor, packing: Packing, rows: int, num_tokens: int
    ) -> tuple[Tensor, Tensor | None]:
        cls = unpack_one(packed_TD, packing, rows, last=self.cls_is_last) if self.has_cls else None
        return unpack(packed_TD, packing, rows, num_tokens), cls

    def _run_padded(self, values_RND: Tensor, mask_RN: Tensor) -> tuple[Tensor, Tensor | None]:
        """Rows with their padding, to which no token attends: the same operations whatever the mask holds."""
        prefix_PD = self._prefix(values_RND)
        num_prefix = len(prefix_PD)
        is_there_R1 = mask_RN.any(1, keepdim=True)
        is_read_RN = nn.functional.pad(
            mask_RN | ~is_there_R1, (num_prefix, 0), value=True
        )  # a softmax over none is NaN
        values_RND = torch.where(mask_RN.unsqueeze(-1), values_RND, 0.0)  # weighed by zero, NaN would still be NaN
        values_RND = torch.cat([prefix_PD.expand(values_RND.shape[0], -1, -1), values_RND], dim=1)
        values_RND = self._run_blocks(values_RND, is_read_RN=is_read_RN)
        cls_RD = None
        if self.has_cls:
            found_RD = _last(values_RND[:, num_prefix:], mask_RN) if self.cls_is_last else values_RND[:, 0]
            cls_RD = torch.where(is_there_R1, found_RD, 0.0)
        return torch.where(mask_RN.unsqueeze(-1), values_RND[:, num_prefix:], 0.0), cls_RD

    def _run_blocks(self, values: Tensor, groups: Groups | None = None, is_read_RN: Tensor | None = None) -> Tensor:
        """The outputs of the chosen blocks, side by side; of packed rows with their groups."""
        if self.runner is not None and is_read_RN is None:
            return self.runner(values, groups)
        depth = len(self.blocks)
        layers = self.layers if self.layers is not None and depth else (depth,)
        values = self.norm_pre(values)
        outputs = [values] if depth and layers[0] == 0 else []
        for number, block in enumerate(self.blocks, start=1):
            if number > layers[-1]:
                break
            values = block(values, groups, is_read_RN)
            if number in layers:
                outputs.append(self.norm(values))
        if not depth:
            outputs.append(self.norm(values))
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)


def _last(values_RND: Tensor, mask_RN: Tensor) -> Tensor:
    """(R, D) the last real token of each row."""
    place_R = (torch.arange(mask_RN.shape[1], device=mask_RN.device) * mask_RN).amax(1)
    return values_RND.gather(1, place_R[:, None, None].expand(-1, 1, values_RND.shape[2]))[:, 0]
