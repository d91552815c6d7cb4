"""Where a token lies.  N tokens on a lattice, D width."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn

from mt_core.errors import TokensError

_MODES = {1: "linear", 2: "bicubic", 3: "trilinear"}


def interpolate_positions(positions_ND: Tensor, learned: Sequence[int], wanted: Sequence[int]) -> Tensor:
    """Positions learned on one lattice, resampled for another.

    Args:
        positions_ND: (N, D), row-major over `learned`.
        learned: The lattice they were learned on, 1 to 3 axes.
        wanted: The lattice they are needed on, as many axes.

    Returns:
        (N', D), row-major over `wanted`; the same values where the two lattices agree.

    Source: Dosovitskiy et al. 2021 (ViT), arXiv:2010.11929, section 3.2.
    """
    learned, wanted = tuple(learned), tuple(wanted)
    if learned == wanted:
        return positions_ND
    lattice = rearrange(positions_ND, "n d -> 1 d n").reshape(1, -1, *learned)
    resampled = nn.functional.interpolate(lattice.float(), size=wanted, mode=_MODES[len(learned)], align_corners=False)
    return rearrange(resampled.flatten(2), "1 d n -> n d").to(positions_ND.dtype)


class LearnedPositions(nn.Module):
    """Learned positions on a line or a lattice, interpolated for other sizes.

    Args:
        lattice: The lattice they are learned on: a length, or one extent an axis (1 to 3).
        width: D.
    """

    def __init__(self, lattice: int | Sequence[int], width: int, *, std: float = 0.02) -> None:
        super().__init__()
        self.lattice = (lattice,) if isinstance(lattice, int) else tuple(lattice)
        self.weight = nn.Parameter(torch.randn(math.prod(self.lattice), width) * std)

    def on(self, lattice: Sequence[int]) -> Tensor:
        """(N, D) positions on another lattice of as many axes."""
        return interpolate_positions(self.weight, self.lattice, lattice)

    def forward(
        self, values_BND: Tensor, lattice: Sequence[int] | Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Tokens with their positions added.

        Args:
            values_BND: (B, N, D) tokens in row-major order over `lattice`.
            lattice: Of all samples; or (B, axes) whole numbers, the lattice of each sample, whose tokens stand first in
                its row, and zeros are added to the padding behind them. By default a line: the first N positions where
                so many were learned; a longer sequence gets them stretched over its own real length, so that padding
                moves no token.
            mask: (B, N) bool, True where a token is real; for a line only, the real tokens standing first.

        Raises:
            TokensError: tokens that do not fill the lattice, or lattices of another number of axes or samples.
        """
        num_tokens = values_BND.shape[1]
        if lattice is None:
            return values_BND + self._on_a_line(num_tokens, mask)
        if isinstance(lattice, Tensor):
            return values_BND + self._on_each(values_BND, lattice)
        if math.prod(lattice) != num_tokens:
            raise TokensError(
                f"{num_tokens} tokens do not fill a lattice of {tuple(lattice)}",
                fix="pass the lattice that the patches came from",
            )
        return values_BND + self.on(lattice)

    def _on_each(self, values_BND: Tensor, lattice_BA: Tensor) -> Tensor:
        """(B, N, D) positions of samples that have lattices of their own; each different lattice is resampled once."""
        num_samples, num_tokens, _ = values_BND.shape
        wanted = [tuple(each) for each in lattice_BA.tolist()]
        if lattice_BA.shape != (num_samples, len(self.lattice)) or any(math.prod(each) > num_tokens for each in wanted):
            raise TokensError(
                f"lattices of shape {tuple(lattice_BA.shape)}, largest {max(wanted, key=math.prod, default=())}, for "
                f"{num_samples} samples of {num_tokens} tokens with positions on {len(self.lattice)} axes",
                fix=f"give whole numbers of shape (samples, {len(self.lattice)}), each for at most the tokens",
            )
        positions = {
            each: nn.functional.pad(self.on(each), (0, 0, 0, num_tokens - math.prod(each))) for each in set(wanted)
        }
        return torch.stack([positions[each] for each in wanted])

    def _on_a_line(self, num_tokens: int, mask: Tensor | None) -> Tensor:
        if len(self.lattice) != 1:
            raise TokensError(
                f"positions on a lattice of {self.lattice} need to know the lattice of the {num_tokens} tokens",
                fix="pass the lattice of the tokens to forward",
            )
        num_learned = self.lattice[0]
        if mask is not None and torch.compiler.is_compiling():
            return self._on_lines(num_tokens, mask)
        if num_tokens <= num_learned:
            return self.weight[:num_tokens]
        if mask is None:
            return self.on((num_tokens,))
        rows = []
        for length in mask.sum(1).tolist():
            line_ND = self.weight[:length] if length <= num_learned else self.on((length,))
            rows.append(nn.functional.pad(line_ND, (0, 0, 0, num_tokens - line_ND.shape[0])))
        return torch.stack(rows)

    def _on_lines(self, num_tokens: int, mask_BN: Tensor) -> Tensor:
        """(B, N, D) the positions of real tokens as `_on_a_line` gives them, by the same operations for all lengths."""
        num_learned = self.lattice[0]
        stretch_B1 = mask_BN.sum(1, keepdim=True) / num_learned
        index_N = torch.arange(num_tokens, device=mask_BN.device)
        stretched_BN = (index_N + 0.5) / stretch_B1.clamp(min=1) - 0.5
        place_BN = torch.where(stretch_B1 > 1, stretched_BN, index_N).clamp(0, num_learned - 1)
        left_BN = place_BN.floor().long()
        right_BN = (left_BN + 1).clamp(max=num_learned - 1)
        return torch.lerp(self.weight[left_BN], self.weight[right_BN], (place_BN - left_BN)[..., None])


def lattice_coords(grid: Sequence[int], like_BND: Tensor) -> Tensor:
    """(B, N, len(grid)) where the middles of a lattice's cells lie along each axis, in 0..1, row by row.

    Args:
        like_BND: The tokens of the cells, for their number B and their device.
    """
    middles = [(torch.arange(count, device=like_BND.device, dtype=torch.float32) + 0.5) / count for count in grid]
    return torch.cartesian_prod(*middles).expand(like_BND.shape[0], -1, -1)
