"""The demonstration, and how folders are opened."""

from __future__ import annotations

import hashlib
import inspect
import pickle
import re
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import TEST_SAMPLES, TRAIN_SAMPLES, PluginFixture
from mt_core.conformance.sandbox import SideEffectMonitor, TaskFailure, in_child
from mt_core.conformance.task_rules import wrong_with_targets
from mt_core.conformance.valid_inputs import prepared, same
from mt_core.contract import SPLITS, ModalityDataset, Tokenizer
from mt_core.errors import DatasetError, OptionError


@check()
def lengths_and_targets_agree(subject: PluginFixture) -> None:
    """`demo` gives at least one sample and at most the `size` asked for; `targets()` are as many as there are samples
    and those of the examples."""
    for split, size in (("train", TRAIN_SAMPLES), ("test", TEST_SAMPLES)):
        dataset = subject.train if split == "train" else subject.test
        targets = dataset.targets()
        expect(0 < len(dataset) <= size, f"demo({split!r}, size={size}) gives {len(dataset)} samples")
        expect(len(targets) == len(dataset), f"{split} has {len(dataset)} samples, and targets() gives {len(targets)}")
        for row in range(len(dataset)):
            one, other = (dataset.task.stack([each]) for each in (targets[row], dataset[row].target))
            expect(
                torch.equal(one.nan_to_num(-1e30), other.nan_to_num(-1e30)),
                f"example {row} of {split} has the target {dataset[row].target}, and targets() says {targets[row]}",
            )


@check()
def targets_fit_the_task(subject: PluginFixture) -> None:
    """All splits of the demonstration have one task, which stacks their targets; some are known, and none is outside of
    what the task allows."""
    for split in SPLITS:
        dataset = subject.demo(split, 4)
        expect(
            dataset.task == subject.train.task,
            f"the task of {split} is not that of train: classes, their order and statistics are of all splits, or of "
            f"train alone ({str(dataset.task)[:200]})",
        )
        wrong = wrong_with_targets(dataset.task, dataset.task.stack(dataset.targets()))
        expect(not wrong, f"{split}: {wrong}")


@check()
def splits_are_disjoint(subject: PluginFixture) -> None:
    """No sample of the demonstration is in two of train, val and test: compared by what is prepared of it, and by the
    content of its file."""
    tokenizer = subject.tokenizer()
    seen: dict[str, str] = {}
    for split in SPLITS[:3]:
        dataset = subject.train if split == "train" else subject.demo(split, TRAIN_SAMPLES)
        for row in range(len(dataset)):
            content = _content(tokenizer, dataset[row].sample)
            place = f"sample {row} of {split}"
            other = seen.setdefault(content, place)
            expect(
                other.endswith(split),
                f"{place} is {other}: draw each split from other numbers, or cut real data once and for all",
            )


@check()
def demo_is_deterministic_by_seed(subject: PluginFixture) -> None:
    """`demo` called twice with one seed gives the same samples and targets; with another seed some are others."""
    tokenizer = subject.tokenizer()
    once, again, other = (_all_prepared(tokenizer, subject.demo("test", 8, seed)) for seed in (1, 1, 2))
    expect(
        len(once) == len(again) and all(map(_is_same, once, again)),
        "demo(seed=1) gives something else when it is called again: draw everything from a generator of this seed",
    )
    expect(
        len(once) != len(other) or not all(map(_is_same, once, other)),
        "demo(seed=2) gives what demo(seed=1) gives: draw, or choose among real data, by the seed",
    )


@check(waivable=False)
def demo_is_offline(subject: PluginFixture) -> None:
    """The demonstration's splits are made, and their examples given, without asking for the network; as far as Python's
    audit events tell."""
    temporary = subject.folder("offline")

    def make() -> list[str]:
        watch = SideEffectMonitor(temporary)
        for split in SPLITS:
            dataset = subject.plugin.dataset.demo(split, size=4, seed=0)
            for row in range(len(dataset)):
                dataset[row]
        return watch.asked

    (asked,) = in_child([make])
    if isinstance(asked, TaskFailure):
        raise Failed(f"making the demonstration {asked.how}")
    expect(not asked, f"the demonstration asks the network for {', '.join(asked[:3])}: draw it, or ship it")


