"""PCQM4Mv2 as the Open Graph Benchmark ships it (Hu et al. 2021, OGB-LSC, arXiv:2103.09430)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Regression
from mt_core.errors import DatasetError
from mt_core.sdk import Listing
from mt_plugin_graph.layouts.columns import read_table
from mt_plugin_graph.layouts.held_out import chosen_rows
from mt_plugin_graph.layouts.molecule_parts import groups_of
from mt_plugin_graph.layouts.molecule_tables import listing_of, targets_of
from mt_plugin_graph.layouts.options import GraphDatasetOptions

_SPLITS = {"train": "train", "val": "valid", "test": "test-dev"}
_TARGET = "homolumogap"


def find_pcqm(root: Path, split: str, options: GraphDatasetOptions) -> Listing | None:
    """The molecules of a split; None where there is no `split_dict.pt` beside a `data.csv[.gz]`, also in `raw`.

    "test" is the part called test-dev, whose answers are not public: its targets are NaN.

    Raises:
        DatasetError: a damaged table, or a dictionary of splits that cannot be read as one.
        MissingSplitError: no such split.
    """
    splits = root / "split_dict.pt"
    tables = [folder / name for folder in (root, root / "raw") for name in ("data.csv", "data.csv.gz")]
    table_path = next((path for path in tables if path.is_file()), None)
    if not splits.is_file() or table_path is None:
        return None
    table = read_table(table_path, "smiles")
    lacking = {"smiles", _TARGET} - table.columns.keys()
    if lacking:
        raise DatasetError(f"{table_path} has no column {sorted(lacking)[0]!r}", fix="check the download")
    targets, _, _ = targets_of(table, GraphDatasetOptions(target=(_TARGET,), kind="regression"))
    chosen = chosen_rows(_parts(splits, len(table)), len(table), split, root)
    task = Regression(names=(_TARGET,), unit="eV")
    return listing_of(table, targets, chosen, (), "pcqm4mv2", task, groups_of(table, options))


def _parts(path: Path, count: int) -> dict[str, NDArray[np.int64]]:
    """Row numbers by split. The file holds NumPy arrays: what makes an array is allowed, and nothing else is."""
    import torch

    rebuild = np.empty(0).__reduce__()[0]
    array_parts: list[Any] = [
        np.ndarray,
        np.dtype,
        type(np.dtype(np.int64)),
        (rebuild, "numpy.core.multiarray._reconstruct"),
        (rebuild, "numpy._core.multiarray._reconstruct"),
    ]
    try:
        with torch.serialization.safe_globals(array_parts):
            found = torch.load(path, map_location="cpu", weights_only=True)
        parts = {ours: np.asarray(found[theirs]) for ours, theirs in _SPLITS.items() if theirs in found}
    except Exception as error:
        raise DatasetError(
            f"{path} cannot be read as arrays alone ({type(error).__name__}: {str(error)[:120].partition(chr(10))[0]})",
            fix="where you trust it: torch.save({k: torch.as_tensor(v) for k, v in "
            "torch.load('split_dict.pt', weights_only=False).items()}, 'split_dict.pt')",
        ) from None
    for name, rows in parts.items():
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or (rows.size and not 0 <= rows.min() <= rows.max() < count):
            raise DatasetError(
                f"{path}: {name!r} are no row numbers of {count:,} rows", fix="check that the files belong together"
            )
    return parts
