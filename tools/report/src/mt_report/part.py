"""The part of the data that a run is reported on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mt_core.contract import ModalityDataset
from mt_core.errors import MissingSplitError, OptionError
from mt_core.model import MetaTransformer
from mt_core.training.evaluation_data import open_for_evaluation
from mt_core.training.trained_on import recorded_parts


@dataclass(frozen=True)
class Part:
    """Samples that a run is measured on.

    Attributes:
        kind: "test": held out of the training data and measured once; "val": it also selected the epoch; "other": of
            data that the user named, or of the data's own test split.
        skips_unreadable: Whether samples that cannot be read are left out, as in the training.
    """

    dataset: ModalityDataset
    kind: str
    skips_unreadable: bool = False

    @property
    def title(self) -> str:
        count = len(self.dataset)
        return f"{count:,} sample{'s' * (count != 1)} of {self.dataset.source}"

    @property
    def remark(self) -> str:
        """What is to be known of numbers that were measured on it."""
        if self.kind == "val":
            return "This part also selected the epoch that was kept, so new samples may fare worse."
        if self.kind == "test":
            return "This part was held out: it neither trained the model nor selected the epoch."
        return "This part was named for the report."


def open_part(model: MetaTransformer, data: str | Path | None, split: str | None) -> Part:
    """The part that a report is about: by default what was held out of the training data for a test, else what
    selected the epoch. A test split of the data's own is read only where it is asked for.

    Args:
        data: Other data than those of the training, or where these lie now; None: where they lay.
        split: "test", "val", or another of the data's; None: see above, of other data as for `mt_core.evaluate`.

    Raises:
        OptionError: the training data are not there any more, or have no such part.
        RunError: they are not what the run was trained on.
        DatasetError: a folder in no known layout.
    """
    if data is not None:
        return Part(open_for_evaluation(model, Path(data), split, None), "other")
    recipe, parts = recorded_parts(
        model,
        None,
        needs="a report measures a run on its own validation or test part",
        on="a report measures a run on the data that it was trained on",
        by="--data, or data=",
    )
    skips = recipe.skip_unreadable
    if split == "val" or (split is None and parts.test is None):
        return Part(parts.val, "val", skips)
    if parts.test is not None and split in (None, "test"):
        return Part(parts.test, "test", skips)
    root = model.trained_on.root if model.trained_on is not None else None
    if root is None:
        raise OptionError("the run has no data of its own to take a split of", fix="name data (--data, or data=)")
    try:
        return Part(open_for_evaluation(model, Path(root), split, None), "other", skips)
    except MissingSplitError as error:
        raise OptionError(error.problem, fix="leave --split out, or name val") from None
