"""InfraredSolarModules: aerial thermal pictures of photovoltaic modules, with the anomaly that each shows.

Source: Millendorf, Obropta, Vadhavkar 2020, Infrared Solar Module Dataset for Anomaly Detection, ICLR workshop on
Tackling Climate Change with Machine Learning; `module_metadata.json` as its repository describes it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk import Listing, find_tables, list_tables, read_text, select_splits, sorted_names

METADATA = "module_metadata.json"

_NONE = "No-Anomaly"

_SOME = "Anomaly"


def find_solar_modules(root: Path, split: str, *, binary: bool) -> Listing | None:
    """The pictures of `module_metadata.json`; None where there is no such file.

    The data set has no splits of its own; a table beside it (`splits.csv`) makes them.

    Args:
        binary: Two classes, anomaly or none, in place of twelve.

    Raises:
        DatasetError: a damaged file, or pictures that it or the table names and that are not there.
        MissingSplitError: no such split in the table, or no table.
    """
    path = root / METADATA
    if not path.is_file():
        return None
    label_of = _labels(path)
    if tables := find_tables(root):
        samples = list(list_tables(tables, split, root).samples)
    else:
        select_splits(split, (), root)
        samples = list(label_of)
    unknown = [sample for sample in samples if sample not in label_of]
    missing = [sample for sample in samples if not os.path.isfile(sample)]
    if unknown or missing:
        which, where = (unknown, f"not in {METADATA}") if unknown else (missing, "not there")
        raise DatasetError(
            f"{root}: {len(which)} pictures of {len(samples)} are {where}: {', '.join(which[:3])}",
            fix="unpack the whole data set, and keep its images folder beside the file",
        )
    if binary:
        label_of = {sample: _NONE if label == _NONE else _SOME for sample, label in label_of.items()}
    labels = [label_of[sample] for sample in samples]
    return Listing(samples, labels, sorted_names(label_of.values()), "solar modules")


def _labels(path: Path) -> dict[str, str]:
    """The class of each picture, by its path."""
    wanted = '{"1": {"image_filepath": "images/1.jpg", "anomaly_class": "Cell"}}'
    try:
        records = json.loads(read_text(path))
        return {
            os.path.join(path.parent, str(record["image_filepath"])): str(record["anomaly_class"])
            for record in records.values()
        }
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path} is not a list of modules ({type(error).__name__}: {str(error)[:80]})",
            fix=f"unpack the data set again; the file looks like {wanted}",
        ) from None
