"""How a server works."""

from __future__ import annotations

from dataclasses import dataclass, field

from mt_serve.batching import MAX_TOKENS, WINDOW_S
from mt_serve.limits import Limits


@dataclass
class Settings:
    """How a server works.

    Attributes:
        limits: Of one request.
        token: That every request has to bring ("Authorization: Bearer …"); None: none has.
        readers: Processes that read uploads.
        window_s, max_tokens: Of a batch; see `Batcher`.
    """

    limits: Limits = field(default_factory=Limits)
    token: str | None = None
    readers: int = 1
    window_s: float = WINDOW_S
    max_tokens: int = MAX_TOKENS
