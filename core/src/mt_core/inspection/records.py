"""What was found in data, as JSON can hold it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mt_core.inspection.copies import Copies
from mt_core.inspection.data_check import DataCheck
from mt_core.inspection.opening import OpenedData
from mt_core.io.notice_files import notice_record

MOST_LISTED = 1000
"""Groups of copies, and samples that cannot be read, that are listed; all are counted."""


def check_record(opened: OpenedData, check: DataCheck) -> dict[str, Any]:
    """The findings of a folder, by their names."""
    classes = check.targets.classes
    return {
        "data": str(opened.root),
        "lines": opened.lines,
        "parts": check.sizes,
        "read": check.num_read,
        "seconds": check.seconds,
        "samples": {name: str(each) for name, each in check.ranges.items()},
        "classes": None if classes is None else vars(classes),
        "targets": [vars(spread) for spread in check.targets.spreads],
        "remarks": check.targets.remarks,
        "counts": {
            "leaks": len(check.leaks),
            "conflicts": len(check.conflicts),
            "duplicates": len(check.copies),
            "alike": len(check.alike),
            "unreadable": len(check.unreadable),
        },
        "copies": _copies(check, check.copies),
        "alike": _copies(check, check.alike),
        "unreadable": [vars(each) for each in check.unreadable[:MOST_LISTED]],
        "notices": [notice_record(notice) for notice in (*opened.notices, *check.notices)],
        "is_fine": check.is_fine,
    }


def _copies(check: DataCheck, found: Sequence[Copies]) -> list[dict[str, Any]]:
    worst_first = sorted(found, key=lambda each: not (each.is_leak or each.is_conflict))
    return [
        {
            "members": [vars(check.member(number)) for number in copies.members],
            "how": copies.how,
            "is_leak": copies.is_leak,
            "is_conflict": copies.is_conflict,
        }
        for copies in worst_first[:MOST_LISTED]
    ]