@check()
def demo_says_where_it_comes_from(subject: PluginFixture) -> None:
    """Its `source` is one line that ends in "(real)" or "(synthetic)"."""
    source = subject.train.source
    is_told = source.endswith((" (real)", " (synthetic)")) and "\n" not in source
    expect(is_told, f"the source is {source!r}: one line that ends in '(real)' or '(synthetic)'")


@check()
def every_split_can_be_asked_for(subject: PluginFixture) -> None:
    """`demo` gives each of train, val, test and all, and refuses another name by an `OptionError`."""
    for split in SPLITS:
        expect(len(subject.demo(split, 4)) > 0, f"demo({split!r}) gives no sample")
    try:
        subject.demo("tset", 4)
    except OptionError as error:
        expect(bool(error.fix), "the error for an unknown split has no fix: name those that there are")
        return
    raise Failed("demo('tset') is answered: raise an OptionError for a split that is none of SPLITS")


@check()
def an_unknown_folder_is_refused(subject: PluginFixture) -> None:
    """`open` refuses an empty folder by a `DatasetError` that names it and all layouts that were looked for, and a path
    at which there is nothing by one that names it."""
    empty = subject.folder("folders")
    for root, words in ((empty, [empty.name, *subject.plugin.dataset.layouts]), (empty / "missing", ["missing"])):
        try:
            subject.plugin.dataset.open(root)
        except DatasetError as error:
            unsaid = [word for word in words if word not in str(error)]
            expect(not unsaid, f"the error for {root} does not say {', '.join(unsaid)}: {error}")
            expect(bool(error.fix), f"the error for {root} has no fix: {error}")
        except Exception as error:
            raise Failed(f"{root}: {type(error).__name__}: {error}; raise a DatasetError") from None
        else:
            raise Failed(f"open takes {root}, in which there is nothing: raise a DatasetError")


@check()
def layouts_and_options_of_open_are_documented(subject: PluginFixture) -> None:
    """The dataset names its layouts, one line each; each option of `open` has a default and is described, by its name,
    in a docstring of `open` or `find`."""
    cls = subject.plugin.dataset
    lines = [(name, line) for name, line in cls.layouts.items() if not line.strip() or "\n" in line]
    expect(bool(cls.layouts), "layouts is empty: name each layout that open recognises, with one line")
    expect(not lines, f"layouts is not one line each: {lines[:1]}")
    functions = [getattr(cls, name) for name in ("open", "find") if hasattr(cls, name)]
    said = "\n".join(inspect.getdoc(function) or "" for function in functions)
    for name, default in cls.options_of_open().items():
        expect(default is not inspect.Parameter.empty, f"the option {name} of open has no default")
        is_described = re.search(rf"\b{re.escape(name)}\b", said) is not None  # "fold" is not in "folder"
        expect(is_described, f"the option {name} of open is described in no docstring of open or find")


@check()
def a_dataset_survives_pickling(subject: PluginFixture) -> None:
    """The demonstration comes out of a pickle, as worker processes get it, with the same samples and targets."""
    try:
        copy = pickle.loads(pickle.dumps(subject.test))
    except Exception as error:
        raise Failed(
            f"the dataset cannot be pickled ({type(error).__name__}: {error}): keep paths and numbers in it, no open "
            "file and no function"
        ) from None
    tokenizer = subject.tokenizer()
    kept, back = (_all_prepared(tokenizer, dataset) for dataset in (subject.test, copy))
    expect(len(kept) == len(back) and all(map(_is_same, kept, back)), "after pickling it has other samples or targets")


class _Prepared(NamedTuple):
    tensors: dict[str, Tensor] | str
    target: Tensor


def _all_prepared(tokenizer: Tokenizer, dataset: ModalityDataset) -> list[_Prepared]:
    examples = [dataset[row] for row in range(len(dataset))]
    return [
        _Prepared(prepared(tokenizer, tokenizer.read(sample)), dataset.task.stack([target]))
        for sample, target in examples
    ]


def _is_same(one: _Prepared, other: _Prepared) -> bool:
    return same(one.tensors, other.tensors) and torch.equal(
        one.target.nan_to_num(-1e30), other.target.nan_to_num(-1e30)
    )


def _content(tokenizer: Tokenizer, source: Any) -> str:
    """A hash of what is prepared of a sample and, where it is a file, of its bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tokenizer.prepare(tokenizer.read(source)).items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    if isinstance(source, str | Path) and Path(source).is_file():
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()
