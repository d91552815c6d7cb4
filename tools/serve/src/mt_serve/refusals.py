"""Errors as answers: a status, and our text as JSON. Never a traceback."""

from __future__ import annotations

import logging
import math
from typing import Any

from starlette.responses import JSONResponse

from mt_core.errors import (
    EncoderError,
    InputError,
    MissingDependencyError,
    MtError,
    OptionError,
    PluginError,
    TokensError,
)

log = logging.getLogger("mt_serve")


class Refusal(MtError):
    """A request that is refused.

    Attributes:
        status: Of HTTP.
    """

    def __init__(self, problem: str, fix: str = "", *, status: int = 400) -> None:
        super().__init__(problem, fix)
        self.status = status


_STATUS: tuple[tuple[type[MtError], int], ...] = (
    (InputError, 422),
    (TokensError, 422),
    (OptionError, 400),
    (MissingDependencyError, 501),
    (PluginError, 500),
    (EncoderError, 500),
)


def status_of(error: MtError) -> int:
    """Of HTTP: 4xx for what the client can correct."""
    if isinstance(error, Refusal):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 422)


def as_record(error: MtError) -> dict[str, str]:
    """An error as JSON can hold it."""
    return {"problem": error.problem, "fix": error.fix}


def refusal_of(error: Exception) -> Refusal:
    """An error as an answer has it. What is no `MtError` is logged with its traceback, and named by its kind."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, MtError):
        return Refusal(error.problem, error.fix, status=status_of(error))
    log.error("a request failed", exc_info=error)
    return Refusal(
        f"the server failed at this request ({type(error).__name__})",
        fix="its log has the reason; report it to the maintainers of mt-serve",
        status=500,
    )


def answer_of(error: Exception) -> JSONResponse:
    """The answer to a request that failed."""
    refusal = refusal_of(error)
    status = refusal.status
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}, 503: {"Retry-After": "5"}}.get(status)
    return JSONResponse({"error": as_record(refusal)}, status, headers)


def finite(value: Any) -> Any:
    """The same as JSON can hold it: None for NaN and the infinite numbers, lists for arrays."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return finite(value.tolist()) if hasattr(value, "tolist") else value
