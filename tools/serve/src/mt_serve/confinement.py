"""A process that reads strangers' files sees nothing but those files and the installed software.

On Linux 5.13 and later the kernel holds it (Landlock): whatever code a file makes run, Python or native, can read the
folder of uploads, Python and the system's libraries, can write to that folder alone, and from 6.7 on can open no TCP
connection. Elsewhere an audit hook holds what Python code opens, and that alone.

Source: the Linux kernel's documentation, userspace-api/landlock.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same number on every architecture
_RULE_BENEATH, _VERSION = 1, 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE, _READ, _READ_FOLDER = (1 << bit for bit in range(4))
_RIGHTS_OF_VERSION = (0, 13, 14, 15, 15, 16)
"""How many rights on files each version of the interface knows; the last for all later ones."""
_OF_FILES = _EXECUTE | _WRITE | _READ | 1 << 14 | 1 << 15
_NETWORK = 0b11  # to bind and to connect TCP

_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/mime.types"),
    *("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"),
    *("/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/sys/devices/system/cpu", "/sys/fs/cgroup"),
)

Confined = Literal["kernel", "python"]


def readable() -> list[Path]:
    """What code needs to run: Python, what is installed, and the system's libraries; not the folder it runs in."""
    own = {Path(part).resolve() for part in (*sys.path, sys.prefix, sys.base_prefix) if part}
    kept_out = {Path.cwd(), Path.home(), Path("/")}
    return [path for path in (*own - kept_out, *map(Path, _SYSTEM)) if path.exists()]


def confine(folder: Path) -> Confined:
    """Confine this process, for good, to `readable` and a folder that it may write to."""
    reads, writes = readable(), [folder.resolve(), Path("/dev/null")]
    if _landlock(reads, writes):
        return "kernel"
    _audit([*reads, *writes])
    return "python"


def _landlock(reads: Sequence[Path], writes: Sequence[Path]) -> bool:
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    every = (1 << _RIGHTS_OF_VERSION[min(version, 5)]) - 1
    attributes = (ctypes.c_uint64 * 2)(every, _NETWORK if version >= 4 else 0)
    ruleset = libc.syscall(_CREATE, attributes, ctypes.c_size_t(ctypes.sizeof(attributes) if version >= 4 else 8), 0)
    if ruleset < 0:
        return False
    try:
        for path in reads:
            _allow(libc, ruleset, path, _EXECUTE | _READ | _READ_FOLDER)
        for path in writes:
            _allow(libc, ruleset, path, every & ~_EXECUTE)
        unused = (ctypes.c_ulong(0),) * 3
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), *unused):
            return False
        return bool(libc.syscall(_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _allow(libc: Any, ruleset: int, path: Path, rights: int) -> None:
    with contextlib.suppress(OSError):  # one that is gone, or closed to this user, stays forbidden
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = rights if path.is_dir() else rights & _OF_FILES
            libc.syscall(_ADD, ruleset, _RULE_BENEATH, ctypes.byref(_Beneath(allowed, parent)), 0)
        finally:
            os.close(parent)


def _audit(roots: Sequence[Path]) -> None:
    allowed = tuple(os.fspath(root) for root in roots)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
            raise PermissionError(f"{event} is not allowed where files of others are read")
        if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if not any(path == root or path.startswith(root.rstrip("/") + "/") for root in allowed):
                raise PermissionError(f"{path} is not among the uploaded files")

    sys.addaudithook(hook)
