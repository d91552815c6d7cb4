"""What a user may choose of a set of series."""

from __future__ import annotations

from pydantic import Field

from mt_core.sdk import GroupOptions, StepOptions
from mt_plugin_timeseries.tables import Irregular, RowsOption, Text, resolved


class TimeSeriesDatasetOptions(StepOptions, GroupOptions):
    """Which series, and which of its windows."""

    group: str | None = Field(
        default=None,
        description="The column that tells the series of a table apart (a machine, a shop, a patient), which is no "
        "channel. Each is a series by itself, and is trained on or tested as a whole. file: of several tables each is "
        "one, with labels=steps.",
    )

    horizon: int = Field(default=96, ge=1, description="Steps to forecast.")
    lookback: int = Field(default=336, ge=1, le=65_536, description="Steps looked at: the newest of a series.")
    window_stride: int = Field(
        default=1, ge=1, description="Steps from one training window to the next; the others stand at each step."
    )
    columns: tuple[str, ...] = Field(
        default=(), description="Columns of a table to read, in this order; none: all of numbers."
    )
    file: str | None = Field(default=None, description="Which table, where a folder holds several.")
    irregular: RowsOption = Field(
        default="auto",
        description="Rows that are not one step after the other: repair (sort, average doubles, leave gaps to "
        "interpolation), refuse, or ignore the times, as the literature does. auto: ignore where steps have classes, "
        "since then each row is a step; else repair.",
    )
    text: Text = Field(default="refuse", description="Columns of text in a table: refuse or ignore.")
    label: str | None = Field(
        default=None,
        description="With labels=steps: the column with the class of each step. none: found by its name.",
    )

    @property
    def rows(self) -> Irregular:
        """What is done with rows that are not one step after the other."""
        return resolved(self.irregular, self.labels)
