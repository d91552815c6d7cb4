"""A broken plugin for each check of the family `packaging`."""

from .conftest import Change

BROKEN: dict[str, list[Change]] = {}
