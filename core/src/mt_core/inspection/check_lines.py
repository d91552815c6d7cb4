"""What was found in data, as lines for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from mt_core.inspection.bars import bar, columns, cut, sparkline, wrapped_rows
from mt_core.inspection.copies import Copies
from mt_core.inspection.data_check import DataCheck, Unreadable
from mt_core.inspection.ranges import number_text
from mt_core.inspection.targets import ClassCounts, Spread
from mt_core.io.counted import counted

_MOST_CLASSES = 40
_MOST_LISTED = 10
_BAR = 24
_NAME = 32


def check_lines(check: DataCheck, width: int, relative: Callable[[str], str]) -> list[str]:
    """The findings.

    Args:
        width: Of the terminal.
        relative: Shortens the name of a sample, of the folder that it lies in.
    """
    lines = [num_read_line(check)]
    lines += _section("what the samples hold", range_lines(check, width))
    if check.targets.classes is not None:
        lines += _section(f"classes, in {check.targets.classes.of}", class_lines(check.targets.classes, width))
    for spread in check.targets.spreads:
        lines += _section(f"target {spread.name}", spread_lines(spread))
    lines += _section("to look at", check.targets.remarks)
    lines += _section(*_copies("leaks: the same sample in two parts", check, check.leaks, relative))
    lines += _section(*_copies("conflicts: the same sample with two labels", check, check.conflicts, relative))
    others = [each for each in check.copies if not each.is_leak and not each.is_conflict]
    lines += _section(*_copies("duplicates within a part", check, others, relative))
    lines += _section(
        *_copies("alike: samples that differ, and of which the encoder gets the same", check, check.alike, relative)
    )
    lines += _section(f"cannot be read: {len(check.unreadable):,}", _unreadable(check, relative))
    return [*lines, "", verdict(check)]


def num_read_line(check: DataCheck) -> str:
    """How many samples were read, of how many."""
    whole = sum(check.sizes.values())
    if check.num_read < whole and "files" not in check.sizes:
        return (
            f"read: {check.num_read:,} of {whole:,} samples, drawn at random, in {check.seconds:.3g} s; copies and "
            "what cannot be read are found among these alone"
        )
    of_files = f" of {whole:,} file(s)" if "files" in check.sizes else ""
    return f"read: all {counted(check.num_read, 'sample')}{of_files}, in {check.seconds:.3g} s"


def verdict(check: DataCheck) -> str:
    """In one line, what is wrong."""
    if check.is_fine:
        repeated = f"; {counted(len(check.copies), 'group')} of duplicates" if check.copies else ""
        return f"fine: everything can be read, no sample is in two parts, none has two labels{repeated}"
    found = [
        (len(check.leaks), "sample", " in two parts"),
        (len(check.conflicts), "sample", " with two labels"),
        (len(check.unreadable), "sample", " that cannot be read"),
    ]
    faults = [f"{counted(count, what)}{how}" for count, what, how in found if count]
    if check.refused is not None:
        faults.insert(0, "not to be trained on as it is, see above")
    return "found: " + ", ".join(faults)


def range_lines(check: DataCheck, width: int) -> list[str]:
    """A line for each array, number or text of the samples."""
    rows = [[cut(name, _NAME) or "sample", str(each)] for name, each in check.ranges.items()]
    most = 30
    more = [f"and {len(rows) - most} more"] if len(rows) > most else []
    return [*wrapped_rows(rows[:most], width - 2), *more]


def class_lines(classes: ClassCounts, width: int) -> list[str]:
    """A row for each class, the most frequent first, with a bar of the first part."""
    parts = list(classes.parts)
    order = sorted(range(len(classes.names)), key=lambda index: (-classes.parts[parts[0]][index], index))
    most = max(classes.parts[parts[0]], default=0)
    rows = [["", *parts, ""]]
    for index in order[:_MOST_CLASSES]:
        counts = [f"{classes.parts[part][index]:,}" for part in parts]
        rows.append([cut(classes.names[index], _NAME), *counts, bar(classes.parts[parts[0]][index], most, _BAR)])
    if len(order) > _MOST_CLASSES:
        left = order[_MOST_CLASSES:]
        rows.append(
            [f"{len(left):,} more", *(f"{sum(classes.parts[part][each] for each in left):,}" for part in parts), ""]
        )
    if any(classes.unknown.values()):
        rows.append(["(no label)", *(f"{classes.unknown[part]:,}" for part in parts), ""])
    rows.append(["together", *(f"{sum(classes.parts[part]):,}" for part in parts), ""])
    return [line[:width] for line in columns(rows, right=range(1, len(parts) + 1))]


def spread_lines(spread: Spread) -> list[str]:
    """A small histogram for each part."""
    unit = f" {spread.unit}" if spread.unit else ""
    lines = [f"{number_text(spread.edges[0])} to {number_text(spread.edges[-1])}{unit}"]
    rows = []
    for part, counts in spread.parts.items():
        mean = spread.means[part]
        lacking = f", {spread.unknown[part]:,} not known" if spread.unknown[part] else ""
        said = "none is known" if math.isnan(mean) else f"mean {number_text(mean)}{lacking}"
        rows.append([part, sparkline(counts, len(counts)), said])
    return [*lines, *columns(rows)]


def copies_line(check: DataCheck, copies: Copies, relative: Callable[[str], str]) -> str:
    """The members of a group, with their parts and labels."""
    members = [check.member(number) for number in copies.members[:3]]
    said = []
    for member in members:
        label = f" [{member.label}]" if member.label and copies.is_conflict else ""
        said.append(f"{member.part + ' ' if member.part else ''}{cut(relative(member.name), 60)}{label}")
    more = f" and {len(copies.members) - 3} more" if len(copies.members) > 3 else ""
    text = f": {members[0].text}" if members[0].text else ""
    return f"{' = '.join(said)}{more}  ({copies.how}){text}"


def _copies(
    title: str, check: DataCheck, found: Sequence[Copies], relative: Callable[[str], str]
) -> tuple[str, list[str]]:
    lines = [copies_line(check, each, relative) for each in found[:_MOST_LISTED]]
    if len(found) > _MOST_LISTED:
        lines.append(f"and {len(found) - _MOST_LISTED:,} more")
    return f"{title}: {len(found):,}", lines


def _unreadable(check: DataCheck, relative: Callable[[str], str]) -> list[str]:
    lines = []
    for each in check.unreadable[:_MOST_LISTED]:
        lines.append(unreadable_line(each, relative))
    if len(check.unreadable) > _MOST_LISTED:
        lines.append(f"and {len(check.unreadable) - _MOST_LISTED:,} more")
    return lines


def unreadable_line(each: Unreadable, relative: Callable[[str], str]) -> str:
    """Where it lies, how it is called and the reader's message."""
    return ": ".join(filter(None, [f"{each.part} {relative(each.source)}".strip(), each.problem]))


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []
