"""The demo, and how folders are opened."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import TEST_SAMPLES, TRAIN_SAMPLES, PluginFixture
from mt_core.conformance.sample_parts import leaves
from mt_core.conformance.sandbox import SideEffectMonitor, TaskFailure, run_in_child
from mt_core.conformance.task_rules import problem_with_targets
from mt_core.conformance.valid_inputs import prepared, same
from mt_core.contract import SPLITS, Boxes, ModalityDataset, Tokenizer
from mt_core.errors import DatasetError, OptionError


@check()
def lengths_and_targets_agree(plugin: PluginFixture) -> None:
    """`demo` gives at least one sample and at most `size`; `targets()` has one target for each sample, that of the
    example."""
    for split, size in (("train", TRAIN_SAMPLES), ("test", TEST_SAMPLES)):
        dataset = plugin.train if split == "train" else plugin.test
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
def targets_fit_the_task(plugin: PluginFixture) -> None:
    """All splits of the demo have the same task, which stacks their targets; some targets are known, and the task
    allows all of them."""
    for split in SPLITS:
        dataset = plugin.demo(split, 4)
        expect(
            dataset.task == plugin.train.task,
            f"the task of {split} is not that of train: take classes, their order and statistics from all splits, or "
            f"from train alone ({str(dataset.task)[:200]})",
        )
        problem = problem_with_targets(dataset.task, dataset.task.stack(dataset.targets()))
        expect(not problem, f"{split}: {problem}")


@check()
def splits_are_disjoint(plugin: PluginFixture) -> None:
    """No sample of the demo is in two of train, val and test, compared by its prepared tensors and the content of its
    file."""
    tokenizer = plugin.make_tokenizer()
    first_place: dict[str, str] = {}
    for split in SPLITS[:3]:
        dataset = plugin.train if split == "train" else plugin.demo(split, TRAIN_SAMPLES)
        for row in range(len(dataset)):
            content = _content(tokenizer, dataset[row].sample)
            place = f"sample {row} of {split}"
            other = first_place.setdefault(content, place)
            expect(
                other.endswith(split),
                f"{place} is {other}: draw each split with another seed, or fix the split of real data",
            )


@check()
def a_sample_does_not_hold_its_target(plugin: PluginFixture) -> None:
    """No number and no text in the demo's test samples, as the dataset gives them and as `read` returns them, is the
    target of its sample, or the name of its class, in all of them. A part that plugin.toml declares as unused may
    be."""
    names = getattr(plugin.test.task, "classes", ())
    targets = list(plugin.test.targets())
    given = [plugin.test[row].sample for row in range(len(plugin.test))]
    unused = {each.part for each in plugin.manifest.unused}
    if len({str(target) for target in targets}) > 1:
        for samples in (given, plugin.samples):
            parts = [{leaf.path: leaf.value for leaf in leaves(sample)} for sample in samples]
            shared = set.intersection(*map(set, parts)) - unused
            held = sorted(path for path in shared if all(map(partial(_is_target, path, names), parts, targets)))
            where = ", ".join(path or "the sample itself" for path in held)
            expect(not held, f"{where} is the target of every sample: keep it in Example.target alone")


@check()
def demo_depends_on_the_seed_alone(plugin: PluginFixture) -> None:
    """`demo` called twice with one seed gives the same samples and targets; with another seed some differ."""
    tokenizer = plugin.make_tokenizer()
    once, again, other = (_all_prepared(tokenizer, plugin.demo("test", 8, seed)) for seed in (1, 1, 2))
    expect(
        len(once) == len(again) and all(map(_is_same, once, again)),
        "demo(seed=1) gives different samples when it is called again: draw everything from a generator with this seed",
    )
    expect(
        len(once) != len(other) or not all(map(_is_same, once, other)),
        "demo(seed=2) gives the samples of demo(seed=1): draw, or choose among real data, by the seed",
    )


@check(waivable=False)
def demo_is_offline(plugin: PluginFixture) -> None:
    """The demo's splits and their examples are made without network access, as far as Python's audit events show."""
    temporary = plugin.folder("offline")

    def make() -> list[str]:
        monitor = SideEffectMonitor(temporary)
        for split in SPLITS:
            dataset = plugin.dataset_class.demo(split, size=4, seed=0)
            for row in range(len(dataset)):
                dataset[row]
        return monitor.network

    (result,) = run_in_child([make])
    if isinstance(result, TaskFailure):
        raise Failed(f"making the demo {result.message}")
    expect(not result, f"the demo asks the network for {', '.join(result[:3])}: draw its data, or ship them")


@check()
def demo_names_its_source(plugin: PluginFixture) -> None:
    """Its `source` is one line that ends in "(real)" or "(synthetic)"."""
    source = plugin.train.source
    is_named = source.endswith((" (real)", " (synthetic)")) and "\n" not in source
    expect(is_named, f"the source is {source!r}: write one line that ends in '(real)' or '(synthetic)'")


@check()
def demo_has_every_split(plugin: PluginFixture) -> None:
    """`demo` gives train, val, test and all, and raises an `OptionError` for any other name."""
    for split in SPLITS:
        expect(len(plugin.demo(split, 4)) > 0, f"demo({split!r}) gives no sample")
    try:
        plugin.demo("tset", 4)
    except OptionError as error:
        expect(bool(error.fix), "the error for an unknown split has no fix: name the splits")
        return
    raise Failed("demo('tset') is accepted: raise an OptionError for a split that is none of SPLITS")


@check()
def an_unknown_folder_is_refused(plugin: PluginFixture) -> None:
    """`open` raises a `DatasetError` for an empty folder, which names the folder and all layouts that were looked for,
    and for a path that does not exist, which names the path."""
    empty = plugin.folder("folders")
    for root, words in ((empty, [empty.name, *plugin.dataset_class.layouts]), (empty / "missing", ["missing"])):
        try:
            plugin.dataset_class.open(root)
        except DatasetError as error:
            missing = [word for word in words if word not in str(error)]
            expect(not missing, f"the error for {root} does not name {', '.join(missing)}: {error}")
            expect(bool(error.fix), f"the error for {root} has no fix: {error}")
        except Exception as error:
            raise Failed(f"{root}: {type(error).__name__}: {error}; raise a DatasetError") from None
        else:
            raise Failed(f"open accepts {root}, which is empty or missing: raise a DatasetError")


@check()
def layouts_are_documented(plugin: PluginFixture) -> None:
    """The dataset names its layouts, each with one line."""
    cls = plugin.dataset_class
    lines = [(name, line) for name, line in cls.layouts.items() if not line.strip() or "\n" in line]
    expect(bool(cls.layouts), "layouts is empty: name each layout that open recognises, with one line")
    expect(not lines, f"layouts is not one line each: {lines[:1]}")


@check()
def a_dataset_survives_pickling(plugin: PluginFixture) -> None:
    """The demo's dataset is pickled, as for worker processes: the copy has the same samples and targets."""
    try:
        copy = pickle.loads(pickle.dumps(plugin.test))
    except Exception as error:
        raise Failed(
            f"the dataset cannot be pickled ({type(error).__name__}: {error}): keep paths and numbers in it, no open "
            "file and no function"
        ) from None
    tokenizer = plugin.make_tokenizer()
    original, copied = (_all_prepared(tokenizer, dataset) for dataset in (plugin.test, copy))
    expect(
        len(original) == len(copied) and all(map(_is_same, original, copied)),
        "the pickled copy has other samples or targets",
    )


def _is_target(path: str, names: Sequence[str], parts: dict[str, Any], target: Any) -> bool:
    value = parts[path]
    if isinstance(value, str):
        return isinstance(target, int) and target < len(names) and value == names[target]
    if isinstance(target, Boxes):
        target = target.xyxy
    return type(value) is not bool and np.array_equal(np.asarray(value), np.asarray(target))


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
    """A hash of the prepared tensors of a sample and, if it is a file, of its bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tokenizer.prepare(tokenizer.read(source)).items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    if isinstance(source, str | Path) and Path(source).is_file():
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()
