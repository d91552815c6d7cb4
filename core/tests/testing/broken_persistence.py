"""A broken plugin for each check of the family `persistence`."""

from .conftest import Change

BROKEN: dict[str, list[Change]] = {}
