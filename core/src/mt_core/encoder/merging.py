"""Similar neighbours become one token, until no more than so many are left.  R rows, N tokens a row, D width.

In each round every second token is compared with the other ones of its window of `WINDOW` tokens by the cosine, and the
pairs that are most alike are joined, at most half of the tokens. A token that is left weighs as much as all that it
stands for. Time and memory are linear in the number of tokens, since none is compared with tokens far from it.

Source: Bolya et al. 2023 (Token Merging), arXiv:2210.09461, section 3: bipartite soft matching, here within windows,
before the first block, and by the tokens themselves in place of the keys.
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 256
"""Tokens among which a token finds its like; even."""

_AT_A_TIME = 64
"""Windows that are compared at a time."""


@torch.no_grad()
def merged_places(
    values_RND: Tensor, real_RN: Tensor, most: int, parts_RN: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Where each token goes.

    Each row is treated by itself, whatever else is in the batch.

    Args:
        real_RN: True where a token is real; what is not goes to place 0, and counts nowhere.
        most: Tokens that are left of a row, at most; more where parts have only one token each.
        parts_RN: Tokens of different parts are never joined.

    Returns:
        (R, N) int64, the place of each token among those that are left, which stand in their order; and (R, M), how
        many tokens each of them stands for, 0 behind the last of a row.
    """
    places_RN = torch.zeros(real_RN.shape, dtype=torch.int64, device=values_RND.device)
    for row in range(len(values_RND)):
        is_real_N = real_RN[row]
        parts_N = None if parts_RN is None else parts_RN[row][is_real_N]
        places_RN[row, is_real_N] = _places(values_RND[row][is_real_N].float(), most, parts_N)
    sizes = torch.zeros(len(values_RND), int(places_RN.max()) + 1, device=values_RND.device)
    return places_RN, sizes.scatter_add(1, places_RN, real_RN.float())


def _places(values_ND: Tensor, most: int, parts_N: Tensor | None) -> Tensor:
    """(N,) places of the tokens of one row."""
    places_N = torch.arange(len(values_ND), device=values_ND.device)
    sizes = torch.ones(len(values_ND), device=values_ND.device)
    while len(values_ND) > most:
        joined = _joined(values_ND, parts_N, len(values_ND) - most)
        is_left = joined == torch.arange(len(joined), device=joined.device)
        if bool(is_left.all()):
            break  # one token a part
        new = (is_left.cumsum(0) - 1)[joined]
        places_N = new[places_N]
        weighted = torch.zeros_like(values_ND[is_left]).index_add(0, new, values_ND * sizes[:, None])
        sizes = torch.zeros_like(sizes[is_left]).index_add(0, new, sizes)
        values_ND = weighted / sizes[:, None]
        parts_N = None if parts_N is None else parts_N[is_left]
    return places_N


def _joined(values_ND: Tensor, parts_N: Tensor | None, count: int) -> Tensor:
    """(N,) for each token that which it is joined to, for most itself: the `count` pairs that are most alike."""
    num_tokens, _ = values_ND.shape
    padding = -num_tokens % WINDOW
    unit = torch.nn.functional.pad(torch.nn.functional.normalize(values_ND, dim=-1), (0, 0, 0, padding))
    windows_WTD = unit.reshape(-1, WINDOW, unit.shape[-1])
    of_WT = None
    if parts_N is not None:
        of_WT = torch.nn.functional.pad(parts_N, (0, padding), value=-1).reshape(-1, WINDOW)
    found = [_best(windows_WTD, of_WT, first, num_tokens) for first in range(0, len(windows_WTD), _AT_A_TIME)]
    cosine, target = (torch.cat(each) for each in zip(*found, strict=True))
    source = torch.arange(0, len(unit), 2, device=unit.device)
    cosine, target, source = (each[: (num_tokens + 1) // 2] for each in (cosine, target, source))
    chosen = cosine.topk(min(count, int(cosine.isfinite().sum()))).indices
    joined = torch.arange(num_tokens, device=unit.device)
    joined[source[chosen]] = target[chosen]
    return joined


def _best(windows_WTD: Tensor, of_WT: Tensor | None, first: int, num_tokens: int) -> tuple[Tensor, Tensor]:
    """Of every second token of some windows the cosine with its like among the others, -inf without one, and its
    index."""
    some = windows_WTD[first : first + _AT_A_TIME]
    cosine_Wab = some[:, 0::2] @ some[:, 1::2].mT
    index_Wb = first * WINDOW + torch.arange(len(some) * WINDOW, device=some.device).reshape(len(some), -1)[:, 1::2]
    cosine_Wab = cosine_Wab.masked_fill((index_Wb >= num_tokens)[:, None, :], -torch.inf)
    if of_WT is not None:
        of = of_WT[first : first + _AT_A_TIME]
        cosine_Wab = cosine_Wab.masked_fill(of[:, 0::2, None] != of[:, None, 1::2], -torch.inf)
    best_Wa, place_Wa = cosine_Wab.max(-1)
    return best_Wa.flatten(), index_Wb.gather(1, place_Wa).flatten()
