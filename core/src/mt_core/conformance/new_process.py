"""New Python processes for checks: whatever this process has imported, drawn or cached is not there."""

from __future__ import annotations

import atexit
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import torch

from mt_core.conformance.check import Failed

_OUTPUT = "output.txt"  # in the folder of a call: what its process printed
_TIME_LIMIT_S = 300.0  # to import torch and a plugin, on a busy machine
_SERVE = "from mt_core.conformance.new_process import serve; serve()"


def run_python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run this Python in a folder, with this process's module search path, on one thread."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIME_LIMIT_S,
    )


def call_in_new_process(module: str, folder: Path) -> str:
    """Call `main(folder)` of a module in a new process.

    The process is forked from a server that has imported torch and the core, but never a plugin: importing torch takes
    longer than most checks together.

    Returns:
        "", or what the process printed before it failed.

    Raises:
        Failed: this platform cannot fork, or it took too long.
    """
    if not hasattr(os, "fork"):
        raise Failed("this check needs a platform with fork: Linux or macOS")
    request = {"module": module, "folder": str(folder), "path": sys.path, "environment": dict(os.environ)}
    server = _server()
    assert server.stdin is not None and server.stdout is not None
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    is_answered, _, _ = select.select([server.stdout], [], [], _TIME_LIMIT_S)
    status = server.stdout.readline() if is_answered else ""
    if not status:
        _stop(server)
        _server.cache_clear()
        raise Failed(
            f"a new process took longer than {_TIME_LIMIT_S:g} s" if not is_answered else "no new process came"
        )
    if int(status) == 0:
        return ""
    return (folder / _OUTPUT).read_text("utf-8", errors="replace") or f"it ended with wait status {int(status)}"


def start_server() -> None:
    """Start the server in the background, for a call that will come."""
    if hasattr(os, "fork"):
        _server()


@cache
def _server() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _SERVE]
    server = subprocess.Popen(
        command,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    atexit.register(_stop, server)
    return server


def _stop(server: subprocess.Popen[str]) -> None:
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
    server.communicate()


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, sys.path))
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **one_thread, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}


# in the server


def serve() -> None:
    """Answer each request, a line of standard input, with the exit status of a forked process."""
    torch.set_num_threads(1)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_call(**request))
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


def _call(module: str, folder: str, path: Sequence[str], environment: Mapping[str, str]) -> int:
    """Exit status of `main(folder)`; what it prints goes to a file."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(Path(folder, _OUTPUT), os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    try:
        os.chdir(folder)
        os.environ.update(environment)
        sys.path[:] = path
        importlib.import_module(module).main(Path(folder))
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
