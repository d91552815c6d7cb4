"""A plugin's code in a child process: it may hang or crash there, and its side effects are recorded."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mt_core.conformance.check import Failed

TIME_LIMIT_S = 10.0
"""How long one task may take."""

_MAX_TIMEOUTS = 2
"""After so many timeouts the remaining tasks are not run: each would cost `TIME_LIMIT_S`."""

_NETWORK = {
    "socket.connect": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyaddr": 0,
    "socket.gethostbyname": 0,
    "socket.getnameinfo": 0,
    "socket.sendmsg": 1,
    "socket.sendto": 1,
}
"""Audit events of network access, and which of their arguments is the address."""

_WRITES = {
    "os.chmod": (0,),
    "os.link": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "shutil.rmtree": (0,),
}
"""Audit events of changes on disk, and which of their arguments are paths."""

_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class TaskFailure:
    """A task that returned nothing.

    Attributes:
        message: "took longer than 10 s".
        timed_out: It took too long, or was not run because others did.
    """

    message: str
    timed_out: bool = False


def run_in_child(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """Call tasks one after the other in a process forked from this one.

    Returns:
        What each task returned; `TaskFailure` for one that raised, timed out or ended its process. The tasks after it
        run in a new process.

    Raises:
        Failed: this platform cannot fork.
    """
    if not hasattr(os, "fork"):
        raise Failed("this check needs a platform with fork: Linux or macOS")
    results: list[Any] = []
    while len(results) < len(tasks):
        if sum(isinstance(result, TaskFailure) and result.timed_out for result in results) >= _MAX_TIMEOUTS:
            return results + [TaskFailure("was not tried: others timed out", True)] * (len(tasks) - len(results))
        results += _results(tasks[len(results) :])
    return results


def _results(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """Those of one child, at least one; fewer than there are tasks where the child was ended, or ended itself."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(tasks, sender))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        child.start()  # Python 3.12 warns of a fork where there are threads
    sender.close()
    results: list[Any] = []
    try:
        while len(results) < len(tasks):
            if not receiver.poll(TIME_LIMIT_S):
                results.append(TaskFailure(f"took longer than {TIME_LIMIT_S:g} s", timed_out=True))
                break
            results.append(receiver.recv())
    except EOFError:
        child.join()
        code = child.exitcode or 0
        reason = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        results.append(TaskFailure(f"ended its process ({reason})"))
    finally:
        child.kill()
        child.join()
        receiver.close()
    return results


def _run(tasks: Sequence[Callable[[], Any]], sender: Connection) -> None:
    faulthandler.disable()
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # C libraries print there what they find wrong with a file
        os.dup2(null, stream)
    for task in tasks:
        try:
            result = task()
        except BaseException as error:
            result = TaskFailure(f"raised {type(error).__name__}: {' '.join(str(error).split())[:500]}")
        sender.send(result)


@dataclass(frozen=True)
class SideEffects:
    """What code did beside its work: addresses that it asked for, and what it changed on disk, in words."""

    network: list[str]
    written: list[str]


class SideEffectMonitor:
    """Records this process's network access, which it refuses, and its changes on disk outside of one folder.

    It cannot be removed again: use it in a child process. It does not see what a C library does on its own.

    Attributes:
        network: The addresses that were asked for.
        written: The paths that were written, renamed or removed.

    Args:
        folder: The folder for temporary files from now on.
    """

    def __init__(self, folder: Path) -> None:
        self.network: list[str] = []
        self.written: list[str] = []
        self._folder = os.path.realpath(folder)
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        sys.dont_write_bytecode = True  # the bytecode of a late import is not the plugin's doing
        sys.addaudithook(self._record)

    def effects(self, directory: str) -> SideEffects:
        """What was recorded so far, and whether the working directory is no longer this one."""
        after = os.getcwd()
        moved = [] if after == directory else [f"the working directory became {after}"]
        return SideEffects(list(self.network), [*(f"{path} was written" for path in self.written), *moved])

    def _record(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _NETWORK:
            if getattr(arguments[0], "family", None) != getattr(socket, "AF_UNIX", -1):
                self.network.append(str(arguments[_NETWORK[event]]))
                raise OSError("there is no network here")
        elif event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _TO_WRITE:
                self._record_write(path)
        elif event in _WRITES:
            is_in_a_folder = event in ("os.remove", "os.rmdir") and arguments[-1] != -1
            for index in () if is_in_a_folder else _WRITES[event]:  # part of shutil.rmtree, which was recorded itself
                self._record_write(arguments[index])

    def _record_write(self, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file descriptor, recorded when it was opened
        real = os.path.realpath(os.fsdecode(path))
        if real != os.devnull and not f"{real}/".startswith(f"{self._folder}/"):
            self.written.append(real)
