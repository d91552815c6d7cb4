"""How to train: one record, written into the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from mt_core.contract.options import Options, json_or_text
from mt_core.data.precision import Precision

Tune = Literal["knn", "probe", "frozen", "lora", "full"]


class Recipe(Options):
    """Everything that decides how a model is trained, apart from the data and the model itself."""

    noun: ClassVar[str] = "setting"

    tune: Tune = Field(
        default="frozen",
        description="knn: nothing, the nearest training samples answer; probe: the head alone, on features computed "
        "once (a linear one is solved exactly); frozen: tokenizer and head, the encoder stays as it is; lora: small "
        "matrices beside the encoder's too; full: the encoder too.",
    )
    epochs: int = Field(default=20, ge=1, description="Passes over the training data, at the most.")
    batch_size: int = Field(default=32, ge=1, description="Samples a step.")
    lr: float = Field(default=1e-3, gt=0, description="Peak learning rate of tokenizer and head (AdamW).")
    encoder_lr: float = Field(default=1e-5, gt=0, description="Peak learning rate of the encoder, with tune=full.")
    lora_rank: int = Field(default=8, ge=1, description="Rank of the matrices that tune=lora trains.")
    lora_alpha: float = Field(
        default=16.0, gt=0, description="Their product counts alpha / rank times, with tune=lora."
    )
    lora_targets: tuple[str, ...] = Field(
        default=("qkv", "proj"),
        min_length=1,
        description="The linear layers of each block that they stand beside: qkv, proj, fc1, fc2.",
    )
    weight_decay: float = Field(default=0.05, ge=0, description="AdamW's, on matrices only.")
    warmup: float = Field(
        default=0.05, ge=0, lt=1, description="Share of all steps in which the rate rises; then cosine."
    )
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the gradient.")
    patience: int | None = Field(
        default=None, ge=1, description="Stop after so many epochs without a better validation metric; none: never."
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="Which epoch's weights: the best by the validation metric, or the last, which is the steadier "
        "choice where few samples are held out.",
    )
    val_fraction: float = Field(
        default=0.1, gt=0, lt=1, description="Part of the training split that selects the model, where there is no val."
    )
    test_fraction: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Part of a folder's training split that is held out and measured once, at the end, where there is "
        "no test split; 0: none. Groups stay whole in all parts.",
    )
    precision: Precision = Field(
        default="32",
        description="32, or bf16: autocast to bfloat16 where the machine has it; auto: the faster of them here, and "
        "with tune=knn or probe, which need no gradients, the fastest of all whose vectors stay those of 32.",
    )
    seed: int = Field(
        default=0, ge=0, description="Of the head's weights, the order, augmentation and the held-out part."
    )
    num_workers: int | None = Field(
        default=None,
        ge=0,
        description="Worker processes that read; 0: none, unprotected from files that crash or hang; none: one less "
        "than the cores, at least 1 and at most 4.",
    )
    seconds_a_sample: float = Field(
        default=300.0, gt=0, description="How long the reading of one sample may take before it counts as unreadable."
    )
    max_minutes: float | None = Field(
        default=None,
        gt=0,
        description="Be done after so long, the last validation and the test included, with the best epoch so far.",
    )
    devices: int = Field(
        default=1,
        ge=1,
        description="Processes on a machine that train together, one a device, each with its part of a batch.",
    )
    num_nodes: int = Field(default=1, ge=1, description="Machines that train together, with so many devices each.")
    shard: bool = Field(
        default=False,
        description="Whether each of several processes keeps a part of the encoder's weights, gradients and optimiser "
        "state, and not all of them.",
    )
    loggers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = Field(
        default=(), description="Where each epoch's row of metrics.csv is sent too: tensorboard, wandb, mlflow."
    )
    skip_unreadable: bool = Field(
        default=False,
        description="Leave out samples that cannot be read, with a warning, and list them in errors.jsonl.",
    )
    head: dict[str, Any] = Field(default_factory=dict, description="Options of the head: pool, hidden, dropout, …")

    @property
    def purpose(self) -> Literal["embed", "train"]:
        """What a tokenizer is loaded for: to give vectors as it is, or to learn."""
        return "embed" if self.tune in ("knn", "probe") else "train"

    @field_validator("head")
    @classmethod
    def _head_options_are_json(cls, head: dict[str, Any]) -> dict[str, Any]:
        """A number is a number, also where a command line gave text: so it is in `run.json`."""
        return {name: json_or_text(value) if isinstance(value, str) else value for name, value in head.items()}

    @classmethod
    def over(cls, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Recipe:
        """A modality's defaults with some settings changed; the options of the head are merged.

        Raises:
            OptionError: an unknown setting or a value that it does not take.
        """
        head = {**cls.parse(defaults).head, **cls.parse(settings).head}
        return cls.parse({**defaults, **settings, "head": head})
