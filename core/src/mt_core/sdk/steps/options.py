"""What users may choose of labels of steps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mt_core.contract import Options


class StepOptions(Options):
    """What labels belong to: an option of the dataset and of the tokenizer."""

    labels: Literal["whole", "steps"] | None = Field(
        default=None,
        description="What the labels belong to: whole recordings, or each step of them, whose class is then predicted. "
        "none: steps where a layout says their classes, else whole recordings.",
    )
