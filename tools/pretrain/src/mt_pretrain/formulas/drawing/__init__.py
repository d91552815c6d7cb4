"""Pictures drawn from formulas, which belong to nobody: what an encoder can be pretrained on from a seed alone."""

from mt_pretrain.formulas.drawing.batch import FAMILIES, Drawing, draw

__all__ = ["FAMILIES", "Drawing", "draw"]
