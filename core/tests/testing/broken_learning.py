"""A broken plugin for each check of the family `learning`."""

from .conftest import Change

BROKEN: dict[str, list[Change]] = {}
