"""What a picture looks like, in numbers that nobody has to learn: the targets that a small budget can reach.

B batch, S side in pixels, N patches, row by row, F filters, T numbers a patch, W numbers a picture.

Two kinds. Gradients and colours: histograms of oriented gradients (Dalal & Triggs 2005), which Wei et al. 2022
(MaskFeat, arXiv:2112.09133) found to be as good a target as the features of trained networks. Codes: responses to a
dictionary of small patches, by which single-layer networks do well on small photographs (Coates, Ng & Lee 2011). Here
the dictionary is learned from drawn pictures, so no photograph has a part in it.
"""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from mt_pretrain.formulas.drawing import draw
from mt_pretrain.formulas.recipe import PretrainRecipe

_ORIENTATIONS = 8
_CELLS = 2
"""Along each side of a patch."""

_FILTER, _STRIDE, _SHRINK, _NUM_FILTERS = 6, 2, 2, 50
_WHITENED_WITH, _EVEN_OUT = 0.1, 0.01
_SWEEPS = 10
_SAMPLED_PATCHES = 40_000
_QUARTERS = 2
"""Codes of a whole picture are means over each quarter of it."""

_PATCH_NUMBERS, _WHOLE_NUMBERS = 64, 128
"""Principal components kept of the codes."""

_BATCHES, _PICTURES = 32, 64
_NOT_A_STEP = -2


