"""A broken plugin for each check of the family `reading`."""

from .conftest import Change

BROKEN: dict[str, list[Change]] = {}
