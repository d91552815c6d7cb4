"""What a sample costs beside the encoder. It depends on the machine, so that these checks only advise."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core.conformance.check import check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.contract import Tokenizer, Tokens
from mt_core.encoder import load_encoder
from mt_core.errors import MtError

ENCODER = "random/vit_tiny_patch16_224"

ROOM, TIMES = 64, 8
"""MiB that reading may take whatever the file, and how many times the file and its samples beside that."""

_SECONDS = 1.0  # of measuring, at the most; at least one round
_MIB = 2**20


@check(advisory=True)
def preparing_a_sample_costs_less_than_encoding_it(subject: PluginFixture) -> None:
    """The demonstration's test samples are read and prepared one by one, and as many tokens as they give are encoded by
    a ViT-Tiny in one batch, both on one thread: a sample takes less time before the encoder than in it."""
    tokenizer = subject.tokenizer()
    sources = [subject.test[index].sample for index in range(len(subject.test))]
    preparing = median(_seconds(partial(_prepare, tokenizer, source)) for source in sources)
    with torch.no_grad():
        tokens = subject.tokens(tokenizer)
        encoder = load_encoder(ENCODER)
        values = torch.randn(*tokens.values.shape[:2], encoder.width)
        given = Tokens(values, mask=tokens.mask, views=tokens.views)
        encoding = _seconds(lambda: encoder(given)) / tokens.num_samples
    each = int(tokens.real().sum()) / tokens.num_samples
    expect(
        preparing < encoding,
        f"reading and preparing a sample takes {preparing * 1e3:.2g} ms, encoding its {each:.0f} tokens "
        f"{encoding * 1e3:.2g} ms ({preparing / encoding:.1f} times): move what is heavy into forward, or into NumPy",
    )


@check(advisory=True)
def reading_takes_memory_in_proportion(subject: PluginFixture) -> None:
    """Each of the plugin's own files is read and its samples are prepared one by one, twice: the second time no more
    than 64 MiB and 8 times what the file and its largest sample hold are in memory at once, as far as Python and NumPy
    allocate it."""
    tokenizer = subject.tokenizer()
    files = subject.demo_files
    measured = 0
    for path in _largest_of_each_suffix(files):
        try:
            _read_through(tokenizer, path)  # imports, tables and caches are not the file's
        except MtError:
            continue  # a list of labels, or of other columns than the demonstration's
        tracemalloc.start()
        try:
            largest = _read_through(tokenizer, path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        measured += 1
        held = path.stat().st_size + largest
        allowed = ROOM * _MIB + TIMES * held
        expect(
            peak <= allowed,
            f"reading {path.name} takes {peak / _MIB:.0f} MiB at its peak, and the file with its largest sample is "
            f"{held / _MIB:.2g} MiB: read it in parts, and give samples one by one from `stream`",
        )
    expect(measured > 0, "there is no file to read: give some by `example_files`, or let `demo` write files")


def _prepare(tokenizer: Tokenizer, source: Any) -> object:
    return tokenizer.prepare(tokenizer.read(source))


def _seconds(work: Callable[[], object]) -> float:
    """The shortest of up to five times that this takes, after one that warms up."""
    started = time.perf_counter()
    work()
    taken: list[float] = []
    while len(taken) < 5 and (not taken or time.perf_counter() - started < _SECONDS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _largest_of_each_suffix(files: list[Path]) -> list[Path]:
    by_suffix = {path.suffix.lower(): path for path in sorted(files, key=lambda path: path.stat().st_size)}
    return list(by_suffix.values())


def _read_through(tokenizer: Tokenizer, path: Path) -> int:
    """Read and prepare all samples of a file.

    Returns:
        Bytes of the largest, read and prepared.
    """
    largest = 0
    for sample in tokenizer.stream(path):
        largest = max(largest, _bytes_in(sample) + _bytes_in(tokenizer.prepare(sample)))
    return largest


def _bytes_in(value: Any) -> int:
    """Of the arrays, tensors and texts that a sample is made of, whatever holds them."""
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
