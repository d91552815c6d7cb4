"""Samples without labels: the training samples of a dataset, or whatever files there are."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from mt_core.contract import AnyTask, Example, ModalityDataset, Options, Regression, Tokenizer
from mt_core.data.reading import skipped
from mt_core.data.sources import raw_samples
from mt_core.data.workers import resolve_num_workers
from mt_core.errors import DatasetError, InputError, MissingSplitError, MtError, OptionError
from mt_core.io.notices import relay
from mt_core.io.paths import check_exists, expand
from mt_core.plugins import Plugin
from mt_core.sdk import split_from_name
from mt_pretrain.adapting.recipe import AdaptRecipe

FEWEST = 8
_MULTIPLE = "multi_sample_sources"


class Unlabelled(ModalityDataset):
    """Some samples, and no target: what a dataset knows of labels is not asked for.

    Args:
        samples: A dataset, whose examples lose their targets, or samples that `Tokenizer.read` takes.
        indices: Which of them.
    """

    task = Regression(names=("none",))

    def __init__(self, samples: ModalityDataset | Sequence[Any], indices: Sequence[int], source: str) -> None:
        self.samples, self.indices, self.source = samples, list(indices), source

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Example:
        found = self.samples[self.indices[index]]
        return Example(found.sample if isinstance(found, Example) else found)

    def targets(self) -> Sequence[Any]:
        return [None] * len(self)

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: Options | None = None
    ) -> Self:
        raise OptionError("samples without labels are opened by `open_unlabelled`", fix="call it")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        raise OptionError("samples without labels are not drawn", fix="take those of a dataset")


@dataclass(frozen=True)
class UnlabelledData:
    """What is adapted to.

    Attributes:
        samples: All of them.
        options: Of the dataset; None where files were taken as they lie.
        summary: What a user should know of it, a line each.
        failed: The errors of what could not be read and was left out.
    """

    samples: Unlabelled
    options: Options | None
    summary: tuple[str, ...]
    failed: tuple[MtError, ...] = ()


def open_unlabelled(
    plugin: Plugin, tokenizer: Tokenizer, root: Path, options: Options, recipe: AdaptRecipe, *, is_dataset: bool = False
) -> UnlabelledData:
    """The training samples of a dataset that the plugin knows the layout of, without its test part; else all files of
    the modality's formats in a folder and below it, as `mt embed` finds them, without folders called test.

    Args:
        tokenizer: Reads files that hold many samples.
        options: The dataset's.
        is_dataset: Whether it must have a layout that the plugin knows.

    Raises:
        DatasetError: it does not exist, has no training part, or holds too few samples.
        InputError: no file of the modality's formats, or one that cannot be read.
    """
    check_exists(root)
    try:
        whole = plugin.dataset.open(root, "train", options=options)
    except MissingSplitError:
        raise  # a dataset without a training part
    except DatasetError as error:
        if is_dataset:
            raise
        return _files(plugin, tokenizer, root, recipe, error)
    indices = _drawn(len(whole), recipe)
    samples = Unlabelled(whole, indices, whole.source)
    return UnlabelledData(_enough(samples), options, (f"data: {_counted(len(indices), len(whole))}, {whole.source}",))


def _files(
    plugin: Plugin, tokenizer: Tokenizer, root: Path, recipe: AdaptRecipe, error: DatasetError
) -> UnlabelledData:
    try:
        found = expand([root], plugin.manifest.suffixes)
    except InputError as none:
        raise DatasetError(f"{none.problem}; {error.problem}", fix=none.fix) from None
    files = [file for file in found if not _is_of_test(Path(file), root)]
    summary = [f"data: {root}, files as they lie (no dataset: {error.problem.partition(chr(10))[0]})"]
    if len(files) < len(found):
        summary.append(f"left out: {len(found) - len(files):,} files in folders called test")
    failed: list[MtError] = []
    samples: Sequence[Any] = files
    if _MULTIPLE in plugin.manifest.capabilities:
        samples, count = _rows(tokenizer, files, recipe, failed)
        indices = list(range(len(samples)))
    else:
        count, indices = len(files), _drawn(len(files), recipe)
    summary.append(f"adapted to: {_counted(len(indices), count)}")
    return UnlabelledData(_enough(Unlabelled(samples, indices, str(root))), None, tuple(summary), tuple(failed))


def _is_of_test(file: Path, root: Path) -> bool:
    return file != root and any(split_from_name(part) == "test" for part in file.relative_to(root).parts[:-1])


def _rows(
    tokenizer: Tokenizer, files: Sequence[str], recipe: AdaptRecipe, failed: list[MtError]
) -> tuple[list[Any], int]:
    """At most `max_samples` of the samples of all files, each as likely as any other, and how many there are."""
    order = random.Random(recipe.seed)
    kept: list[Any] = []
    count = 0
    for sample in _stream(tokenizer, files, recipe, failed):
        count += 1
        if len(kept) < recipe.max_samples:
            kept.append(sample)
        elif (place := order.randrange(count)) < recipe.max_samples:  # Vitter 1985, algorithm R
            kept[place] = sample
    return kept, count


def _stream(tokenizer: Tokenizer, files: Sequence[str], recipe: AdaptRecipe, failed: list[MtError]) -> Iterator[Any]:
    for read in raw_samples(tokenizer, files, resolve_num_workers(recipe.num_workers)):
        relay(read.notices)
        yield from read.items
        if read.error is not None:
            if not recipe.skip_unreadable:
                raise read.error
            failed.append(read.error)
            relay([skipped(read.error)])


def _drawn(count: int, recipe: AdaptRecipe) -> list[int]:
    if count <= recipe.max_samples:
        return list(range(count))
    return sorted(random.Random(recipe.seed).sample(range(count), recipe.max_samples))


def _counted(used: int, count: int) -> str:
    return f"{used:,} samples" + (f", drawn of {count:,}" if used < count else "")


def _enough(samples: Unlabelled) -> Unlabelled:
    if len(samples) < FEWEST:
        raise DatasetError(
            f"{samples.source} holds {len(samples)} samples, too few to learn how samples differ",
            fix=f"give at least {FEWEST}; some hundreds are better",
        )
    return samples