class Descriptors(nn.Module):
    """Descriptors of pictures of one size, brought to mean 0 and variance 1 over drawn pictures.

    All that is learned is so at once, from the pictures of the recipe's seed, and kept in buffers.

    Attributes:
        num_patch: T.
        num_whole: W.
    """

    filters: Tensor
    offset: Tensor
    cells_mean: Tensor
    cells_std: Tensor
    patch_mean: Tensor
    patch_map: Tensor
    whole_mean: Tensor
    whole_map: Tensor

    def __init__(self, recipe: PretrainRecipe, patch: int) -> None:
        super().__init__()
        self.side = recipe.size // patch
        with torch.no_grad():
            pictures = [_drawn(recipe, number) for number in range(_BATCHES)]
            filters, offset = dictionary(torch.cat(pictures[: _BATCHES // 2]), recipe.seed)
            self.register_buffer("filters", filters)
            self.register_buffer("offset", offset)
            cells = torch.cat([self._cells(one) for one in pictures]).flatten(0, 1)
            self.register_buffer("cells_mean", cells.mean(0))
            self.register_buffer("cells_std", cells.std(0).clamp_min(1e-4))
            codes = [codes_of(one, filters, offset) for one in pictures]
            patch_mean, patch_map = whitening(
                torch.cat([cells_below(one, self.side, 1) for one in codes]).flatten(0, 1), _PATCH_NUMBERS
            )
            whole_mean, whole_map = whitening(torch.cat([_in_quarters(one) for one in codes]), _WHOLE_NUMBERS)
        self.register_buffer("patch_mean", patch_mean)
        self.register_buffer("patch_map", patch_map)
        self.register_buffer("whole_mean", whole_mean)
        self.register_buffer("whole_map", whole_map)
        self.num_patch = cells.shape[1] + patch_map.shape[1]
        self.num_whole = whole_map.shape[1]

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N, T) of each patch, and (B, W) of the whole.

        Args:
            pixels: (B, 3, S, S) in [0, 1].
        """
        codes = codes_of(pixels, self.filters, self.offset)
        cells = (self._cells(pixels) - self.cells_mean) / self.cells_std
        patches = (cells_below(codes, self.side, 1) - self.patch_mean) @ self.patch_map
        return torch.cat([cells, patches], -1), (_in_quarters(codes) - self.whole_mean) @ self.whole_map

    def _cells(self, pixels: Tensor) -> Tensor:
        """(B, N, cells * cells * (orientations + 3 + 1)): gradients, colours and contrast of each cell of a patch."""
        side = self.side * _CELLS
        smooth = functional.avg_pool2d(pixels, 5, 1, 2, count_include_pad=False)
        unlike = (pixels - smooth).square().mean(1, keepdim=True)
        cells = torch.cat(
            [
                oriented_gradients(pixels, side).sqrt(),
                functional.adaptive_avg_pool2d(pixels, side),
                functional.adaptive_avg_pool2d(unlike, side).sqrt(),
            ],
            1,
        )
        return _by_patch(cells, _CELLS)


def cells_below(picture_BCSS: Tensor, side: int, cells: int) -> Tensor:
    """(B, N, C * cells * cells) means below each patch of a lattice of side x side."""
    return _by_patch(functional.adaptive_avg_pool2d(picture_BCSS, side * cells), cells)


def _by_patch(cells_BCHW: Tensor, cells: int) -> Tensor:
    return rearrange(cells_BCHW, "b c (h i) (w j) -> b (h w) (c i j)", i=cells, j=cells)


def oriented_gradients(pixels: Tensor, cells: int) -> Tensor:
    """(B, 8, cells, cells) how much grey rises in each of eight directions, in the mean over a cell.

    The directions are 45 degrees apart, the first along x; what rises between two is shared by both.
    """
    grey = functional.pad(pixels.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")[:, 0]
    across = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
    down = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    rise, turn = torch.hypot(across, down), torch.atan2(down, across) * (_ORIENTATIONS / (2 * math.pi))
    first = turn.floor()
    share, index = turn - first, first.long() % _ORIENTATIONS
    rises = torch.stack(
        [
            rise * ((index == one) * (1 - share) + ((index + 1) % _ORIENTATIONS == one) * share)
            for one in range(_ORIENTATIONS)
        ],
        1,
    )
    return functional.adaptive_avg_pool2d(rises, cells)


def dictionary(pixels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Filters that respond to the commonest patches of some pictures: (F, 3, 6, 6), and (F,) their response to none.

    Patches have their mean taken off and their contrast evened out, are whitened, and are gathered around F directions.

    Source: Coates & Ng 2012, Learning feature representations with k-means, sections 2 and 3.
    """
    draws = torch.Generator().manual_seed(seed)
    patches = (
        functional.unfold(functional.avg_pool2d(pixels, _SHRINK), _FILTER, stride=_STRIDE).transpose(1, 2).flatten(0, 1)
    )
    patches = patches[torch.randperm(len(patches), generator=draws)[:_SAMPLED_PATCHES]]
    patches = patches - patches.mean(1, keepdim=True)
    patches = patches / (patches.var(1, keepdim=True, correction=0) + _EVEN_OUT).sqrt()
    middle = patches.mean(0)
    sizes, directions = torch.linalg.eigh(torch.cov(patches.T))
    whiten = (directions * (sizes + _WHITENED_WITH).rsqrt()) @ directions.T
    white = (patches - middle) @ whiten
    centres = functional.normalize(white[torch.randperm(len(white), generator=draws)[:_NUM_FILTERS]], dim=1)
    for _ in range(_SWEEPS):
        response = white @ centres.T
        nearest = response.abs().argmax(1)
        sign = response.gather(1, nearest[:, None]).sign()
        centres = functional.normalize(centres * 1e-3 + torch.zeros_like(centres).index_add_(0, nearest, white * sign))
    maps = whiten @ centres.T
    return maps.T.reshape(-1, 3, _FILTER, _FILTER).contiguous(), middle @ maps


def codes_of(pixels: Tensor, filters: Tensor, offset: Tensor) -> Tensor:
    """(B, 2 F, H, W) what is above half of the root mean square of all responses, of each sign; of every second place.

    As if each patch were evened out, whitened and compared, by convolutions alone.
    """
    shrunk = functional.avg_pool2d(pixels, _SHRINK)
    raised = functional.conv2d(shrunk, filters, stride=_STRIDE)
    mean = functional.avg_pool2d(shrunk.mean(1, keepdim=True), _FILTER, _STRIDE)
    square = functional.avg_pool2d(shrunk.square().mean(1, keepdim=True), _FILTER, _STRIDE)
    contrast = ((square - mean.square()).clamp_min(0) + _EVEN_OUT).sqrt()
    response = (raised - mean * filters.sum((1, 2, 3))[:, None, None]) / contrast - offset[:, None, None]
    enough = 0.5 * response.square().mean(1, keepdim=True).sqrt()
    return torch.cat([functional.relu(response - enough), functional.relu(-response - enough)], 1)


def whitening(values: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The mean (V,) of values (B, V), and the map (V, K) to at the most so many principal components of variance 1.

    Directions that hardly vary are not raised to the full.
    """
    sizes, directions = torch.linalg.eigh(torch.cov(values.T))
    kept = min(most, len(sizes))
    sizes, directions = sizes.flip(0)[:kept].clamp_min(0), directions.flip(1)[:, :kept]
    scale = (sizes + 1e-3 * sizes[0]).rsqrt()
    scale = scale * (sizes * scale.square()).mean().rsqrt()
    return values.mean(0), directions * scale


def _in_quarters(codes: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(codes, _QUARTERS).flatten(1)


def _drawn(recipe: PretrainRecipe, number: int) -> Tensor:
    """Pictures that no step draws."""
    step = _NOT_A_STEP - number
    return draw(recipe.seed, step, count=_PICTURES, size=recipe.size, categories=recipe.categories).pixels
