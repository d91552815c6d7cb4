"""The HTTP server, and how it ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from mt_core.errors import OptionError

if TYPE_CHECKING:
    from fastapi import FastAPI

_POLL_S = 0.02


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        OptionError: the port is in use, or the address is not this machine's.
    """
    made = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        if made is not None:
            made.close()
        problem = f"{host}:{port} cannot be listened on ({error.strerror})"
        raise OptionError(problem, fix="choose another --port (0: a free one), or another --host") from None
    return made


def end_at_once(app: FastAPI) -> NoReturn:
    """End this process and its readers. Requests that are being answered are not: their connections are closed."""
    shutil.rmtree(app.state.folder, ignore_errors=True)
    print(f"ended at once; {app.state.gate.num_at_work} request(s) were not answered", file=sys.stderr, flush=True)
    os._exit(1)


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT. From then on new requests are refused with status 503, and what is being answered
    is answered; a second signal ends that too."""
    import uvicorn

    class Server(uvicorn.Server):
        loop: asyncio.AbstractEventLoop
        closing: asyncio.Task[None] | None = None

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            gate = app.state.gate
            if gate.is_closing:
                end_at_once(app)
            gate.is_closing = True
            self.loop.call_soon_threadsafe(self._begin_to_close)

        def _begin_to_close(self) -> None:
            self.closing = self.loop.create_task(self._close())

        async def _close(self) -> None:
            while app.state.gate.num_at_work:
                await asyncio.sleep(_POLL_S)
            self.should_exit = True

        async def serve(self, sockets: list[socket.socket] | None = None) -> None:
            self.loop = asyncio.get_running_loop()
            await super().serve(sockets)

    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, ws="none")
    Server(config).run(sockets=[listening])
