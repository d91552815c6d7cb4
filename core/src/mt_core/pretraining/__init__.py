"""Make an encoder from a seed alone: formulas that draw pictures, an objective, a recipe, a run folder."""

from mt_core.pretraining.recipe import PretrainRecipe
from mt_core.pretraining.running import PretrainResult, pretrain

__all__ = ["PretrainRecipe", "PretrainResult", "pretrain"]
