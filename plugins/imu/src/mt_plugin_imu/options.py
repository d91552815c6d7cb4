"""What a user may choose of a set of recordings."""

from __future__ import annotations

from pydantic import Field

from mt_core.sdk import FileOptions, StepOptions


class ImuDatasetOptions(StepOptions, FileOptions):
    """Which recordings are tested, and what is labelled of them."""

    label: str | None = Field(
        default=None,
        description="Column of the table with the labels; or a pattern for the files' names, a Python regular "
        "expression such as (?P<speaker>..)...(?P<label>.); or folder, folder1, folder2 …: the name of the folder that "
        "a file lies in, or of the first, second … below the data's. With labels=steps the column with the class of "
        "each step. none: found.",
    )
    columns: tuple[str, ...] = Field(
        default=(), description="Columns that are axes, in this order; none: found by their names."
    )
    rate_hz: float = Field(
        default=50.0, ge=0, le=10_000, description="Steps a second that recordings are brought to; 0: as they are."
    )
    window: int = Field(default=512, ge=2, le=65_536, description="With labels=steps: steps of a window at that rate.")

    test_users: str = Field(
        default="",
        description='HAPT and WISDM: who is "test", as numbers and ranges such as 2,4,9-12; none: as published.',
    )
