"""All twelve plugins and one from outside through the conformance suite; reports into docs/conformance.

    python benchmarks/conformance.py [MODALITY …]

The plugin from outside is installed from its wheel into a folder of its own, beside everything that is installed here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mt_core.plugins.official import OFFICIAL

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs/conformance"
OUTSIDE = {"eeg": ROOT / "tests/thirdparty/mt-plugin-eeg"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modality", nargs="*", help="some of them; by default all")
    chosen = parser.parse_args().modality or [*OFFICIAL, *OUTSIDE]
    OUT.mkdir(exist_ok=True)
    failed = []
    for name in chosen:
        with installed(name) as environment:
            command = [sys.executable, "-m", "mt_core.cli", "check", name, "--json", str(OUT / f"{name}.json")]
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
        lines = done.stdout.splitlines() or done.stderr.splitlines()
        print(f"{name:<16}{lines[-1] if lines else 'nothing was said'}", flush=True)
        if done.returncode:
            failed.append(name)
            print("\n".join(lines), file=sys.stderr)
    return 1 if failed else 0


@contextmanager
def installed(name: str) -> Iterator[dict[str, str]]:
    """An environment in which the plugin is found."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MT_PLUGINS": name}
    if name not in OUTSIDE:
        yield environment
        return
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, str(OUTSIDE[name])]
        subprocess.run(build, check=True, capture_output=True)
        (wheel,) = Path(folder).glob("*.whl")
        unpack(wheel, Path(folder, "site"))
        yield {**environment, "PYTHONPATH": str(Path(folder, "site"))}


def unpack(wheel: Path, site: Path) -> None:
    """Install the wheel of a pure package: its files as they are."""
    from zipfile import ZipFile

    ZipFile(wheel).extractall(site)


if __name__ == "__main__":
    sys.exit(main())
