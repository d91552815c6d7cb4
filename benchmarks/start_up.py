"""CPU time of `import mt_core` and of `mt list`, beside Python's own start.

python benchmarks/start_up.py [--repeats 15]
"""

from __future__ import annotations

import argparse
import os
import sys

from machine import machine

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import mt_core": ["-c", "import mt_core"],
    "mt list": ["-c", "import sys; from mt_core.cli import main; sys.exit(main(['list']))"],
    "mt --help": ["-c", "import sys; from mt_core.cli import main; sys.exit(main(['--help']))"],
}


def cpu_seconds(arguments: list[str]) -> float:
    """User and system time of one child."""
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    print(machine())
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, arguments in COMMANDS.items():
            times[name].append(cpu_seconds(arguments))
    bare = min(times["python -c pass"])
    for name, seconds in times.items():
        best, median = min(seconds), sorted(seconds)[repeats // 2]
        print(
            f"{name:<16} best {best * 1e3:6.1f} ms   median {median * 1e3:6.1f} ms   {best / bare:5.2f} x bare Python"
        )


if __name__ == "__main__":
    main()
