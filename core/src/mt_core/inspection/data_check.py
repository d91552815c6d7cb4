"""All samples of a dataset read once: copies and leaks by content, what cannot be read, and what the samples hold."""

from __future__ import annotations

import random
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import ModalityDataset, Tokenizer, name_of
from mt_core.data.batches import SAMPLES_TO_CALIBRATE, ensure_calibrated
from mt_core.data.calibration import calibrate
from mt_core.data.reading import read_sample
from mt_core.data.sources import Read
from mt_core.data.subsets import Subset
from mt_core.data.workers import SECONDS_A_SAMPLE
from mt_core.embedding.sample_pictures import shortened
from mt_core.errors import DataWarning, MtError
from mt_core.inspection.contents import Content, read_contents, read_file_contents
from mt_core.inspection.copies import Copies, SampleHashes, find_alike, find_copies
from mt_core.inspection.ranges import Range, add_facts
from mt_core.inspection.targets import Targets, targets_of
from mt_core.io.notices import Notices, collecting
from mt_core.io.progress import Progress
from mt_core.model import MetaTransformer
from mt_core.plugins import get

_LONGEST_TEXT = 60  # characters

_CALIBRATED = 500
"""Samples that a tokenizer is calibrated on which can do without."""


@dataclass(frozen=True)
class Unreadable:
    """A sample that cannot be read, or cannot be used.

    Attributes:
        part: Where it lies; "" for files without labels.
        source: How it is called.
        problem, fix: The reader's message.
    """

    part: str
    source: str
    problem: str
    fix: str


@dataclass(frozen=True)
class Member:
    """One of several samples of the same content.

    Attributes:
        part: Where it lies; "" for files without labels.
        name: How it is called.
        label: Its target for people; "" where it has none.
        text: The beginning of a text or of a row; "" of anything else.
    """

    part: str
    name: str
    label: str
    text: str = ""


@dataclass(frozen=True)
class DataCheck:
    """What was found in some data.

    Attributes:
        sizes: By part, how many samples it has.
        num_read: How many samples were tried.
        seconds: That took.
        copies: Samples of the same content.
        alike: Samples that differ, of which the encoder gets the same.
        unreadable: Samples that cannot be read.
        ranges: What the samples hold, by the name of what it is of.
        targets: What is to be predicted.
        notices: What readers left out or reinterpreted.
        member: Gives a member of `copies` and `alike`, which are looked up when somebody asks.
        example: Gives the part that it lies in and its position there; None of files without labels.
        refused: Why files are not to be trained on as they are; None of what can be.
    """

    sizes: dict[str, int]
    num_read: int
    seconds: float
    copies: list[Copies]
    alike: list[Copies]
    unreadable: list[Unreadable]
    ranges: dict[str, Range]
    targets: Targets
    notices: list[DataWarning]
    member: Callable[[int], Member]
    example: Callable[[int], tuple[ModalityDataset, int]] | None = None
    refused: MtError | None = None

    @property
    def leaks(self) -> list[Copies]:
        return [each for each in self.copies if each.is_leak]

    @property
    def conflicts(self) -> list[Copies]:
        return [each for each in self.copies if each.is_conflict]

    @property
    def is_fine(self) -> bool:
        """Whether it can be trained on, and there is no leak, no conflict and nothing that cannot be read."""
        return self.refused is None and not (self.leaks or self.conflicts or self.unreadable)


@dataclass
class _Columns:
    """The contents of all samples that were read, some numbers each: 100,000 samples take a few megabytes."""

    part: array[int] = field(default_factory=lambda: array("q"))
    places: array[int] = field(default_factory=lambda: array("q"))
    hashes: array[int] = field(default_factory=lambda: array("Q"))
    ranges: dict[str, Range] = field(default_factory=dict)

    def add(self, part: int, place: tuple[int, int], content: Content) -> None:
        self.part.append(part)
        self.places.extend(place)
        self.hashes.extend((content.source, content.sample, content.prepared, content.target))
        add_facts(self.ranges, content.facts)

    def place(self, number: int) -> tuple[int, int]:
        return self.places[2 * number], self.places[2 * number + 1]

    def found(self) -> SampleHashes:
        columns = np.array(self.hashes, np.uint64).reshape(-1, 4)
        return SampleHashes(np.array(self.part, np.int64), *(columns[:, column] for column in range(4)))


def check_parts(
    model: MetaTransformer,
    parts: Mapping[str, ModalityDataset],
    *,
    max_samples: int | None = None,
    seed: int = 0,
    num_workers: int | None = None,
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    show_progress: bool = False,
) -> DataCheck:
    """Read the samples of the parts of a dataset, and compare them by content.

    Args:
        model: Its tokenizer reads; calibrated, where it needs that.
        parts: By name, the one that is trained on first.
        max_samples: Read so many, drawn by the seed, each part by its share; None: all.
    """
    started, columns = time.monotonic(), _Columns()
    _ensure_calibrated(model, next(iter(parts.values())), num_workers, seconds_a_sample)
    counted: dict[str, Counter[int]] = {name: Counter() for name in parts}
    unreadable: list[Unreadable] = []
    notices = Notices()
    chosen = drawn(parts, max_samples, seed)
    with (
        collecting(notices),
        Progress("reading", sum(map(len, chosen.values())), unit="samples", enabled=show_progress) as shown,
    ):
        for number, (name, dataset) in enumerate(parts.items()):
            batches = read_contents(
                dataset,
                model.tokenizer,
                shown,
                positions=chosen[name],
                num_workers=num_workers,
                seconds_a_sample=seconds_a_sample,
            )
            for contents, failed in batches:
                for content in contents:
                    columns.add(number, (number, content.position), content)
                    counted[name].update(content.counts)
                unreadable += [_unreadable(name, error) for error in failed]

    def member(number: int) -> Member:
        part, position = columns.place(number)
        name = list(parts)[part]
        called, label = sample_name(parts[name], position), target_text(parts[name], position)
        return Member(name, called, label, sample_text(model, parts[name], position))

    def example(number: int) -> tuple[ModalityDataset, int]:
        part, position = columns.place(number)
        return list(parts.values())[part], position

    hashes = columns.found()
    return DataCheck(
        {name: len(dataset) for name, dataset in parts.items()},
        sum(map(len, chosen.values())),
        time.monotonic() - started,
        find_copies(hashes),
        find_alike(hashes),
        unreadable,
        columns.ranges,
        targets_of(parts, counted),
        list(notices),
        member,
        example,
    )


