"""Damaged files of every modality through its reader: a sample or an error of ours, and nothing else.

    python benchmarks/fuzz.py [MODALITY …] [--count 1000] [--seed 0] [--keep FOLDER]

Files that the plugin itself writes are damaged at random and read, prepared and made into tokens in child processes,
whose memory and time are limited. The exit code is 1 if anything else came than samples and errors of ours. Which file
is damaged how depends on the seed, the modality and the number of the file alone: `--first 317 --count 1` makes one
again.
"""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mutations import mutated

from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.suite import SuiteRunner
from mt_core.conformance.valid_inputs import beside, files_by_suffix
from mt_core.contract import Tokenizer
from mt_core.contract.sources import or_raise
from mt_core.errors import DataWarning, MtError
from mt_core.plugins.official import OFFICIAL

GOOD = ("read", "told", "refused")
"""Outcomes: a sample; a sample, and what was left out is told; an error of ours. Any other is a fault."""

_MAX_BYTES = 200_000  # of a file that is damaged
_FILES_OF_A_SUFFIX = 4
_SAMPLES = 3  # of each damaged file


class Damaged(NamedTuple):
    """A damaged file."""

    number: int
    how: str
    path: Path


class Outcome(NamedTuple):
    """What a reader did with a damaged file: one of `GOOD`, or what went wrong, and how."""

    damaged: Damaged
    kind: str
    message: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modality", nargs="*", help="some of them; by default all twelve")
    parser.add_argument("--count", type=int, default=1000, help="damaged files of each modality")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=10.0, help="that a file may take")
    parser.add_argument("--memory-mib", type=int, default=1024, help="that reading may need beside the libraries")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="copy the files that show a fault there")
    given = parser.parse_args()
    torch.set_num_threads(1)
    faults = 0
    print("| modality | files | read | read, told | refused | anything else | ms a file |")
    print("|---|---|---|---|---|---|---|")
    for modality in given.modality or OFFICIAL:
        numbers = range(given.first, given.first + given.count)
        outcomes, started = [], 0.0
        for outcome in fuzz(modality, numbers, given.seed, given.seconds, given.memory_mib, given.keep):
            started = started or time.perf_counter()  # libraries are imported before the first
            outcomes.append(outcome)
        duration = (time.perf_counter() - started) / len(outcomes) * 1e3
        counts = Counter(outcome.kind for outcome in outcomes)
        others = [outcome for outcome in outcomes if outcome.kind not in GOOD]
        faults += len(others)
        cells = (modality, len(outcomes), *(counts[kind] for kind in GOOD), len(others), f"{duration:.0f}")
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        for damaged, kind, message in others:
            text = f"{modality} {damaged.number} ({damaged.how}, {damaged.path.suffix}): {kind}: {message}"
            print(text, file=sys.stderr, flush=True)
    return 1 if faults else 0


def fuzz(
    modality: str,
    numbers: Sequence[int],
    seed: int = 0,
    seconds: float = 10.0,
    memory_mib: int = 1024,
    keep: Path | None = None,
) -> Iterator[Outcome]:
    """The outcome of each damaged file of a modality."""
    plugin = SuiteRunner(modality).plugin
    tokenizer = plugin.make_tokenizer(calibrated="needs_calibration" in plugin.manifest.capabilities)
    assert plugin.test  # its files are written
    with tempfile.TemporaryDirectory(prefix="mt-fuzz-") as folder:
        files = damaged_files(plugin, numbers, seed, Path(folder))
        for outcome in outcomes_of(tokenizer, files, seconds, memory_mib):
            if keep is not None and outcome.kind not in GOOD:
                shutil.copytree(
                    outcome.damaged.path.parent, keep / modality / str(outcome.damaged.number), dirs_exist_ok=True
                )
            yield outcome
            shutil.rmtree(outcome.damaged.path.parent)


def damaged_files(plugin: PluginFixture, numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Damaged]:
    """The damaged files of these numbers, each with the files that belong to it in a folder of its own."""
    every = [
        (suffix, path)
        for suffix, paths in files_by_suffix(plugin).items()
        for path in sorted(paths)[:_FILES_OF_A_SUFFIX]
        if 0 < path.stat().st_size <= _MAX_BYTES
    ]
    contents = [path.read_bytes() for _, path in every]
    suffixes = sorted({suffix for suffix, _ in every})
    for number in numbers:
        draw = np.random.default_rng([seed, zlib.crc32(plugin.manifest.name.encode()), number])
        of_suffix = [path for suffix, path in every if suffix == suffixes[number % len(suffixes)]]
        path = of_suffix[draw.integers(len(of_suffix))]
        together = beside(plugin, path, path.name[: -len(suffixes[number % len(suffixes)])])
        chosen = together[draw.integers(len(together))]  # a header, or the data beside it
        place = folder / str(number)
        place.mkdir()
        for each in together:
            shutil.copy(each, place)
        how, content = mutated(draw, chosen.read_bytes() or b"\0", contents)
        (place / chosen.name).write_bytes(content)
        yield Damaged(number, how, place / path.name)


def outcomes_of(tokenizer: Tokenizer, files: Iterator[Damaged], seconds: float, memory_mib: int) -> Iterator[Outcome]:
    """What becomes of each file, in the order of the files."""
    child: Child | None = None
    for damaged in files:
        child = child or Child(tokenizer, memory_mib)
        outcome = child.outcome(damaged, seconds)
        yield outcome
        if child.is_over:
            child = None
    if child is not None:
        child.end()


class Child:
    """A process that reads files, one after the other, until one ends it or takes too long."""

    def __init__(self, tokenizer: Tokenizer, memory_mib: int) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, tokenizer, memory_mib))
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            self._process.start()  # Python 3.12 warns of a fork where there are threads
        other.close()
        self.is_over = False

    def outcome(self, damaged: Damaged, seconds: float) -> Outcome:
        """What becomes of a file."""
        try:
            self._pipe.send(damaged.path)
            if self._pipe.poll(seconds):
                return Outcome(damaged, *self._pipe.recv())
            self.end()
            return Outcome(damaged, "too slow", f"more than {seconds:g} s")
        except (EOFError, OSError):
            self._process.join()
            self.end()
            return Outcome(damaged, "ended its process", f"exit code {self._process.exitcode}")

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self.is_over = True


def _serve(pipe: Connection, tokenizer: Tokenizer, memory_mib: int) -> None:
    """Answer each path with what became of it."""
    faulthandler.disable()
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # C libraries print there what they find wrong with a file
        os.dup2(null, stream)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (in_use + memory_mib * 2**20,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        pipe.send(read(tokenizer, path))


def read(tokenizer: Tokenizer, path: Path) -> tuple[str, str]:
    """What becomes of a file: a kind of outcome, and the message of an error."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            for sample in islice(or_raise(tokenizer.stream(path)), _SAMPLES):
                _tokens(tokenizer, sample)
        except MtError as error:
            if not error.problem or not error.fix:
                return "an error without a fix", f"{type(error).__name__}: {error.problem}"
            return "refused", ""
        except BaseException as error:
            return "an error of a library", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ("told" if any(issubclass(each.category, DataWarning) for each in told) else "read"), ""


def _tokens(tokenizer: Tokenizer, sample: object) -> None:
    """Make tokens of a sample.

    Raises:
        ValueError: they are not finite.
    """
    with torch.no_grad():
        tokens = tokenizer(tokenizer.collate([tokenizer.prepare(sample)]))
    if not tokens.values[tokens.real()].isfinite().all():
        raise ValueError("tokens are not finite")


if __name__ == "__main__":
    sys.exit(main())
