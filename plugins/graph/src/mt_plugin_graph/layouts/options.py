"""What a user may choose of a set of graphs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from mt_core.sdk import FileOptions

TU_FOLDS = 10
"""Of the sets of the TU collection, as is customary."""


class GraphDatasetOptions(FileOptions):
    """What is predicted of the graphs, and which of them are tested."""

    group: str | None = Field(
        default=None,
        description="What graphs have in common that must not be trained and tested on: of molecules scaffold (the "
        "rings and what links them) or a column of the table; of files a named group of the pattern, a column, a "
        "pattern of its own, or folder, folder1 …",
    )
    folds: int | None = Field(  # type: ignore[assignment]
        default=None,
        ge=0,
        description='Equal parts of all graphs, whole groups each or by class; one is "test". none: 10 of TU sets, '
        "else 0; 0: none.",
    )

    smiles: str | None = Field(
        default=None, description="Tables: the column of SMILES strings; none: found by its name, or by what is in it."
    )
    target: tuple[str, ...] = Field(
        default=(), description="Tables: the columns to predict, one or several; none: found by their names and values."
    )
    kind: Literal["classification", "multilabel", "regression"] | None = Field(
        default=None, description="What to predict, where the targets could be either."
    )
    splitting: Literal["random", "scaffold"] = Field(
        default="random", description="Tables without a split column: how the held-out molecules are chosen."
    )
    test_fraction: float = Field(
        default=0.2, ge=0, lt=1, description="Tables without a split column: the share held out for test; 0: nothing."
    )
    seed: int = Field(default=0, ge=0, description="Of the random split, and of the folds.")

    @field_validator("fold")
    @classmethod
    def _fold_is_there(cls, fold: int, info: ValidationInfo) -> int:
        if info.data.get("folds", 0) is None and fold > TU_FOLDS:
            raise ValueError(f"there is no fold {fold} of {TU_FOLDS}; give folds too")
        return fold
