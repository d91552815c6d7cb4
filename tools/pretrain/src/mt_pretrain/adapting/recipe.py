"""How to adapt: one record, written into the run."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mt_core.contract import Options
from mt_core.data.precision import TrainingPrecision


class AdaptRecipe(Options):
    """Everything that decides what a tokenizer becomes on some files. The schedule is in steps; time never changes
    it."""

    noun: ClassVar[str] = "setting"

    tune: Literal["tokenizer", "lora"] = Field(
        default="tokenizer",
        description="tokenizer: the encoder stays as it is; lora: small matrices beside its layers too.",
    )
    steps: int = Field(default=300, ge=1, description="Steps of the whole schedule.")
    batch_size: int = Field(
        default=32, ge=2, description="Samples a step, each in two views; all where there are fewer."
    )
    lr: float = Field(default=1e-3, gt=0, description="Peak learning rate (AdamW).")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps in which it rises; then cosine.")
    weight_decay: float = Field(default=0.05, ge=0, description="AdamW's, on matrices only.")
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the gradient.")
    drop: float = Field(
        default=0.3,
        ge=0,
        lt=1,
        description="Share of the tokens that each view lacks, beside what the tokenizer itself augments.",
    )
    projector: int = Field(default=512, ge=2, description="Width of the layers between vectors and loss.")
    invariance: float = Field(default=25.0, ge=0, description="In the loss, of the two views being the same.")
    variance: float = Field(default=25.0, ge=0, description="In the loss, of samples being different from each other.")
    covariance: float = Field(default=1.0, ge=0, description="In the loss, of dimensions telling different things.")
    lora_rank: int = Field(default=8, ge=1, description="Rank of the matrices that tune=lora trains.")
    lora_alpha: float = Field(
        default=16.0, gt=0, description="Their product counts alpha / rank times, with tune=lora."
    )
    lora_targets: tuple[str, ...] = Field(
        default=("qkv", "proj"),
        min_length=1,
        description="The linear layers of each block that they stand beside: qkv, proj, fc1, fc2.",
    )
    max_samples: int = Field(
        default=20_000,
        ge=2,
        description="Of more samples so many are drawn; those of tables and scenes are held in memory.",
    )
    precision: TrainingPrecision = Field(default="32", description="32, or bf16: autocast to bfloat16.")
    seed: int = Field(default=0, ge=0, description="Of weights, order, augmentation and the samples that are drawn.")
    save_every: int = Field(default=50, ge=1, description="Steps between checkpoints.")
    num_workers: int | None = Field(
        default=None,
        ge=0,
        description="Worker processes that read; 0: none; none: one less than the cores, 4 at the most.",
    )
    seconds_a_sample: float = Field(
        default=300.0, gt=0, description="How long the reading of one sample may take before it counts as unreadable."
    )
    devices: int = Field(
        default=1, ge=1, description="Processes on a machine that learn together, each with its part of a batch."
    )
    num_nodes: int = Field(default=1, ge=1, description="Machines that learn together, with so many devices each.")
    skip_unreadable: bool = Field(
        default=False,
        description="Leave out samples that cannot be read, with a warning, and list them in errors.jsonl.",
    )
