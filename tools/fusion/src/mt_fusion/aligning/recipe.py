"""How to align: one record, written into the run."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mt_core.contract import Options
from mt_core.data.precision import TrainingPrecision

READING = ("num_workers", "seconds_a_sample")
"""Settings of how samples are read."""

FREE = (*READING, "devices", "num_nodes")
"""Settings that do not decide the result."""


class AlignRecipe(Options):
    """Everything that decides what a space becomes on some pairs. The schedule is in steps; time never changes it."""

    noun: ClassVar[str] = "setting"

    tune: Literal["tokenizer", "probe", "lora"] = Field(
        default="tokenizer",
        description="tokenizer: each input's tokenizer and projection; probe: the projections alone, on vectors that "
        "are computed once; lora: small matrices beside the encoder's layers too, of each input its own.",
    )
    loss: Literal["infonce", "sigmoid"] = Field(
        default="infonce",
        description="infonce: which of the batch belongs to a sample; sigmoid: of each pair whether it belongs.",
    )
    width: int = Field(default=256, ge=2, description="Width of the vectors of the space; an anchor's is its own.")
    hidden: int = Field(default=0, ge=0, description="Width of a hidden layer of the projections; 0: a linear map.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Share of a vector that is dropped in training.")
    steps: int = Field(default=300, ge=1, description="Steps of the whole schedule.")
    batch_size: int = Field(default=256, ge=2, description="Rows a step; all where there are fewer.")
    micro_batch: int = Field(
        default=32, ge=1, description="Samples that are encoded at a time: memory follows it, the result does not."
    )
    lr: float = Field(default=1e-3, gt=0, description="Peak learning rate (AdamW).")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps in which it rises; then cosine.")
    weight_decay: float = Field(default=0.1, ge=0, description="AdamW's, on matrices only.")
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the gradient.")
    temperature: float = Field(default=0.07, gt=0, description="What cosines are divided by at first; it is learned.")
    lora_rank: int = Field(default=8, ge=1, description="Rank of the matrices that tune=lora trains.")
    lora_alpha: float = Field(default=16.0, gt=0, description="Their product counts alpha / rank times.")
    lora_targets: tuple[str, ...] = Field(
        default=("qkv", "proj"), min_length=1, description="The linear layers of each block that they stand beside."
    )
    val_share: float = Field(
        default=0.2, gt=0, lt=1, description="Share of the rows that is held out, where the data has no part for it."
    )
    max_val: int = Field(default=1000, ge=2, description="Of more rows held out so many are drawn.")
    evaluate_every: int = Field(default=0, ge=0, description="Steps between evaluations; 0: a tenth of the schedule.")
    precision: TrainingPrecision = Field(default="32", description="32, or bf16: autocast to bfloat16.")
    seed: int = Field(default=0, ge=0, description="Of weights, order, augmentation and the rows that are held out.")
    save_every: int = Field(default=50, ge=1, description="Steps between checkpoints.")
    num_workers: int | None = Field(
        default=None, ge=0, description="Worker processes that read; 0: none; none: one less than the cores, 4 at most."
    )
    seconds_a_sample: float = Field(
        default=300.0, gt=0, description="How long the reading of one sample may take before it counts as unreadable."
    )
    devices: int = Field(
        default=1,
        ge=1,
        description="Processes on a machine that learn together, each with its part of the rows of a step.",
    )
    num_nodes: int = Field(default=1, ge=1, description="Machines that learn together, with so many devices each.")

    def settled(self) -> AlignRecipe:
        """With what a 0 stands for."""
        return self.model_copy(update={"evaluate_every": self.evaluate_every or max(1, -(-self.steps // 10))})
