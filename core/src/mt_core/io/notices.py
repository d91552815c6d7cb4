"""What readers left out of the data or reinterpreted: collected over all files, and reported in few lines."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from mt_core.errors import DataWarning, InputError
from mt_core.io.counted import counted

_GROUPS_A_LINE = 4


class Notices:
    """Notices in the order in which they came, each once.

    Args:
        notices: The first of them.
        strict: Whether `check` refuses them.
        default: The source of those that name none, because a calibration tells of all that it was given.
    """

    def __init__(self, notices: Iterable[DataWarning] = (), *, strict: bool = False, default: str = "") -> None:
        self.strict, self.default = strict, default
        self._notices: dict[tuple[str, str, str], DataWarning] = {}
        for notice in notices:
            self.add(notice)

    def __iter__(self) -> Iterator[DataWarning]:
        return iter(list(self._notices.values()))

    def __len__(self) -> int:
        return len(self._notices)

    def add(self, notice: DataWarning) -> None:
        if not notice.source and self.default:
            notice = DataWarning(notice.kind, self.default, notice.what)
        self._notices.setdefault((notice.kind, notice.source, notice.what), notice)

    def check(self) -> None:
        """Refuse the first notice, where they are strict.

        Raises:
            InputError: names its source.
        """
        if self.strict and self._notices:
            raise as_error(next(iter(self)))


def as_error(notice: DataWarning) -> InputError:
    """What a notice is where all data are to be read as they stand."""
    return InputError(str(notice), fix="correct the data, or leave out strict: then they are read so, with a warning")


_COLLECTED: ContextVar[Notices | None] = ContextVar("collected notices", default=None)


@contextmanager
def collecting(notices: Notices) -> Iterator[None]:
    """Within it, in this thread, notices are collected and no warning is issued. Not around a `yield`.

    Strict ones are refused by `check` and by `relay`, and not in the midst of a reader, which might handle the error.
    """
    token = _COLLECTED.set(notices)
    try:
        yield
    finally:
        _COLLECTED.reset(token)


def tell(notice: DataWarning) -> None:
    """Add a notice to what is being collected here; where nothing is, a warning."""
    if (collected := _COLLECTED.get()) is not None:
        collected.add(notice)
    else:
        warnings.warn(notice, stacklevel=3)


def relay(notices: Sequence[DataWarning]) -> None:
    """Tell what was collected elsewhere, in a worker process for instance: to what is being collected here; where
    nothing is, a warning for each group.

    Raises:
        InputError: what is being collected is strict.
    """
    if (collected := _COLLECTED.get()) is not None:
        for notice in notices:
            collected.add(notice)
        collected.check()
        return
    for group in group_notices(notices):
        more = f" (and {group.num_sources - 1} more files)" if group.num_sources > 1 else ""
        warnings.warn(DataWarning(group.kind, group.first, group.what + more), stacklevel=4)


@dataclass(frozen=True)
class NoticeGroup:
    """The notices of one kind in the same words, digits aside.

    Attributes:
        kind: "left out" or "reinterpreted".
        what: The words of the first of them.
        first: Its source.
        num_sources: In how many sources it happened.
    """

    kind: str
    what: str
    first: str
    num_sources: int

    def __str__(self) -> str:
        more = f" and {self.num_sources - 1} more" if self.num_sources > 1 else ""
        return f"{self.what} ({self.first}{more})"


def group_notices(notices: Iterable[DataWarning]) -> list[NoticeGroup]:
    """The groups, those of most sources first."""
    first: dict[tuple[str, str], DataWarning] = {}
    sources: dict[tuple[str, str], set[str]] = {}
    for notice in notices:
        key = (notice.kind, re.sub(r"\d+(?:[.,]\d+)*", "#", notice.what))
        first.setdefault(key, notice)
        sources.setdefault(key, set()).add(notice.source)
    groups = [NoticeGroup(notice.kind, notice.what, notice.source, len(sources[key])) for key, notice in first.items()]
    return sorted(groups, key=lambda group: -group.num_sources)


def notice_lines(notices: Iterable[DataWarning]) -> list[str]:
    """One line for each kind: in how many files, what, and the first of them."""
    notices = list(notices)
    lines = []
    for kind in dict.fromkeys(notice.kind for notice in notices):
        of_kind = [notice for notice in notices if notice.kind == kind]
        groups = group_notices(of_kind)
        said = [str(group) for group in groups[:_GROUPS_A_LINE]]
        if len(groups) > _GROUPS_A_LINE:
            said.append(f"and {len(groups) - _GROUPS_A_LINE} more of other kinds")
        num_files = len({notice.source for notice in of_kind})
        lines.append(f"{kind} in {counted(num_files, 'file')}: {'; '.join(said)}")
    return lines
