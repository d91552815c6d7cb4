"""Groups of samples that must not be trained and tested on, and the part that users choose for the test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Regression
from mt_core.errors import OptionError
from mt_core.io.counted import counted
from mt_core.io.data_files import is_no_data_folder
from mt_core.sdk.file_options import GroupOptions, LabelOptions
from mt_core.sdk.folds import assign_folds, assign_group_folds
from mt_core.sdk.labels import canonical_label
from mt_core.sdk.listing import Listing
from mt_core.sdk.name_patterns import NamePattern, is_folder_level, is_pattern, values_in_paths
from mt_core.sdk.notices import reinterpreted
from mt_core.sdk.splits import select_splits

_LOOKED_AT = 10_000

_FIX = (
    "name a column of the table, a named group of the pattern for the labels, folder1 (the first below the data's) "
    "or folder (the one that a file lies in), or a pattern of its own: -D group='(?P<group>[^_]+)_.*'"
)


def grouped(listing: Listing, root: Path, options: LabelOptions | GroupOptions) -> Listing:
    """A listing with the groups that are asked for, where it does not have them yet.

    Warns:
        DataWarning: samples without a group.

    Raises:
        OptionError: a group that the data do not have.
    """
    if options.group is None:
        return listing
    groups = listing.groups if listing.groups is not None else _found_groups(listing, root, options)
    if alone := sum(group is None for group in groups):
        if alone == len(groups):
            raise OptionError(f"group={options.group} is known of none of the {alone:,} samples", fix=_FIX)
        reinterpreted(str(root), f"{alone:,} of {len(groups):,} samples have no group, and each is one by itself")
    return replace(listing, groups=groups)


def _found_groups(listing: Listing, root: Path, options: LabelOptions | GroupOptions) -> Sequence[str | None]:
    """Those that the layout knows, or that stand in the files' names."""
    group = options.group
    assert group is not None
    if group in listing.columns:
        return list(map(canonical_label, listing.columns[group]))
    is_files = all(isinstance(sample, str | Path) for sample in islice(listing.samples, _LOOKED_AT))
    folder = root if root.is_dir() else root.parent
    if is_files and (is_pattern(group) or is_folder_level(group)):
        return list(map(canonical_label, values_in_paths(listing.samples, folder, group, "group")))
    label = options.label if isinstance(options, LabelOptions) else None
    if is_files and label is not None and is_pattern(label):
        pattern = NamePattern(label, "label")
        if group in pattern.names:
            found = [pattern.values(path, folder) for path in listing.samples]
            return [None if values is None else canonical_label(values[group]) for values in found]
    known = ", ".join(listing.columns)
    raise OptionError(
        f"the data in {root} ({listing.layout}) have no group={group}",
        fix=f"of these data it can be {known}" if known else _FIX if is_files else "leave the option group out",
    )


def tested_samples(
    groups: Sequence[str | None] | None, labels: Sequence[Any], options: LabelOptions | GroupOptions
) -> NDArray[np.bool_]:
    """Which samples are "test": those of the groups, or of the fold, that are asked for.

    Args:
        groups: One a sample, None for one of its own; None: there are no groups, and folds have their share of every
            label, dealt by the options' `seed`, where they have one.

    Raises:
        OptionError: a group that there is not, no samples left to train on, or more folds than groups.
    """
    if options.test_group:
        return _is_in_test_groups(groups or (), options.test_group)
    folds, fold = getattr(options, "folds", 0), getattr(options, "fold", None)
    if groups is not None:
        fold_of = assign_group_folds(groups, folds)
    else:
        fold_of = assign_folds([str(label) for label in labels], folds, seed=getattr(options, "seed", 0))
    return np.asarray(fold_of == (fold or folds) - 1)


def divided(listing: Listing, split: str, root: Path, options: LabelOptions | GroupOptions) -> Listing:
    """The part of all samples that a split is, see `tested_samples`.

    Args:
        listing: Of all splits, with its groups.

    Raises:
        OptionError: a group that there is not, no samples left to train on, or more folds than groups.
        MissingSplitError: "val".
    """
    # numbers are no classes that folds could have their share of
    labels = [""] * len(listing.labels) if isinstance(listing.task, Regression) else listing.labels
    known = listing.tested
    is_test = np.array(known, bool) if known is not None else tested_samples(listing.groups, labels, options)
    parts = {"train": np.flatnonzero(~is_test).tolist(), "test": np.flatnonzero(is_test).tolist()}
    chosen = sorted(index for name in select_splits(split, parts, root) for index in parts[name])
    part = listing.part(chosen)
    return replace(part, note="; ".join(filter(None, (listing.note, what_is_tested(options)))))


def what_is_tested(options: LabelOptions | GroupOptions) -> str:
    """The part that the options choose for the test, for the data's source line."""
    if options.test_group:
        return f"test: {', '.join(options.test_group)}"
    folds, fold = getattr(options, "folds", 0), getattr(options, "fold", None)
    return f"test: fold {fold or folds} of {folds}"


def _is_in_test_groups(found: Sequence[str | None], wanted: Sequence[str]) -> NDArray[np.bool_]:
    groups = [canonical_label(group) for group in found]
    known = sorted({group for group in groups if group is not None})
    names = {str(canonical_label(name)) for name in wanted}
    if unknown := sorted(names - set(known)):
        told = ", ".join(known[:20]) + (" …" if len(known) > 20 else "")
        raise OptionError(f"there is no group {unknown[0]!r}", fix=f"the groups are {told}")
    is_test = np.array([group in names for group in groups])
    if is_test.all():
        raise OptionError("the test has all groups, and leaves none to train on", fix="name fewer by test_group")
    return is_test


def what_lies_in(root: Path, options: object) -> str:
    """What a folder in no known layout holds, for its error; with a hint where its files' names may have the labels."""
    if not root.is_dir():
        return ""
    entries = list(islice((entry for entry in root.iterdir() if not entry.name.startswith(".")), _LOOKED_AT))
    folders = sorted(entry.name for entry in entries if entry.is_dir() and not is_no_data_folder(entry.name))
    files = Counter(entry.suffix.lower() or "no suffix" for entry in entries if entry.is_file())
    if not entries:
        return ": it is empty"
    parts = [f"{counted(count, 'file')} of {suffix}" for suffix, count in files.most_common(3)]
    if folders:
        parts.append(
            f"the folder{'s' * (len(folders) > 1)} {', '.join(folders[:5])}" + (" …" if len(folders) > 5 else "")
        )
    hint = ""
    if isinstance(options, LabelOptions) and options.label is None and files:
        hint = "; where the files' names have the labels: -D label='(?P<label>[a-z]+)_.*'"
    return f": it holds {' and '.join(parts)}{hint}" if parts else ""
