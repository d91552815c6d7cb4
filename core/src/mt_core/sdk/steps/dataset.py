"""Datasets whose labels may be those of steps."""

from __future__ import annotations

from typing import Any, Self

from mt_core.contract import AnyTask, Segmentation
from mt_core.errors import DatasetError
from mt_core.sdk.listed_dataset import ListedDataset
from mt_core.sdk.listing import Listing
from mt_core.sdk.steps.listing import with_classes_of


class StepsDataset(ListedDataset):
    """Recordings with labels of their own, or of their steps (`list_steps`)."""

    def tokenizer_options(self) -> dict[str, Any]:
        """Where steps have classes: that the tokenizer is to give a head their places."""
        return {"labels": "steps"} if isinstance(self.task, Segmentation) else {}

    @classmethod
    def of(cls, listing: Listing, task: AnyTask | None, source: str) -> Self:
        """See `ListedDataset.of`; of labels of steps, some of the task's classes may not be there.

        Raises:
            DatasetError: one class alone, to train on.
        """
        if task is None and isinstance(listing.task, Segmentation) and len(listing.task.classes) < 2:
            raise DatasetError(
                f"{source} has one class only, {listing.task.classes[0]!r}: there is nothing to tell apart",
                fix="add steps of another class",
            )
        return super().of(with_classes_of(listing, task, source), task, source)
