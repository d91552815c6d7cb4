"""Hooks: their specifications, how the core calls them, and who is named when one fails.

    from mt_core.hooks import hookimpl

Importing this package imports neither torch nor pydantic.
"""

from mt_core.hooks.calls import (
    HOOKS,
    answers,
    call,
    gather,
    is_wrapped,
    log_errors,
    register,
    relay,
    reset,
)
from mt_core.hooks.sessions import session
from mt_core.hooks.specs import hookimpl

__all__ = [
    "HOOKS",
    "answers",
    "call",
    "gather",
    "hookimpl",
    "is_wrapped",
    "log_errors",
    "register",
    "relay",
    "reset",
    "session",
]
