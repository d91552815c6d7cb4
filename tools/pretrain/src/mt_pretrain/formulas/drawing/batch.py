"""A batch of pictures, as a function of a seed and a step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas, Figure
from mt_pretrain.formulas.drawing.colour import paint
from mt_pretrain.formulas.drawing.contours import contours
from mt_pretrain.formulas.drawing.fractals import fractals
from mt_pretrain.formulas.drawing.solids import solids
from mt_pretrain.formulas.drawing.textures import textures

FAMILIES = {"contours": contours, "textures": textures, "solids": solids, "fractals": fractals}
"""What is drawn. A batch has as many of each, in this order."""


@dataclass(frozen=True)
class Drawing:
    """Pictures and what is known of them because they were drawn.

    Attributes:
        pixels: (B, 3, S, S) RGB in [0, 1].
        category: (B,) which formula it was: those of the first family first.
        shape: (B, S, S) in [0, 1] the figure without colours, ground and light: 0 beside it, lighter where it is.
    """

    pixels: Tensor
    category: Tensor
    shape: Tensor


def draw(
    seed: int, step: int, *, count: int, size: int, categories: int, device: str | torch.device = "cpu"
) -> Drawing:
    """The pictures of a step: the same for the same arguments on the same device.

    Args:
        count: B; as many of each family, so a multiple of their number.
        size: S in pixels.
        categories: How many there are in all, a multiple of the number of families. A category's formula does not
            depend on how many there are.
    """
    own, each = categories // len(FAMILIES), count // len(FAMILIES)
    canvas = Canvas(size, own, _generator(seed, step, torch.device(device)))
    chosen = canvas.integers(own, len(FAMILIES), each)
    figures = [family(canvas, chosen[index]) for index, family in enumerate(FAMILIES.values())]
    figure = Figure(torch.cat([one.cover for one in figures]), torch.cat([one.tone for one in figures]))
    texture = figures[list(FAMILIES).index("textures")].tone
    pattern = texture[canvas.integers(each, count)]
    category = (chosen + own * torch.arange(len(FAMILIES), device=canvas.device)[:, None]).flatten()
    return Drawing(paint(canvas, figure, pattern), category, figure.cover * (0.3 + 0.7 * figure.tone))


def _generator(seed: int, step: int, device: torch.device) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{step}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:4], "little"))
