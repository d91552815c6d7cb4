"""The samples of a training set that can be read: a calibration learns from them, and training reports the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from mt_core.errors import MtError

Sample = TypeVar("Sample")


def readable(sources: Iterable[Any], read: Callable[[Any], Sample]) -> Iterator[Sample]:
    """What `read` gives for each source, without those that it refuses.

    Raises:
        MtError: that of the first source, where every one is refused.
    """
    first: MtError | None = None
    any_was_read = False
    for source in sources:
        try:
            sample = read(source)
        except MtError as error:
            first = first or error
            continue
        any_was_read = True
        yield sample
    if first is not None and not any_was_read:
        raise first
