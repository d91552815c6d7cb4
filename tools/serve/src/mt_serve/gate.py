"""What every request passes first: whether the server still takes any, the token, the limits."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mt_serve.limits import Limits
from mt_serve.refusals import Refusal, answer_of

OPEN = frozenset({"/", "/page.css", "/page.js", "/health", "/openapi.json"})
"""Paths that need no token: they say nothing of the runs."""

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
        b"form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
)


class Gate:
    """Counts requests, and refuses those that are not to be answered.

    Args:
        token: That a request has to bring; None: none has.

    Attributes:
        num_at_work: Requests with a body that are being answered.
        is_closing: Whether new requests are refused.
        observe: Is given path, status and seconds of every answer; it may be set later.
    """

    def __init__(
        self,
        limits: Limits,
        token: str | None = None,
        observe: Callable[[str, int, float], object] = lambda path, status, seconds: None,
    ) -> None:
        self.limits, self.token, self.observe = limits, token, observe
        self.num_at_work = 0
        self.is_closing = False

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """The application behind this gate."""

        async def passed(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began, status, has_begun = time.monotonic(), 500, False

            async def answer(message: Message) -> None:
                nonlocal status, has_begun
                if message["type"] == "http.response.start":
                    status, has_begun = message["status"], True
                    message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
                await send(message)

            is_counted = scope["method"] == "POST"
            body = _Body(receive, self.limits.bytes)
            try:
                self._check(scope, body, is_counted)
                self.num_at_work += is_counted
                try:
                    async with asyncio.timeout(self.limits.seconds_in_all):
                        await app(scope, body.receive, answer)
                finally:
                    self.num_at_work -= is_counted
            except (Refusal, TimeoutError) as error:
                if not has_begun:
                    await body.discard()
                    await answer_of(self._late() if isinstance(error, TimeoutError) else error)(scope, receive, answer)
            finally:
                self.observe(scope["path"], status, time.monotonic() - began)

        return passed

    def _late(self) -> Refusal:
        return Refusal(
            f"there was no answer within {self.limits.seconds_in_all:g} s",
            fix="send less at a time, or try again when the server is less busy",
            status=408,
        )

    def _check(self, scope: Scope, body: _Body, is_counted: bool) -> None:
        headers = dict(scope["headers"])
        if self.is_closing and scope["path"] != "/metrics":
            raise Refusal("the server is shutting down", fix="send the request to another one", status=503)
        if self.token is not None and scope["path"] not in OPEN:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, b"Bearer " + self.token.encode()):
                raise Refusal("the token is missing or wrong", fix="send it: Authorization: Bearer TOKEN", status=401)
        body.check_length(headers.get(b"content-length"))
        if is_counted and self.num_at_work >= self.limits.requests:
            raise Refusal(f"{self.num_at_work} requests are waiting already", fix="try again in a second", status=429)


class _Body:
    """The body of a request, no longer than it may be."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self.most, self.num_bytes = receive, most, 0

    def check_length(self, declared: bytes | None) -> None:
        if declared is not None and declared.isdigit() and int(declared) > self.most:
            raise self._too_long()

    async def receive(self) -> Message:
        message: Any = await self._receive()
        self.num_bytes += len(message.get("body", b""))
        if self.num_bytes > self.most:
            raise self._too_long()
        return dict(message)

    async def discard(self) -> None:
        """Take as much of the body as is allowed, so that the client, which is still sending, reads the answer."""
        try:
            async with asyncio.timeout(2):
                while self.num_bytes <= self.most:
                    message = await self._receive()
                    self.num_bytes += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
        except TimeoutError:
            return

    def _too_long(self) -> Refusal:
        return Refusal(
            f"the request is longer than {self.most / 2**20:g} MiB", fix="send less, or raise --mib", status=413
        )