def check_files(
    model: MetaTransformer,
    sources: Sequence[str],
    *,
    num_workers: int | None = None,
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    show_progress: bool = False,
) -> DataCheck:
    """The same of files without labels, each with all samples in it."""
    started, columns = time.monotonic(), _Columns()
    ensure_calibrated(model, sources)
    unreadable: list[Unreadable] = []
    notices = Notices()
    rows: Counter[int] = Counter()
    with collecting(notices), Progress("reading", len(sources), unit="files", enabled=show_progress) as shown:
        reads = read_file_contents(sources, model.tokenizer, num_workers=num_workers, seconds_a_sample=seconds_a_sample)
        for read in reads:
            for offset, content in enumerate(read.items):
                columns.add(0, (read.source, read.row + offset), content)
            rows[read.source] += len(read.items)
            unreadable += [_unreadable("", error) for error in _errors(read)]
            for notice in read.notices:
                notices.add(notice)
            shown.advance(int(read.is_last))

    def member(number: int) -> Member:
        source, row = columns.place(number)
        return Member("", name_of(sources[source]) + (f", sample {row:,}" if rows[source] > 1 else ""), "")

    hashes = columns.found()
    return DataCheck(
        {"files": len(sources)},
        len(columns.part) + len(unreadable),
        time.monotonic() - started,
        find_copies(hashes),
        find_alike(hashes),
        unreadable,
        columns.ranges,
        Targets(),
        list(notices),
        member,
    )


def _ensure_calibrated(
    model: MetaTransformer, train: ModalityDataset, num_workers: int | None, seconds_a_sample: float
) -> None:
    """Calibrate a tokenizer that has something to learn, as a training does, on some samples of its part."""
    if type(model.tokenizer).calibrate is Tokenizer.calibrate or model.tokenizer.calibration():
        return
    is_needed = "needs_calibration" in get(model.modality).manifest.capabilities
    most = SAMPLES_TO_CALIBRATE if is_needed else _CALIBRATED
    positions = drawn({"train": train}, most, model.seed)["train"]
    with collecting(Notices()):
        calibrate(
            model.tokenizer,
            Subset(train, positions, "to calibrate on"),
            seed=model.seed,
            num_workers=num_workers,
            seconds_a_sample=seconds_a_sample,
            skip_unreadable=True,
        )


def drawn(parts: Mapping[str, ModalityDataset], max_samples: int | None, seed: int) -> dict[str, Sequence[int]]:
    """The positions in each part that are read."""
    whole = sum(len(dataset) for dataset in parts.values())
    if max_samples is None or max_samples >= whole:
        return {name: range(len(dataset)) for name, dataset in parts.items()}
    draw = random.Random(seed)
    shares = {name: max(1, round(len(dataset) * max_samples / whole)) for name, dataset in parts.items()}
    return {
        name: sorted(draw.sample(range(len(dataset)), min(shares[name], len(dataset))))
        for name, dataset in parts.items()
    }


def sample_name(dataset: ModalityDataset, position: int) -> str:
    """How a sample is called: its file, its place in one, or its number in the data."""
    while isinstance(dataset, Subset):
        position, dataset = dataset.indices[position], dataset.whole
    sample = dataset[position].sample
    name = name_of(sample)
    if name.startswith("<") and isinstance(getattr(sample, "name", None), str):
        name = sample.name
    is_long = len(name) > 300 or "\n" in name
    return f"sample {position:,}" if is_long or name.startswith("<") else name


def sample_text(model: MetaTransformer, dataset: ModalityDataset, position: int) -> str:
    """The beginning of a text or of a row; "" of what is no text, and of what is called by its text."""
    source = dataset[position].sample
    if isinstance(source, str | Path):
        return ""
    try:
        text = model.tokenizer.as_text(read_sample(model.tokenizer, source))
    except MtError:
        return ""
    return "" if text is None else shortened(" ".join(text.split()), _LONGEST_TEXT)


def target_text(dataset: ModalityDataset, position: int) -> str:
    """The target of a sample, for people."""
    target: Any = dataset.targets()[position]
    task = dataset.task
    names = getattr(task, "classes", None) or getattr(task, "identities", None)
    if target is None:
        return ""
    if task.kind == "retrieval" and names:
        target = target[0]
    if names and isinstance(target, int | np.integer):
        return str(names[int(target)]) if 0 <= int(target) < len(names) else ""
    if task.kind == "multilabel":
        present = [name for name, value in zip(getattr(task, "labels", ()), target, strict=False) if value == 1]
        return "+".join(present) or "none of the labels"
    return f"{target:g}" if isinstance(target, float | int) else ""


def _errors(read: Read) -> Iterator[MtError]:
    if read.error is not None:
        yield read.error


def _unreadable(part: str, error: MtError) -> Unreadable:
    problem = error.problem.removeprefix(error.source).removeprefix(":").strip() if error.source else error.problem
    return Unreadable(part, "" if error.source.startswith("<") else error.source, problem, error.fix)
