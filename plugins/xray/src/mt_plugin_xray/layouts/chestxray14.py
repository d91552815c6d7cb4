"""NIH ChestX-ray14: frontal chest films, each with any of 14 findings.

Source: Wang et al. 2017, ChestX-ray8, CVPR, arXiv:1705.02315; its later release with 14 findings and the two lists.
"""

from __future__ import annotations

import os
from pathlib import Path

from mt_core.contract import Multilabel
from mt_core.errors import DatasetError
from mt_core.sdk import Listing, dict_rows, files_below, read_text, select_splits

FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
    "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia",
)  # fmt: skip

_TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")

_LISTS = {"train": "train_val_list.txt", "test": "test_list.txt"}

_NONE = "No Finding"

_AGAIN = "download the table again"


def find_chestxray14(root: Path, split: str) -> Listing | None:
    """The films of `Data_Entry_2017.csv`, by the lists beside it; None where there is no such table.

    The pictures lie anywhere below: `images/` or `images_001/images/` to `images_012/images/`.

    Raises:
        DatasetError: a damaged table, a finding that is none of the 14, or films that are not there.
        MissingSplitError: no list for this split.
    """
    table = next((root / name for name in _TABLES if (root / name).is_file()), None)
    if table is None:
        return None
    findings = _findings(table)
    lists = {part: root / name for part, name in _LISTS.items() if (root / name).is_file()}
    names = [
        name.strip() for part in select_splits(split, lists, root) for name in read_text(lists[part]).splitlines()
    ] or list(findings)
    names = [name for name in names if name]
    path_of = {os.path.basename(path): path for path in files_below(root, (".png",))}
    for lacking, where in ((findings, table.name), (path_of, f"the folders of {root}")):
        missing = [name for name in names if name not in lacking]
        if missing:
            raise DatasetError(
                f"{root}: {len(missing)} films of {len(names)} are not in {where}: {', '.join(missing[:3])}",
                fix="unpack all of images_001.tar.gz to images_012.tar.gz, or shorten the lists to what there is",
            )
    targets = [[float(finding in findings[name]) for finding in FINDINGS] for name in names]
    return Listing([path_of[name] for name in names], targets, (), "chestxray14", Multilabel(labels=FINDINGS))


def _findings(table: Path) -> dict[str, frozenset[str]]:
    """The findings of each film, by its name."""
    found: dict[str, frozenset[str]] = {}
    for row in dict_rows(table):
        if not {"Image Index", "Finding Labels"} <= row.keys():
            raise DatasetError(f"{table} has no columns 'Image Index' and 'Finding Labels'", fix=_AGAIN)
        some = frozenset(row["Finding Labels"].split("|")) - {_NONE}
        if unknown := sorted(some - set(FINDINGS)):
            raise DatasetError(
                f"{table}: {unknown[0][:40]!r} is not a finding", fix=f"the findings are {', '.join(FINDINGS)}"
            )
        found[row["Image Index"]] = some
    return found
