"""A broken plugin for each check of the family `cost`."""

from .conftest import Change

BROKEN: dict[str, list[Change]] = {}
