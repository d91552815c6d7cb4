"""A broken plugin for each check of the family `tokens`."""

from .conftest import Change

BROKEN: dict[str, list[Change]] = {
    "padding_changes_nothing": [Change("tokenizer.py", "mask=mask_RN,", "mask=None,")],
}
