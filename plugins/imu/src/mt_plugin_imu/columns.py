"""Which columns of a table are axes, and which tell the time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mt_core.errors import InputError
from mt_core.sdk import Clock, find_clock, plain_name, reinterpreted
from mt_plugin_imu.times import is_time_column

_WHO = r"user|subject|person|participant|patient|session|exp(eriment)?|trial|device|split|fold"
_WHAT = r"label|activity|activities|class|classes|target|annotation|event|trigger|marker|gt"
_NO_AXIS = re.compile(
    rf"|unnamed.*|level \d+|index|idx|row( number| names)?|rownum|nr\.?|no\.?|#|n|id|.* id|record( no)?|model|"
    rf"(samples?|frames?|packet|sequence|seq)( index| no\.?| number| ?count(er)?)?|count(er)?|"
    r"sample ?time ?fine|.*\.seq|"
    rf"loggingsample|((activity|gt|target|class) ?)?(({_WHO})|({_WHAT}))s?( ?(id|no|nr|number|name|code|index))?|"
    r"date|day|year|month|hour|minute|second|utc .*|status ?word|clipping.*|rssi|battery.*"
)
_AXIS = re.compile(
    r"|unnamed.*|level \d+|index|idx|row( number| names)?|rownum|nr\.?|no\.?|#|n|id|.* id|record( no)?|"
    r"(samples?|frames?|packet|sequence|seq)( index| no\.?| number| ?count(er)?)?|count(er)?|sample ?time ?fine|"
    r"loggingsample|user|subject|person|participant|patient|session|exp(eriment)?|trial|split|fold|"
    r"label|activity|class|target|gt|device|model|date|day|year|month|hour|minute|second|utc .*|status ?word|"
    r"clipping.*|rssi|battery.*|marker|event|trigger"
)
_AXIS = re.compile(
    r".*[xyz]|.*(acc|gyr|mag|quat|axis|channel|euler|roll|pitch|yaw|temp|press|grav|rot|vel|ecg|emg|eeg|ppg|bvp).*|[aqw]\d"
)
_APART = re.compile(rf"({_WHO}|sensor)s?( ?(id|no|nr|number|name))?")
_SEVERAL_DEVICES = re.compile(r"sensor( id| name| type)?|device( id| name)?|source|type|location|placement|position")


@dataclass(frozen=True)
class Columns:
    """Places of columns.

    Attributes:
        axes: In order.
        clock: The column of time; None for none.
        other_clocks: More columns of time.
        together: Columns that tell the time together, where their cells are dates or no other column tells it.
        are_guessed: Whether the axes were found and not named.
    """

    axes: list[int]
    clock: int | None = None
    other_clocks: tuple[int, ...] = ()
    together: Clock | None = None
    are_guessed: bool = True


def choose_columns(names: Sequence[str], wanted: Sequence[str], source: str) -> Columns:
    """The axes of a table with a header, and the time.

    Args:
        wanted: The axes by name, in this order; none: all but those that tell the time, a label, a person or a number
            of the row.

    Raises:
        InputError: a wanted column that is not there or is there twice, or no axis at all.
    """
    plain = [name.strip().lower() for name in names]
    clocks = [place for place, name in enumerate(plain) if is_time_column(name)]
    together = find_clock(names)
    if together is not None and "year" in together.parts and "hour" not in together.parts:
        together = None
    axes: list[int] = []
    for name in wanted:
        if plain.count(name.strip().lower()) != 1:
            raise InputError(
                f"{source} has {'several columns' if name.strip().lower() in plain else 'no column'} {name!r}; it has "
                f"{', '.join(names)[:200]}",
                fix="name columns of the file in the option columns",
            )
        axes.append(plain.index(name.strip().lower()))
    if not wanted:
        timed = {*clocks, *(together.places if together else ())}
        axes = [
            place for place, name in enumerate(names) if place not in timed and not _NO_AXIS.fullmatch(plain_name(name))
        ]
        axes = _in_order(axes, plain, source)
    if not axes:
        raise InputError(
            f"{source} has no column that is an axis: {', '.join(names)[:200]}",
            fix="name the axes in the option columns",
        )
    clocks = [place for place in clocks if place not in axes]
    if wanted and clocks:  # each sensor may have a time of its own, to the left of its axes
        clocks = [max((place for place in clocks if place < min(axes)), default=clocks[0])]
    if together is not None and (set(together.places) & set(axes)):
        together = None
    return Columns(axes, clocks[0] if clocks else None, tuple(clocks[1:]), together, not wanted)


def _in_order(axes: list[int], names: Sequence[str], source: str) -> list[int]:
    """The axes, three that are called z, y, x in the order x, y, z: what a device calls x is one axis for all files."""
    found, at = list(axes), 0
    while at + 3 <= len(found):
        three = found[at : at + 3]
        letters = _letters([names[place] for place in three])
        if letters is not None and letters != "xyz":
            reinterpreted(source, f"the axes {', '.join(names[place] for place in three)} put in the order x, y, z")
            found[at : at + 3] = [three[letters.index(letter)] for letter in "xyz"]
        at += 3 if letters is not None else 1
    return found


def _letters(names: Sequence[str]) -> str | None:
    """The letters x, y and z by which alone three names differ, in their order; None where they differ otherwise."""
    if len({len(name) for name in names}) > 1:
        return None
    differing = [letters for letters in zip(*names, strict=True) if len(set(letters)) > 1]
    return "".join(differing[0]) if len(differing) == 1 and set(differing[0]) == set("xyz") else None


def numbered_columns(count: int, wanted: Sequence[str], times: Sequence[int], name: str) -> Columns:
    """The axes of a table without a header, by their numbers from 1; the first column may be the time.

    Args:
        times: Places of columns of dates or of times of the day.
    """
    for column in wanted:
        if not column.strip().isdecimal() or not 1 <= int(column) <= count:
            raise InputError(
                f"{name} has no names of columns, and {column!r} is none of its {count} numbers",
                fix=f"give numbers from 1 to {count} in the option columns, or write the names into the first line",
            )
    axes = [int(column) - 1 for column in wanted] or list(range(count))
    if list(times) == [0, 1] and count > 2 and not {0, 1} & {*(axes if wanted else ())}:
        return Columns(
            axes if wanted else axes[2:], None, together=Clock((0, 1), ("date", "time")), are_guessed=not wanted
        )
    clock = 0 if count > 1 and not (wanted and 0 in axes) else None
    return Columns(axes, clock, are_guessed=not wanted)


def tells_devices_apart(name: str) -> bool:
    """Whether a column may say which of several devices a row is from."""
    return _SEVERAL_DEVICES.fullmatch(plain_name(name)) is not None


def may_be_time(name: str) -> bool:
    """Whether a first column of this name may be the time, if its values say so."""
    return _AXIS.fullmatch(plain_name(name)) is None


def tells_recordings_apart(name: str) -> bool:
    """Whether a column of this name says which person, device or session a row is from."""
    return _APART.fullmatch(plain_name(name)) is not None
