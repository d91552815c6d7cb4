"""The time and memory that a sample needs before the encoder. They depend on the machine: these checks are advisory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core.conformance.check import check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.contract import Tokenizer, Tokens
from mt_core.contract.sources import or_raise
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import MtError

ENCODER = "random/vit_tiny_patch16_224"

BASE_MIB, FACTOR = 64, 8
"""Reading a file may need so many MiB, and so many times the size of the file and its largest sample."""

_MAX_SECONDS = 1.0  # of measuring, but at least one round
_MIB = 2**20


@check(advisory=True)
def preparing_a_sample_costs_less_than_encoding_it(plugin: PluginFixture) -> None:
    """Six of the demo's test samples are read and prepared one by one, and as many tokens as all test samples give are
    encoded by a ViT-Tiny in one batch, both on one thread: reading and preparing a sample takes less time than encoding
    it."""
    tokenizer = plugin.make_tokenizer()
    sources = [plugin.test[index].sample for index in range(min(6, len(plugin.test)))]
    preparing = median(_seconds(partial(_prepare, tokenizer, source)) for source in sources)
    with torch.no_grad():
        tokens = plugin.tokens(tokenizer)
        encoder = _encoder()
        values = torch.randn(*tokens.values.shape[:2], encoder.width)
        given = Tokens(values, mask=tokens.mask, views=tokens.views)
        encoding = _seconds(lambda: encoder(given)) / tokens.num_samples
    num_tokens = int(tokens.real().sum()) / tokens.num_samples
    expect(
        preparing < encoding,
        f"reading and preparing a sample takes {preparing * 1e3:.2g} ms, encoding its {num_tokens:.0f} tokens "
        f"{encoding * 1e3:.2g} ms ({preparing / encoding:.1f} times): move what is heavy into forward, or into NumPy",
    )


@check(advisory=True)
def reading_takes_memory_in_proportion(plugin: PluginFixture) -> None:
    """The largest of the plugin's files of each suffix is read, and its samples are prepared, twice: the second time
    the peak of the memory that Python and NumPy allocate is below 64 MiB plus 8 times the size of the file and its
    largest sample."""
    tokenizer = plugin.make_tokenizer()
    files = plugin.demo_files
    measured = 0
    for path in _largest_of_each_suffix(files):
        try:
            _read_through(tokenizer, path)  # imports, tables and caches do not belong to the file
        except MtError:
            continue  # a list of labels, or a table of other columns than the demo's
        tracemalloc.start()
        try:
            largest = _read_through(tokenizer, path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        measured += 1
        size = path.stat().st_size + largest
        allowed = BASE_MIB * _MIB + FACTOR * size
        expect(
            peak <= allowed,
            f"reading {path.name} takes {peak / _MIB:.0f} MiB at its peak, and the file with its largest sample is "
            f"{size / _MIB:.2g} MiB: read it in parts, and yield samples one by one from `stream`",
        )
    expect(measured > 0, "there is no file to read: write some in `example_files` or `demo`")


@cache
def _encoder() -> Encoder:
    return load_encoder(ENCODER)


def _prepare(tokenizer: Tokenizer, source: Any) -> object:
    return tokenizer.prepare(tokenizer.read(source))


def _seconds(work: Callable[[], object]) -> float:
    """The shortest of up to three runs, after one to warm up."""
    started = time.perf_counter()
    work()
    durations: list[float] = []
    while len(durations) < 3 and (not durations or time.perf_counter() - started < _MAX_SECONDS):
        before = time.perf_counter()
        work()
        durations.append(time.perf_counter() - before)
    return min(durations)


def _largest_of_each_suffix(files: list[Path]) -> list[Path]:
    by_suffix = {path.suffix.lower(): path for path in sorted(files, key=lambda path: path.stat().st_size)}
    return list(by_suffix.values())


def _read_through(tokenizer: Tokenizer, path: Path) -> int:
    """Read and prepare all samples of a file.

    Returns:
        Bytes of the largest sample, read and prepared.
    """
    largest = 0
    for sample in or_raise(tokenizer.stream(path)):
        largest = max(largest, _bytes_in(sample) + _bytes_in(tokenizer.prepare(sample)))
    return largest


def _bytes_in(value: Any) -> int:
    """Bytes of the arrays, tensors and texts in a sample."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, Tensor):
        return value.nbytes
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_bytes_in(part) for part in value.values())
    if isinstance(value, list | tuple):
        return sum(_bytes_in(part) for part in value)
    if isinstance(getattr(value, "size", None), tuple):  # a picture of Pillow
        return int(np.prod(value.size)) * 4
    return sum(_bytes_in(part) for part in vars(value).values()) if hasattr(value, "__dict__") else 8
