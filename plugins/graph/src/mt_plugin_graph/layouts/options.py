"""What a user may choose of a set of graphs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from mt_core.sdk import LabelOptions


class GraphDatasetOptions(LabelOptions):
    """What is predicted of the graphs, and which of them are tested."""

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
    folds: int = Field(default=10, ge=0, description='TU sets: equal parts, one of which is "test"; 0: nothing is.')
    fold: int = Field(
        default=1, ge=1, validate_default=True, description='TU sets: which of the parts is "test", 1 to `folds`.'
    )
    seed: int = Field(default=0, ge=0, description="Of the random split, and of the folds.")

    @field_validator("fold")
    @classmethod
    def _fold_is_there(cls, fold: int, info: ValidationInfo) -> int:
        folds = info.data.get("folds", 0)
        if folds == 1 or fold > max(folds, 1):
            raise ValueError(f"there is no fold {fold} of {folds}; use folds=10 and fold=1 to 10, or folds=0 for none")
        return fold
