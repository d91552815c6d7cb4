"""Errors of one input of an item."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mt_core.errors import MtError


@contextmanager
def named(name: str, place: str = "") -> Iterator[None]:
    """Within it an error begins with where the item stands and what the input is called."""
    try:
        yield
    except MtError as error:
        where = f"{place}: {name}" if place else name
        if error.problem.startswith(where):
            raise
        raise type(error)(f"{where}: {error.problem}", error.fix) from error
