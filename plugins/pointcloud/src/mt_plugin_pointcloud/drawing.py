"""Point clouds as pictures: depth maps from several sides.

B clouds, V sides, N points, S side in pixels.

Source: Zhang et al. 2022 (PointCLIP), arXiv:2112.02413, section 3.1: depth maps, without rendering surfaces, through an
image encoder; Goyal et al. 2021 (SimpleView), arXiv:2106.05304: six orthogonal sides.
"""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn

_LEAST = 0.25  # brightness of the furthest point; what is empty is black
_COVER = 0.5  # of its cell in an even lattice of as many points, how much a point's square covers along a side

_TURNS = (0.0, 0.25 * math.pi, 0.5 * math.pi, 0.75 * math.pi)  # of the horizontal sides, about the vertical axis
_RADII = (0.01, 1000.0)  # of which the bar is empty and full


def draw_depths(points_BN3: Tensor, mask_BN: Tensor | None, log_radius_B: Tensor, *, upright: str, size: int) -> Tensor:
    """A cloud seen from four sides and from above, in parallel projection, upright.

    Red: how near the nearest point is. Green: how near the furthest one. Blue: how many points there are, on a
    logarithmic scale. A point is a square, the larger the fewer points a cloud has.

    Args:
        points_BN3: Coordinates within the unit ball.
        mask_BN: True where a point is real; None: all are.
        log_radius_B: Natural logarithm of the cloud's radius, which a bar along the lower edge shows.
        upright: The vertical axis.
        size: S.

    Returns:
        (B, 5, 3, S, S) in 0..1: the sides 45 degrees apart, then from above. The order of the points changes nothing.
    """
    vertical = "xyz".index(upright)
    first, second = (axis for axis in range(3) if axis != vertical)
    a, b, up = points_BN3[..., first], points_BN3[..., second], points_BN3[..., vertical]
    turned = [(math.cos(t) * a + math.sin(t) * b, math.cos(t) * b - math.sin(t) * a, up) for t in _TURNS]
    sides = [torch.stack(axes, dim=-1) for axes in (*turned, (up, a, b))]
    mask_BN = mask_BN if mask_BN is not None else points_BN3.new_ones(points_BN3.shape[:2], dtype=torch.bool)
    drawn_BVCSS = torch.stack([_seen(side, mask_BN, size) for side in sides], dim=1)
    low, high = _RADII
    share_B = ((log_radius_B.float() - math.log(low)) / math.log(high / low)).clamp(0, 1)
    is_bar_BS = torch.arange(size, device=points_BN3.device) < share_B[:, None] * size
    drawn_BVCSS[..., -max(1, size // 16) :, :] = is_bar_BS[:, None, None, None].to(drawn_BVCSS.dtype)
    return drawn_BVCSS


def _seen(axes_BN3: Tensor, mask_BN: Tensor, size: int) -> Tensor:
    """(B, 3, S, S) along the first axis, the second to the right and the third up."""
    depth_BN, right_BN, up_BN = axes_BN3.float().unbind(-1)
    column_BN, row_BN = (_cell(place, size) for place in (right_BN, -up_BN))
    cell_BN = torch.where(mask_BN, row_BN * size + column_BN, size * size)  # what is not there falls behind the picture
    near_BN = _LEAST + (1 - _LEAST) * (1 + depth_BN.clamp(-1, 1)) / 2
    blank = near_BN.new_zeros(near_BN.shape[0], size * size + 1)
    nearest = blank.scatter_reduce(1, cell_BN, near_BN, "amax")
    # the furthest is the nearest from the other side
    furthest = blank.scatter_reduce(1, cell_BN, 1 + _LEAST - near_BN, "amax")
    count = blank.scatter_add(1, cell_BN, mask_BN.float())
    planes = torch.stack([nearest, furthest, count], dim=1)[..., :-1]
    planes_B3SS = rearrange(planes, "b c (h w) -> b c h w", h=size)
    drawn_B3SS = _as_squares(planes_B3SS, mask_BN.sum(1), size)
    nearest, furthest, count = drawn_B3SS.unbind(1)
    furthest = torch.where(furthest > 0, 1 + _LEAST - furthest, 0)
    density = count.log1p() / count.flatten(1).amax(1).clamp_min(1).log1p()[:, None, None]
    return torch.stack([nearest, furthest, density], dim=1)


def _cell(place_BN: Tensor, size: int) -> Tensor:
    return ((place_BN.clamp(-1, 1) + 1) / 2 * size).long().clamp(max=size - 1)


def _as_squares(planes_B3SS: Tensor, counts_B: Tensor, size: int) -> Tensor:
    """Each point as a square of an odd number of pixels."""
    halves_B = (_COVER * size / counts_B.clamp_min(1).sqrt() / 2).round().long()
    if torch.compiler.is_compiling():
        return _grown(planes_B3SS, halves_B, round(_COVER * size / 2))
    drawn = planes_B3SS.clone()
    for half in sorted(set(halves_B.tolist())):
        if half:
            chosen = halves_B == half
            drawn[chosen] = nn.functional.max_pool2d(planes_B3SS[chosen], 2 * half + 1, stride=1, padding=half)
    return drawn


def _grown(planes_B3SS: Tensor, halves_B: Tensor, most: int) -> Tensor:
    """The same without a look at the halves, which a graph that is exported cannot take: squares that grow by a pixel
    at a time, each kept when it is large enough."""
    drawn = grown = planes_B3SS
    for half in range(1, most + 1):
        grown = nn.functional.max_pool2d(grown, 3, stride=1, padding=1)
        drawn = torch.where((halves_B == half)[:, None, None, None], grown, drawn)
    return drawn
