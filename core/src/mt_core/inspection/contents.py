"""What the samples of a dataset hold, each read once by worker processes: hashes and facts, never the samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core.contract import (
    Alignment,
    AnyTask,
    Boxes,
    Detection,
    Example,
    Forecasting,
    ModalityDataset,
    Retrieval,
    Segmentation,
    Tokenizer,
)
from mt_core.data.loader import Loader
from mt_core.data.reading import as_input_error, read_sample
from mt_core.data.sample_hash import NAMES, UNKNOWN, ContentHasher
from mt_core.data.sources import Read, read_sources
from mt_core.data.subsets import Subset
from mt_core.data.workers import resolve_num_workers
from mt_core.errors import MtError
from mt_core.inspection.facts import Fact, facts_of, facts_of_file
from mt_core.io.progress import Progress

SAMPLES_A_BATCH = 32


@dataclass(frozen=True)
class Content:
    """What one sample holds.

    Attributes:
        position: In its dataset.
        source: Hash of its file's bytes, or of its row.
        sample: Hash of what was read of it, without its name.
        prepared: Hash of what the encoder's tokenizer gets of it.
        target: Hash of its target; `UNKNOWN` where it has none.
        facts: See `facts_of`.
        counts: Of a target that is several classes, how often each occurs, by its index.
    """

    position: int
    source: int
    sample: int
    prepared: int
    target: int
    facts: dict[str, Fact]
    counts: dict[int, int]


@dataclass(frozen=True)
class _ReadSample:
    source: Any
    hash: int
    sample: Any
    of_file: dict[str, Fact]


class _Numbered(Subset):
    """Some examples of a dataset, whose targets know their position in it."""

    def __getitem__(self, index: int) -> Example:
        position = self.indices[index]
        sample, target = self.whole[position]
        return Example(sample, (position, target))


class _ContentTokenizer(Tokenizer):
    """Gives the content of samples in place of their tensors, read and prepared by a modality's tokenizer.

    Args:
        task: Of the dataset; None: samples have no targets.
    """

    def __init__(self, tokenizer: Tokenizer, task: AnyTask | None = None) -> None:
        super().__init__(tokenizer.width, tokenizer.options)
        self.tokenizer, self.task = tokenizer, task
        self._of_sources = ContentHasher()
        self._of_samples = ContentHasher(NAMES, remembers=False)

    def read(self, source: Any) -> _ReadSample:
        sample = read_sample(self.tokenizer, source)
        of_file = facts_of_file(self.tokenizer, source)
        return _ReadSample(source, self._hash(self._of_sources, source), sample, of_file)

    def prepare_example(
        self, sample: _ReadSample, target: Any, generator: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Any]:
        position, target = target
        try:
            prepared, _ = self.tokenizer.prepare_example(sample.sample, target)
        except MtError:
            raise
        except Exception as error:
            raise as_input_error(error, sample.source, self.tokenizer) from error
        return {}, self._content(position, sample, prepared, target)

    def stream(self, source: Any) -> Iterator[Any]:
        content = self._hash(self._of_sources, source)
        for row, sample in enumerate(self.tokenizer.stream(source)):
            of_row = self._hash(self._of_sources, [content, row]) if row else content
            of_file = {} if row else facts_of_file(self.tokenizer, source)
            yield sample if isinstance(sample, MtError) else _ReadSample(source, of_row, sample, of_file)

    def prepare(self, sample: _ReadSample, generator: torch.Generator | None = None) -> Any:
        prepared = self.tokenizer.prepare(sample.sample)
        return self._content(0, sample, prepared, None)

    def _content(self, position: int, read: _ReadSample, prepared: Any, target: Any) -> Content:
        return Content(
            position,
            read.hash,
            self._hash(self._of_samples, read.sample),
            self._hash(self._of_samples, prepared),
            self._of_target(target),
            {**read.of_file, **facts_of(read.sample)},
            _counts(target) if isinstance(self.task, Detection | Segmentation) else {},
        )

    def _of_target(self, target: Any) -> int:
        """What the same sample may have only one of; what follows a window of a series is no such thing."""
        if target is None or isinstance(self.task, Forecasting | Alignment):
            return UNKNOWN
        return self._hash(self._of_samples, target[0] if isinstance(self.task, Retrieval) else target)

    @staticmethod
    def _hash(hasher: ContentHasher, value: Any) -> int:
        try:
            return hasher.of(value)
        except Exception:  # of a kind that has no hash
            return UNKNOWN


def read_contents(
    dataset: ModalityDataset,
    tokenizer: Tokenizer,
    progress: Progress,
    *,
    positions: Sequence[int] | None = None,
    num_workers: int | None = None,
    seconds_a_sample: float,
) -> Iterator[tuple[list[Content], list[MtError]]]:
    """The contents of a dataset's samples in order, and the errors of those that cannot be read, some at a time.

    Args:
        progress: Counts them.
        positions: The samples to read; None: all.
    """
    chosen = range(len(dataset)) if positions is None else positions
    reader = _ContentTokenizer(tokenizer, dataset.task)
    with Loader(
        _Numbered(dataset, chosen, "numbered"),
        reader,
        batch_size=SAMPLES_A_BATCH,
        num_workers=num_workers,
        seconds_a_sample=seconds_a_sample,
    ) as loader:
        for items, failed in loader.items():
            progress.advance(len(items) + len(failed))
            yield [content for _, content in items], failed


def read_file_contents(
    sources: Sequence[Any],
    tokenizer: Tokenizer,
    *,
    num_workers: int | None = None,
    seconds_a_sample: float,
) -> Iterator[Read]:
    """The same of files without targets, each with all the samples that are in it; the `items` are contents."""
    workers = resolve_num_workers(num_workers)
    yield from read_sources(_ContentTokenizer(tokenizer), sources, workers, seconds_a_sample=seconds_a_sample)


def _counts(target: Any) -> dict[int, int]:
    """Of a mask, of labels along a sample, of boxes."""
    if isinstance(target, Boxes):
        target = np.asarray(target.classes, np.int64)
    elif not hasattr(target, "__array__") and not isinstance(target, list | tuple):
        return {}
    array = np.asarray(target)
    if array.dtype.kind not in "iu":
        return {}
    classes, counts = np.unique(array, return_counts=True)
    return dict(zip(classes.tolist(), counts.tolist(), strict=True))
