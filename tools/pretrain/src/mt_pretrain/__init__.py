"""Make an encoder: from a seed alone, on pictures that formulas draw, or from pictures with captions.

    pretrain("runs/drawn", {"steps": 20_000})
    pretrain_on_pairs("pairs", "runs/pairs", recipe={"epochs": 32})

What either gives is an encoder for every modality: `load_encoder("runs/drawn/encoder.safetensors")`.
"""

from mt_pretrain.formulas.recipe import PretrainRecipe
from mt_pretrain.formulas.training import PretrainResult, pretrain
from mt_pretrain.pairs.recipe import ContrastRecipe
from mt_pretrain.pairs.training import ContrastResult, pretrain_on_pairs

__all__ = ["ContrastRecipe", "ContrastResult", "PretrainRecipe", "PretrainResult", "pretrain", "pretrain_on_pairs"]
