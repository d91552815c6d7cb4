"""What a user may choose of how tables are read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mt_core.sdk.blocks import ViewOptions

Header = Literal["auto", "yes", "no"]


class TabularOptions(ViewOptions):
    """How columns are understood and embedded."""

    number_embedding: Literal["ple", "periodic"] = Field(
        default="ple", description="Embedding of numbers: piecewise-linear over quantile bins, or sines and cosines."
    )
    bins: int = Field(default=48, ge=1, le=1024, description="ple: bins of a column, at most.")
    frequencies: int = Field(default=32, ge=1, le=1024, description="periodic: frequencies of a column.")
    sigma: float = Field(default=0.3, gt=0, description="periodic: standard deviation of the frequencies at the start.")
    max_categories: int = Field(default=128, ge=1, description="Most frequent categories kept; others are unknown.")
    numeric: tuple[str, ...] = Field(
        default=(), description="Columns that are numbers, whatever they look like; cells that are none are missing."
    )
    categorical: tuple[str, ...] = Field(
        default=(), description="Columns that are categories, whatever they look like."
    )
    ignore: tuple[str, ...] = Field(default=(), description="Columns to leave out.")
    missing: tuple[str, ...] = Field(
        default=(), description="Further texts or numbers that mean that there is no value: missing=-999,unknown."
    )
    decimal: Literal[".", ","] | None = Field(
        default=None, description="What stands before fractions where 1,234 could be either. none: judged by the table."
    )
    day_first: bool | None = Field(
        default=None, description="Whether 03/04/2020 is in April. none: judged by the column."
    )
    drop: float = Field(default=0.0, ge=0, lt=1, description="Chance that a cell is hidden from a training sample.")
    header: Header = Field(default="auto", description="Whether the first line of a text file holds the names.")
