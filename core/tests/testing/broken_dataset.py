"""A broken plugin for each check of the family `dataset`."""

from .conftest import Change

BROKEN: dict[str, list[Change]] = {}
