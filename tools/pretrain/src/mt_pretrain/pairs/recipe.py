"""How to pretrain on pairs: one record, written into the run."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from mt_core.contract import Options
from mt_core.data.precision import TrainingPrecision


class ContrastRecipe(Options):
    """Everything that decides what comes of some pairs.

    Options of a tokenizer are added to the default ones, which are those of the default modality.
    """

    noun: ClassVar[str] = "setting"

    epochs: int = Field(default=32, ge=1, description="After each there are scores and a checkpoint.")
    pairs_an_epoch: int | None = Field(default=None, ge=1, description="none: as many as there are to train on.")
    batch_size: int = Field(default=256, ge=2, description="Pairs a step in each process; those of all are contrasted.")
    lr: float = Field(default=5e-4, gt=0, description="Peak learning rate (AdamW).")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps in which it rises; then cosine.")
    weight_decay: float = Field(default=0.2, ge=0, description="Not on norms, biases and the temperature.")
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the gradient.")
    ema: float = Field(
        default=0.0, ge=0, lt=1, description="Decay of a moving average of the weights, which then is kept; 0: none."
    )
    joint_width: int = Field(default=256, ge=1, description="Width of the space where pictures and captions meet.")
    separate: bool = Field(default=False, description="Captions have an encoder of their own.")
    val_fraction: float = Field(default=0.02, gt=0, lt=1, description="Part of the pairs that is held out to score on.")
    precision: TrainingPrecision = Field(default="32", description="32, or bf16: autocast to bfloat16.")
    seed: int = Field(default=0, ge=0, description="Of weights, order, augmentation and the held-out part.")
    num_workers: int | None = Field(
        default=None, ge=0, description="Worker processes; 0: none; none: one less than the cores, 4 at the most."
    )
    picture_modality: str = Field(default="image", description="The modality whose plugin reads the pictures.")
    picture_options: dict[str, Any] = Field(
        default={"flip": False}, description="Options of its tokenizer; as in CLIP, nothing is mirrored."
    )
    caption_modality: str = Field(default="text", description="The modality whose plugin reads the captions.")
    caption_options: dict[str, Any] = Field(
        default={"max_tokens": 77}, description="Options of its tokenizer; as many tokens as in CLIP."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_defaults_of_another_modality(cls, values: dict[str, Any]) -> dict[str, Any]:
        another = [kind for kind in ("picture", "caption") if not _is_default(kind, values.get(f"{kind}_modality"))]
        return {**{f"{kind}_options": {} for kind in another}, **values}

    @field_validator("picture_options", "caption_options")
    @classmethod
    def _over_the_defaults(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        name = str(info.field_name)
        kind = name.removesuffix("_options")
        defaults = cls.model_fields[name].default if _is_default(kind, info.data.get(f"{kind}_modality")) else {}
        return {**defaults, **options}


def _is_default(kind: str, modality: str | None) -> bool:
    return modality in (None, ContrastRecipe.model_fields[f"{kind}_modality"].default)
