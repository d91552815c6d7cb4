"""How to pretrain: one record, written into the run."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mt_core.contract import Options
from mt_core.data.precision import TrainingPrecision
from mt_pretrain.formulas.drawing import FAMILIES


class PretrainRecipe(Options):
    """Everything that decides what an encoder becomes. The schedule is in steps; time never changes it."""

    noun: ClassVar[str] = "setting"

    architecture: str = Field(default="vit_tiny_patch16_224", description="timm's name of a plain ViT.")
    depth: int | None = Field(default=None, ge=1, description="Its number of blocks; none: the architecture's own.")
    seed: int = Field(
        default=0,
        ge=0,
        description="Of the first weights, which are those of random/<architecture>@<seed>, and of every picture.",
    )
    steps: int = Field(default=20_000, ge=1, description="Steps of the whole schedule.")
    batch_size: int = Field(
        default=64, ge=len(FAMILIES), multiple_of=len(FAMILIES), description="Pictures a step, of each family as many."
    )
    size: int = Field(
        default=64,
        ge=16,
        le=512,
        description="Side of a picture in pixels, a multiple of the architecture's patch; positions are interpolated.",
    )
    categories: int = Field(
        default=1600,
        ge=2 * len(FAMILIES),
        multiple_of=len(FAMILIES),
        description="Formulas in all, of each family as many; each is drawn in ever new poses and colours.",
    )
    lr: float = Field(default=1e-3, gt=0, description="Peak learning rate (AdamW).")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps in which it rises; then cosine.")
    weight_decay: float = Field(
        default=0.5,
        ge=0,
        description="Not on norms, biases, [CLS] and positions. This much keeps the encoder near the identity, where "
        "tokens of other modalities get through.",
    )
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the gradient.")
    ema: float = Field(
        default=0.999, ge=0, lt=1, description="Decay of the moving average of the weights, which is what is kept."
    )
    patch_weight: float = Field(
        default=2.0, ge=0, description="In the loss, of predicting the descriptors of each patch from its token."
    )
    whole_weight: float = Field(
        default=1.0,
        ge=0,
        description="In the loss, of predicting the descriptors of the picture from the mean of its tokens.",
    )
    branch_start: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="What the last map of each attention and each MLP is multiplied by before the first step; 0: the "
        "encoder begins as the identity (Goyal et al. 2017, arXiv:1706.02677), and learns what is better. Not of an "
        "encoder that is trained further.",
    )
    precision: TrainingPrecision = Field(default="32", description="32, or bf16: autocast to bfloat16.")
    save_every: int = Field(default=500, ge=1, description="Steps between checkpoints.")
    score_modality: str = Field(default="image", description="The modality whose plugin reads what is scored on.")
    score_every: int = Field(
        default=500, ge=1, description="Steps between scores on real data, which is not trained on."
    )
    devices: int = Field(
        default=1, ge=1, description="Processes on a machine that learn together, each from its part of a batch."
    )
    num_nodes: int = Field(default=1, ge=1, description="Machines that learn together, with so many devices each.")
