"""Other people's code in a process of its own: it may hang or crash there, and what it does beside its work is seen."""

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

LIMIT_S = 10.0
"""How long one task may take."""

_MOST_LATE = 2
"""After so many that took too long the others are not tried: each costs `LIMIT_S`."""

_NETWORK = {
    "socket.connect": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyaddr": 0,
    "socket.gethostbyname": 0,
    "socket.getnameinfo": 0,
    "socket.sendmsg": 1,
    "socket.sendto": 1,
}
"""Audit events by which the network is asked, and which of their arguments says whom."""

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
"""Audit events by which something is changed on disk, and which of their arguments are paths."""

_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class TaskFailure:
    """A task that gave no answer.

    Attributes:
        how: "took longer than 10 s".
        is_late: It was ended, because it took too long.
    """

    how: str
    is_late: bool = False


def in_child(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each task returns, called in turn in a process forked from this one.

    Returns:
        One a task, `TaskFailure` for a task that raised, took too long or ended its process; the others then go on in
        a new one.

    Raises:
        Failed: a platform that cannot fork.
    """
    if not hasattr(os, "fork"):
        raise Failed("this can be examined only where a process can be forked: on Linux or macOS")
    answers: list[Any] = []
    while len(answers) < len(tasks):
        if sum(isinstance(answer, TaskFailure) and answer.is_late for answer in answers) >= _MOST_LATE:
            return answers + [TaskFailure("was not tried: others took too long", True)] * (len(tasks) - len(answers))
        answers += _answers(tasks[len(answers) :])
    return answers


def _answers(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """Those of one child, at least one; fewer than there are tasks where it had to be ended, or ended itself."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(tasks, sender))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        child.start()  # Python 3.12 warns of forking where there are threads; torch's data workers are made so, too
    sender.close()
    answers: list[Any] = []
    try:
        while len(answers) < len(tasks):
            if not receiver.poll(LIMIT_S):
                answers.append(TaskFailure(f"took longer than {LIMIT_S:g} s", is_late=True))
                break
            answers.append(receiver.recv())
    except EOFError:
        child.join()
        code = child.exitcode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        answers.append(TaskFailure(f"ended its process ({how})"))
    finally:
        child.kill()
        child.join()
        receiver.close()
    return answers


def _work(tasks: Sequence[Callable[[], Any]], sender: Connection) -> None:
    faulthandler.disable()
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # libraries in C complain there of what they read
        os.dup2(silence, stream)
    for task in tasks:
        try:
            answer = task()
        except BaseException as error:
            answer = TaskFailure(f"raised {type(error).__name__}: {' '.join(str(error).split())[:500]}")
        sender.send(answer)


class SideEffectMonitor:
    """What this process asks of the network, which is refused, and what it writes outside one folder.

    Until the process ends: this is for a child. What a library in C does without Python's knowledge is not seen.

    Attributes:
        asked: Whom the network was asked for.
        written: What was written, renamed or removed, and a working directory that is another now.

    Args:
        folder: The folder for temporary files from now on.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.written: list[str] = []
        self._inside = os.path.realpath(folder)
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        sys.dont_write_bytecode = True  # a module imported late is no writing of the plugin's
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _NETWORK:
            if getattr(arguments[0], "family", None) != getattr(socket, "AF_UNIX", -1):
                self.asked.append(str(arguments[_NETWORK[event]]))
                raise OSError("there is no network here")
        elif event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _TO_WRITE:
                self._note(path)
        elif event in _WRITES:
            is_in_a_folder = event in ("os.remove", "os.rmdir") and arguments[-1] != -1
            for index in () if is_in_a_folder else _WRITES[event]:  # relative to a folder that was noted itself
                self._note(arguments[index])

    def _note(self, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file descriptor, noted when it was opened
        real = os.path.realpath(os.fsdecode(path))
        if real != os.devnull and not f"{real}/".startswith(f"{self._inside}/"):
            self.written.append(real)
