"""How much memory a worker process may take."""

from __future__ import annotations

import contextlib
from pathlib import Path

_LEAST_BYTES = 2 << 30


def limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has now; beyond that it gets a MemoryError."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        status = Path("/proc/self/status").read_text(encoding="ascii")
        has = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData:"))
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = has + more if hard == resource.RLIM_INFINITY else min(has + more, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def give_way() -> None:
    """Where memory runs out all the same, let the system end this process rather than another."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def memory_of_each(num_workers: int) -> int:
    """Bytes that each worker may take: half of what is free on this machine or in its container, shared out."""
    free = _LEAST_BYTES
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
        free = min(free, max(0, limit))
    return max(_LEAST_BYTES, free // 2 // max(1, num_workers))
