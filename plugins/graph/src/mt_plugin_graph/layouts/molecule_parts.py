"""Which molecules of a table belong together, and which are held out for test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import MISSING_MARKS, canonical_label, split_from_name
from mt_plugin_graph.layouts.columns import Table
from mt_plugin_graph.layouts.held_out import grouped_test, held_out, random_groups_test, random_test
from mt_plugin_graph.layouts.options import GraphDatasetOptions
from mt_plugin_graph.reading.molecules import scaffold_of

SPLIT_NAMES = ("split", "subset", "partition", "set")
"""Of columns that say the split of each row."""


def groups_of(table: Table, options: GraphDatasetOptions) -> list[str | None] | None:
    """Of each row the group that is asked for: the cell of a column, or the scaffold; None for none.

    Raises:
        OptionError: no such column, or one that is the target.
    """
    if options.group is None:
        return None
    column = table.named(options.group)
    if column is not None:
        if column in options.target:
            raise OptionError(f"{table.path}: target and group are both {column!r}", fix="name two columns")
        return [None if cell.strip() in MISSING_MARKS else canonical_label(cell) for cell in table.columns[column]]
    if options.group != "scaffold":
        raise OptionError(
            f"{table.path} has no column group={options.group}",
            fix=f"group is scaffold, or one of: {', '.join(table.columns)}"[:500],
        )
    return [scaffold_of(smiles) or "acyclic" for smiles in table.columns[table.smiles]]


def parts_of(
    table: Table, options: GraphDatasetOptions, groups: Sequence[str | None] | None
) -> dict[str, NDArray[np.int64]]:
    """Rows by split: of the split column if there is one, else drawn, by whole groups where there are any.

    Raises:
        OptionError: groups, and a splitting by scaffolds that does not keep them.
    """
    column = next((found for name in SPLIT_NAMES if (found := table.named(name)) is not None), None)
    if column is not None:
        named = [split_from_name(cell) for cell in table.columns[column]]
        if None in named:
            at = named.index(None)
            raise DatasetError(
                f"{table.path}, row {at + 1}: {table.columns[column][at]!r} is no split",
                fix="call them train, val and test",
            )
        of_row = np.array(named)
        return {str(name): np.flatnonzero(of_row == name) for name in sorted(set(named), key=str)}
    if options.splitting == "scaffold":
        if options.group not in (None, "scaffold"):
            raise OptionError(
                f"splitting=scaffold does not keep group={options.group} together",
                fix="leave splitting out, or the option group",
            )
        scaffolds = list(map(scaffold_of, table.columns[table.smiles]))
        held = grouped_test(scaffolds, options.test_fraction)
    elif groups is not None:
        held = random_groups_test(groups, options.test_fraction, options.seed)
    else:
        held = random_test(len(table), options.test_fraction, options.seed)
    return held_out(held)
