"""What is known of overlapping squares, put together to the pictures that they were cut from.

B pictures, V squares of each, S side of a square, h, w size of a resized picture, H, W of the picture, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from einops import rearrange
from torch import Tensor

from mt_core.heads.decoder import enlarged


def join_squares(scores_RKSS: Tensor, side: Mapping[str, Tensor]) -> Tensor:
    """Scores of every pixel, averaged where squares overlap, more of each in its middle than at its edges.

    Args:
        scores_RKSS: R = B * V, the squares of a picture one after another.
        side: `squares` (B, V, 2), the top and left of each in the resized picture, and `squares_mask` (B, V) where
            pictures have different numbers of them; `resized` (B, 2), its height and width; `size` (B, 2), the
            picture's own.

    Returns:
        (B, H, W, K), H and W those of the largest picture; NaN behind the pixels of the others.
    """
    wholes = join_resized(scores_RKSS.float(), side)
    sizes = side["size"].round().long().tolist() if side["size"].is_floating_point() else side["size"].tolist()
    pictures = [
        rearrange(enlarged(whole_Khw[None], size)[0], "k h w -> h w k")
        for whole_Khw, size in zip(wholes, sizes, strict=True)
    ]
    if len({picture.shape for picture in pictures}) == 1:
        return torch.stack(pictures)
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    padded = scores_RKSS.new_full((len(pictures), height, width, scores_RKSS.shape[1]), torch.nan)
    for row, picture in enumerate(pictures):
        padded[row, : picture.shape[0], : picture.shape[1]] = picture
    return padded


def join_squares_alike(scores_RKSS: Tensor, side: Mapping[str, Tensor]) -> Tensor:
    """`join_squares` of pictures of one size; see `join_resized_alike`."""
    whole_BKhw = join_resized_alike(scores_RKSS.float(), side)
    return rearrange(enlarged(whole_BKhw, tuple(side["size"][0].tolist())), "b k h w -> b h w k")


def join_resized(values_RKSS: Tensor, side: Mapping[str, Tensor], unit: int = 1) -> list[Tensor]:
    """What is known of each place of the squares, for each place of the resized pictures, averaged as `join_squares`
    does; (K, h, w) each.

    Args:
        unit: Pixels of the side of a place; squares begin at multiples of it.
    """
    squares_BV2, mask = side["squares"] // unit, side.get("squares_mask")
    values_BVKSS = rearrange(values_RKSS, "(b v) k s t -> b v k s t", b=len(squares_BV2))
    weight_SS = _weights(values_RKSS)
    wholes = []
    for row, resized in enumerate((side["resized"] // unit).tolist()):
        count = squares_BV2.shape[1] if mask is None else int(mask[row].sum())
        wholes.append(_joined(values_BVKSS[row, :count], squares_BV2[row, :count].tolist(), resized, weight_SS))
    return wholes


def join_resized_alike(values_RKSS: Tensor, side: Mapping[str, Tensor], unit: int = 1) -> Tensor:
    """`join_resized` of pictures that were resized to one size, (B, K, h, w), in operations that can be traced: the
    same ones whatever the size is and however many squares there are."""
    squares_BV2, (height, width) = side["squares"] // unit, (side["resized"][0] // unit).tolist()
    weight_SS, batch = _weights(values_RKSS), squares_BV2.shape[0]
    along_S = torch.arange(weight_SS.shape[0], device=values_RKSS.device)
    down_BVS1 = (squares_BV2[..., 0, None] + along_S)[..., None]
    across_BV1S = (squares_BV2[..., 1, None] + along_S)[..., None, :]
    picture_B111 = torch.arange(batch, device=values_RKSS.device)[:, None, None, None]
    place_BVSS = (picture_B111 * height + down_BVS1) * width + across_BV1S
    weighted_RSSK = rearrange(values_RKSS * weight_SS, "r k s t -> r s t k")
    total = values_RKSS.new_zeros(batch * height * width, values_RKSS.shape[1])
    total = total.index_add(0, place_BVSS.flatten(), weighted_RSSK.flatten(0, 2))
    weights = values_RKSS.new_zeros(batch * height * width)
    weights = weights.index_add(0, place_BVSS.flatten(), (weight_SS + torch.zeros_like(place_BVSS)).flatten())
    return rearrange(total / weights[:, None], "(b h w) k -> b k h w", b=batch, h=height, w=width)


def _joined(scores_VKSS: Tensor, squares: list[list[int]], resized: list[int], weight_SS: Tensor) -> Tensor:
    """(K, h, w)."""
    size = scores_VKSS.shape[-1]
    if len(squares) == 1 and resized == [size, size]:
        return scores_VKSS[0]
    total_Khw = scores_VKSS.new_zeros(scores_VKSS.shape[1], *resized)
    weights_hw = scores_VKSS.new_zeros(*resized)
    for scores_KSS, (top, left) in zip(scores_VKSS, squares, strict=True):
        total_Khw[:, top : top + size, left : left + size] += scores_KSS * weight_SS
        weights_hw[top : top + size, left : left + size] += weight_SS
    return total_Khw / weights_hw


def _weights(scores_RKSS: Tensor) -> Tensor:
    """(S, S) falling to the edges in straight lines, and nowhere zero."""
    size = scores_RKSS.shape[-1]
    place_S = torch.arange(size, device=scores_RKSS.device, dtype=scores_RKSS.dtype)
    line_S = (torch.minimum(place_S, size - 1 - place_S) + 1) / size
    return line_S[:, None] * line_S[None, :]
