"""What a user may choose of a set of recordings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mt_core.sdk import FileOptions, StepOptions


class EventOptions(StepOptions):
    """Options of labels of steps that dataset and tokenizer share."""

    step_ms: int = Field(
        default=50,
        ge=10,
        le=10_000,
        multiple_of=10,
        description="With labels=steps: milliseconds of a step, each of which has one class.",
    )
    max_seconds: float = Field(
        default=30.0,
        gt=0,
        le=36_000,
        description="Longer recordings are cut here, with a warning; with labels=steps into windows of this length.",
    )


class AudioDatasetOptions(EventOptions, FileOptions):
    """Which recordings are tested, and what is labelled of them."""

    fold: int | None = Field(  # type: ignore[assignment]
        default=None, ge=1, description='Which of the folds is "test", 1 to `folds`; of ESC-50 1 to 5. none: the last.'
    )
    held_out_speaker: str | None = Field(
        default=None, description='Of the spoken digits: whose recordings are "test"; none: the official test.'
    )
    events: tuple[str, ...] = Field(
        default=(), description="Of lists of events: the classes that are looked for; all others are none. none: all."
    )
    unlisted: Literal["leave_out", "none"] = Field(
        default="leave_out",
        description="Of lists of events: recordings that no list names: leave_out, or none, where nothing is heard in "
        "them.",
    )
