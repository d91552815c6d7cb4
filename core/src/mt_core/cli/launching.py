"""The processes of `mt … --devices N` on one machine: each runs the same command, with its number in the environment.

The environment is torchrun's, so that a command knows no difference. This process waits for the others: when one of
them ends badly, all end; what it is asked by a signal it passes on to each, once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import click

from mt_core.errors import OptionError
from mt_core.training.ranks import (
    FAULT_OF_ANOTHER,
    LAUNCHED_BY,
    Ranks,
    check_several,
    find_ranks,
    how_to_start,
    settled,
)

_SECONDS_TO_END = 20.0
"""That processes have to end by themselves, after one of them ended badly."""

_POLL = 0.1
_MOST_SAID = 10_000  # bytes of what a process said


@dataclass(frozen=True)
class AskedProcesses:
    """The processes that a command is to train with.

    Attributes:
        found: This one of them; None where they have not been started.
        settings: What the user asks of the training.
    """

    devices: int
    num_nodes: int
    found: Ranks | None
    settings: Mapping[str, Any]

    @property
    def is_first(self) -> bool:
        """Whether this one looks at the run folder, and shows what happens."""
        return self.found is None or self.found.is_first

    @property
    def are_several(self) -> bool:
        return self.devices * self.num_nodes > 1

    def launch(self) -> int | None:
        """Run the command at hand in a process for each device, and give its exit code; None where this is one of these
        processes, or the only one that is asked for.

        Raises:
            OptionError: machines that this one cannot start processes on, or what several processes cannot do.
        """
        _end_with_parent()
        check_several(self.devices * self.num_nodes, self.settings.get("tune"), self.settings.get("precision"))
        if self.found is not None:
            return None
        if self.num_nodes > 1:
            raise OptionError(
                f"num_nodes={self.num_nodes} needs processes on other machines",
                fix=how_to_start(self.devices, self.num_nodes),
            )
        return _Processes(click.get_current_context().find_root().obj, self.devices).wait()


def asked_processes(settings: Mapping[str, Any]) -> AskedProcesses:
    """Those that a user asks for, by `devices` and `num_nodes` among the settings, or that torchrun has started.

    Raises:
        OptionError: no number, or another number than was started.
    """
    settings = settled(dict(settings))
    devices, num_nodes = (_number(settings, name) for name in ("devices", "num_nodes"))
    return AskedProcesses(devices, num_nodes, find_ranks(devices, num_nodes), settings)


def _number(settings: Mapping[str, Any], name: str) -> int:
    given = str(settings.get(name) or 1)
    if not given.isdecimal() or int(given) < 1:
        raise OptionError(f"{name}={given} is no number of {name}", fix="give a whole number from 1 on")
    return int(given)


class _Processes:
    """So many processes of one command."""

    def __init__(self, arguments: Sequence[str], count: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        threads = max(1, (os.cpu_count() or 1) // count)
        shared = {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "WORLD_SIZE": str(count),
            "LOCAL_WORLD_SIZE": str(count),
            "GROUP_RANK": "0",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
            "TORCH_CPP_LOG_LEVEL": "ERROR",  # else it advises on every training
            LAUNCHED_BY: str(os.getpid()),
        }
        self.heard: int | None = None
        self._pass_on()
        # the first one speaks; what others say is shown where one of them is why all end
        self.said = [None, *(tempfile.TemporaryFile() for _ in range(1, count))]
        self.running = [
            subprocess.Popen(
                [sys.executable, "-m", "mt_core.cli", *arguments],
                env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                start_new_session=True,  # a terminal's Ctrl-C comes to this process, which passes it on once
                stdout=None if said is None else subprocess.DEVNULL,
                stderr=said,
            )
            for rank, said in enumerate(self.said)
        ]

    def _pass_on(self) -> None:
        def act(number: int, frame: FrameType | None) -> None:
            self.heard = number
            for process in getattr(self, "running", []):
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(number)

        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, act) for each in (signal.SIGINT, signal.SIGTERM)}
        else:
            self._before = {}

    def wait(self) -> int:
        """Until all have ended; the exit code of the command."""
        try:
            while all(process.poll() in (None, 0) for process in self.running):
                if all(process.returncode == 0 for process in self.running):
                    return 0
                time.sleep(_POLL)
            self._end()
        finally:
            for process in self.running:
                process.kill()
                process.wait()
            for each, handler in self._before.items():
                signal.signal(each, handler)
        return self._code()

    def _end(self) -> None:
        """Give those that go on the time to notice, then ask them, then do not ask."""
        until = time.monotonic() + _SECONDS_TO_END
        while any(process.poll() is None for process in self.running) and time.monotonic() < until:
            if time.monotonic() > until - _SECONDS_TO_END / 2:
                for process in self.running:
                    process.terminate()
            time.sleep(_POLL)

    def _code(self) -> int:
        """The exit code of the whole, once all have ended; says why, where the first one cannot."""
        codes = [process.returncode for process in self.running]
        if self.heard is not None:
            return 130
        for rank, code in enumerate(codes):
            if code < 0 and code != -signal.SIGTERM:
                click.echo(f"error: process {rank} of {len(codes)} was ended by signal {-code}", err=True)
                click.echo("  fix: free some memory if that was it; the same command with --resume goes on", err=True)
                return 2
        if codes[0] not in (0, FAULT_OF_ANOTHER):
            return max(codes[0], 1)
        for said, code in zip(self.said, codes, strict=True):
            if said is not None and code not in (0, FAULT_OF_ANOTHER):
                said.seek(0)
                click.echo(said.read()[-_MOST_SAID:].decode(errors="replace"), err=True, nl=False)
                return max(code, 1)
        return 2


def _end_with_parent() -> None:
    """In a process that was started here: end when the one that started it is gone, however that ended."""
    parent = os.environ.get(LAUNCHED_BY)
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="mt-parent").start()
