"""From an empty folder to a green plugin of one's own: each step as a stranger takes it, timed.

    python benchmarks/strangers_path.py [--installer pip|uv ...]

The core's wheel is built first, and not timed. Installers start with an empty cache; what they load, torch above all,
comes from the registry that this machine is set up for. CPU time is what a busy machine leaves alone.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from machine import machine

ROOT = Path(__file__).resolve().parents[1]
UV = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
LIMIT_S = 180


class Step(NamedTuple):
    """One line of the way.

    Attributes:
        is_ours: What this project's code does, and no installer.
    """

    shown: str
    command: list[str]
    folder: Path
    is_ours: bool


def steps(installer: str, folder: Path, wheel: Path) -> Iterator[Step]:
    """The way, in an empty folder."""
    commands, plugin = folder / "venv/bin", folder / "mt-plugin-sonar"
    if installer == "uv":
        make = [UV, "venv", "-q", "--python", sys.executable, "venv"]
        install = [UV, "pip", "install", "-q", "--python", str(commands / "python")]
    else:
        make = [sys.executable, "-m", "venv", "venv"]
        install = [str(commands / "pip"), "install", "-q", "--disable-pip-version-check"]
    yield Step("make an environment", make, folder, False)
    yield Step(f"install {wheel.name.split('-py')[0]}", [*install, str(wheel)], folder, False)
    yield Step("mt new sonar", [str(commands / "mt"), "new", "sonar"], folder, True)
    yield Step("install -e '.[test]'", [*install, "-e", ".[test]"], plugin, False)
    yield Step("pytest", [str(commands / "pytest"), "-q"], plugin, True)
    yield Step("mt check sonar", [str(commands / "mt"), "check", "sonar"], plugin, True)


def cpu_seconds() -> float:
    """Of all commands that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def walk(installer: str, wheel: Path) -> tuple[float, float]:
    """Go the way and print it; seconds of ours, and of the installer."""
    ours = installers = 0.0
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty)
        variables = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
        caches = {name: str(folder / "cache") for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR")}
        for step in steps(installer, folder, wheel):
            started, busy = time.perf_counter(), cpu_seconds()
            done = subprocess.run(step.command, cwd=step.folder, env={**variables, **caches}, capture_output=True)
            seconds, busy = time.perf_counter() - started, cpu_seconds() - busy
            if done.returncode:
                sys.exit(f"{step.shown} failed:\n{(done.stdout + done.stderr).decode()}")
            print(f"{step.shown:<24}{seconds:8.1f} s {busy:8.1f} s CPU   {'ours' if step.is_ours else installer}")
            ours, installers = (ours + seconds, installers) if step.is_ours else (ours, installers + seconds)
    return ours, installers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--installer", nargs="+", choices=["pip", "uv"], default=["pip", "uv"])
    chosen = parser.parse_args().installer
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        build = [UV, "build", "-q", "--package", "mt-core", "--wheel", "--out-dir", folder]
        subprocess.run(build, cwd=ROOT, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        for installer in chosen:
            print(f"\nwith {installer}")
            ours, theirs = walk(installer, wheel)
            whole = ours + theirs
            kept = f"{'within' if whole <= LIMIT_S else 'over'} {LIMIT_S} s"
            print(f"{'in all':<24}{whole:8.1f} s   {kept}: ours {ours:.1f} s, {installer} {theirs:.1f} s")


if __name__ == "__main__":
    main()
