"""Learning without labels: an encoder of your own, or a tokenizer that is fitted to your files.

    pretrain("runs/drawn", {"steps": 20_000})
    pretrain_on_pairs("pairs", "runs/pairs", recipe={"epochs": 32})
    adapt("imu", "recordings", "runs/adapted", {"steps": 300})

What either of the first two gives is an encoder for every modality: `load_encoder("runs/drawn/encoder.safetensors")`.
The third leaves the encoder as it is, and gives a run: `load_run("runs/adapted")`.
"""

from mt_pretrain.adapting.recipe import AdaptRecipe
from mt_pretrain.adapting.run import AdaptResult
from mt_pretrain.adapting.training import adapt
from mt_pretrain.formulas.recipe import PretrainRecipe
from mt_pretrain.formulas.training import PretrainResult, pretrain
from mt_pretrain.pairs.recipe import ContrastRecipe
from mt_pretrain.pairs.training import ContrastResult, pretrain_on_pairs

__all__ = [
    "AdaptRecipe",
    "AdaptResult",
    "ContrastRecipe",
    "ContrastResult",
    "PretrainRecipe",
    "PretrainResult",
    "adapt",
    "pretrain",
    "pretrain_on_pairs",
]
