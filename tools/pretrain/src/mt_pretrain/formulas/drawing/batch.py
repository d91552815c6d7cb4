"""A batch of pictures, as a function of a seed and a step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas, Figure
from mt_pretrain.formulas.drawing.charts import charts
from mt_pretrain.formulas.drawing.clouds import clouds
from mt_pretrain.formulas.drawing.colour import paint
from mt_pretrain.formulas.drawing.contours import contours
from mt_pretrain.formulas.drawing.fractals import fractals
from mt_pretrain.formulas.drawing.scenes import scenes
from mt_pretrain.formulas.drawing.solids import solids
from mt_pretrain.formulas.drawing.spectrograms import spectrograms
from mt_pretrain.formulas.drawing.textures import textures

FIGURES = {"contours": contours, "textures": textures, "solids": solids, "fractals": fractals}
"""What is drawn without colours, and painted."""

PICTURES = {"spectrograms": spectrograms, "charts": charts, "clouds": clouds}
"""What is drawn as the plugins draw samples of theirs."""

FAMILIES = (*FIGURES, "scenes", *PICTURES)
"""What is drawn. A batch has as many of each, in this order."""


@dataclass(frozen=True)
class Drawing:
    """Pictures and what is known of them because they were drawn.

    Attributes:
        pixels: (B, 3, S, S) RGB in [0, 1].
        category: (B,) which formula it was: those of the first family first.
    """

    pixels: Tensor
    category: Tensor


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
    figures = [family(canvas, chosen[index]) for index, family in enumerate(FIGURES.values())]
    figure = Figure(torch.cat([one.cover for one in figures]), torch.cat([one.tone for one in figures]))
    patterns = figures[list(FIGURES).index("textures")].tone
    painted = paint(canvas, figure, patterns[canvas.integers(each, len(FIGURES) * each)])
    index = len(FIGURES)
    pictures = [painted, scenes(canvas, chosen[index], patterns)]
    pictures += [family(canvas, chosen[index + 1 + more]) for more, family in enumerate(PICTURES.values())]
    category = (chosen + own * torch.arange(len(FAMILIES), device=canvas.device)[:, None]).flatten()
    return Drawing(torch.cat(pictures), category)


def _generator(seed: int, step: int, device: torch.device) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{step}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:4], "little"))
