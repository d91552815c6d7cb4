"""A broken plugin for each check of the family `importing`."""

from .conftest import Change

LIMIT = "MAX_BYTES = 1 << 24\n"
ASKING = """import socket

try:
    socket.create_connection(("127.0.0.1", 9), timeout=0.1)
except OSError:
    pass
"""


def on_import(*lines: str) -> Change:
    """Something is done when the tokenizer's module is imported."""
    return Change("tokenizer.py", LIMIT, "\n".join([LIMIT, *lines, ""]))


BROKEN: dict[str, list[Change]] = {
    "importing_needs_no_network": [on_import(ASKING)],
    "importing_writes_nothing": [on_import("Path(__file__).with_name('seen').write_text('')")],
}
