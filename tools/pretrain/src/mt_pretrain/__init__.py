"""Make an encoder: from a seed alone, on pictures that formulas draw, or from pictures with captions.

    pretrain("runs/drawn", {"steps": 20_000})
    pretrain_on_pairs("pairs", "runs/pairs", recipe={"epochs": 32})

What either gives is an encoder for every modality: `load_encoder("runs/drawn/encoder.safetensors")`.
"""

from mt_pretrain.contrast import ContrastResult, pretrain_on_pairs
from mt_pretrain.contrast_module import ContrastRecipe
from mt_pretrain.recipe import PretrainRecipe
from mt_pretrain.running import PretrainResult, pretrain

__all__ = ["ContrastRecipe", "ContrastResult", "PretrainRecipe", "PretrainResult", "pretrain", "pretrain_on_pairs"]
