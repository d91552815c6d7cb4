"""A comparison in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mt_report.comparing.contenders import RunComparison
from mt_report.text import interval, number, seconds, short

HEADER = ("run", "value", "95 % interval", "gain", "95 % interval", "trained", "time", "samples", "tested on")
_WIDEST = 32


def rows_of(comparison: RunComparison) -> list[tuple[str, ...]]:
    """A row a run, under `HEADER`."""
    return [
        (
            each.name,
            number(each.value),
            interval(each.interval),
            number(each.gain) if each.gain is not None else "",
            interval(each.gain_interval),
            number(each.facts.record["parameters"]["trainable"]),
            seconds(each.facts.record.get("seconds") or 0.0),
            f"{each.samples:,} {each.tested.part}",
            each.group,
        )
        for each in comparison.contenders
    ]


def lines_of(comparison: RunComparison) -> Iterator[str]:
    """The table, the settings that differ, and what is to be known."""
    better = "higher" if comparison.higher_is_better else "lower"
    yield f"{comparison.metric} ({better} is better)"
    rows = rows_of(comparison)
    used = [index for index in range(len(HEADER)) if any(row[index] for row in rows)]
    yield from _aligned([[each[index] for index in used] for each in (HEADER, *rows)])
    yield ""
    names = [each.name for each in comparison.contenders]
    if comparison.settings:
        yield "settings that differ"
        cells = [[name, *(short(value, _WIDEST) for value in values)] for name, values in comparison.settings]
        yield from _aligned([["", *(short(name, _WIDEST) for name in names)], *cells])
    else:
        yield "no setting differs"
    yield ""
    yield from comparison.remarks()


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
