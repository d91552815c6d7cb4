"""A folder that a run is measured on, opened from what the run recorded, before its model is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mt_core.contract import ModalityDataset, task_from
from mt_core.data.dataset_options import combined_options
from mt_core.io.notices import Notices, collecting, relay
from mt_core.model import without_head
from mt_core.plugins import get
from mt_core.training.evaluation_data import open_part
from mt_core.training.run import data_options_of, options_known, understood_record
from mt_core.training.seen import read_seen


def open_for_run(
    folder: Path, root: Path, split: str | None, data_options: Mapping[str, Any], *, strict: bool = False
) -> ModalityDataset:
    """The part of a folder that a run is measured on, see `open_part`.

    Args:
        folder: The run's.
        data_options: The dataset's; those that the run was trained with stand unless they are named here.

    Raises:
        RunError: no run, or one that the installed plugin does not understand.
        OptionError: an option that does not fit, or a run that was adapted without labels.
        DatasetError: a folder in no known layout.
        InputError: something was left out of the data or reinterpreted, and `strict` is set.
    """
    with understood_record(folder) as record:
        if record["task"] is None:
            raise without_head(record["modality"], str(folder))
        plugin = get(record["modality"])
        task = task_from(record["task"])
        with options_known(folder, record, "tokenizer"):
            tokenizer = plugin.tokenizer.Options.parse(record["tokenizer"]["options"])
        trained_with = data_options_of(folder, record, plugin)
    options = combined_options(plugin.dataset.Options, tokenizer, data_options, trained_with=trained_with)
    notices = Notices(strict=strict, default=str(root))
    with collecting(notices):
        dataset = open_part(plugin, root, split, task, options, read_seen(folder))
    notices.check()
    relay(list(notices))
    return dataset
