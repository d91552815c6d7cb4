"""`read`, `stream` and `prepare` on valid and invalid files and objects."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

import torch

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.invalid_inputs import invalid_input_results
from mt_core.conformance.sandbox import SideEffects
from mt_core.conformance.side_effects import side_effects
from mt_core.conformance.valid_inputs import (
    first_sample,
    prepared,
    preserved_random_states,
    random_states,
    same,
    seed_all,
    sources,
    valid_files,
)
from mt_core.contract import Tokenizer
from mt_core.data.loader import Batch, Loader, check_failures

SECONDS, SECONDS_PER_MEGABYTE = 0.2, 0.1
"""What reading and preparing a sample may take; a hundred times what the twelve modalities take."""

_TIMES = 5


@check()
def every_declared_suffix_has_a_reader(plugin: PluginFixture) -> None:
    """For each declared suffix there is a file, of `example_files` or the demo, from which a sample can be read; or
    reading it raises an error that names the missing package."""
    expect(bool(plugin.manifest.suffixes), "no suffix is declared: name those of the files that `read` accepts")
    for suffix, reason in valid_files(plugin).unreadable.items():
        raise Failed(
            f"no file of the declared suffix {suffix} can be read ({reason}): write a valid one in "
            "ModalityDataset.example_files, or do not declare the suffix"
        )


@check()
def samples_per_file_are_as_declared(plugin: PluginFixture) -> None:
    """With `multi_sample_sources`, some file of `example_files` or the demo gives several samples; without it, `stream`
    gives exactly one for each file."""
    tokenizer, valid = plugin.make_tokenizer(calibrated=False), valid_files(plugin)
    has_files = valid.counts or valid.missing_dependency
    expect(bool(has_files), "there is no file to read: write some in ModalityDataset.example_files")
    several = [name for name, count in valid.counts.items() if count > 1]
    if "multi_sample_sources" in plugin.manifest.capabilities:
        is_excused = bool(valid.missing_dependency) and type(tokenizer).stream is not Tokenizer.stream
        expect(
            bool(several) or is_excused,
            f"multi_sample_sources is declared, and each of {', '.join(valid.counts)} gives one sample: write a file "
            "of several samples in example_files, or do not declare it",
        )
    else:
        expect(
            not several,
            f"{', '.join(several)} gives several samples by `stream`, and multi_sample_sources is not declared",
        )


@check()
def reading_is_fast(plugin: PluginFixture) -> None:
    """The first sample of a file of each suffix and two demo samples are read and prepared in less than 0.2 seconds
    each, and 0.1 seconds more a megabyte of the file; the fastest of five times counts."""
    reader, tokenizer = plugin.make_tokenizer(calibrated=False), plugin.make_tokenizer()
    for name, source in sources(plugin).items():
        size = Path(source).stat().st_size if isinstance(source, str | Path) and Path(source).exists() else 0
        allowed = SECONDS + SECONDS_PER_MEGABYTE * size / 1e6
        shortest = float("inf")
        for _ in range(_TIMES):
            started = time.perf_counter()
            prepared(tokenizer, first_sample(reader, source))
            shortest = min(shortest, time.perf_counter() - started)
            if shortest <= allowed:
                break
        expect(
            shortest <= allowed,
            f"reading and preparing {name} ({size} bytes) takes {shortest:.2g} s, and {allowed:.2g} s are allowed: "
            "make once, in `__init__`, what every file needs; read no more of a file than is used; wait for nothing",
        )


@check()
def a_sample_can_be_read_again(plugin: PluginFixture) -> None:
    """`read` accepts a sample that it returned, and `prepare` gives the same for it."""
    reader, tokenizer = plugin.make_tokenizer(calibrated=False), plugin.make_tokenizer()
    for name, source in sources(plugin).items():
        sample = first_sample(reader, source)
        once = prepared(tokenizer, sample)
        again = prepared(tokenizer, reader.read(sample))
        expect(same(once, again), f"{name}: a sample that was read a second time is prepared differently")


@check()
def a_sample_survives_pickling(plugin: PluginFixture) -> None:
    """A sample is pickled, as it comes from a worker process: the copy is prepared to the same."""
    reader, tokenizer = plugin.make_tokenizer(calibrated=False), plugin.make_tokenizer()
    for name, source in sources(plugin).items():
        sample = first_sample(reader, source)
        try:
            copy = pickle.loads(pickle.dumps(sample))
        except Exception as error:
            raise Failed(
                f"{name}: a sample cannot be pickled ({type(error).__name__}: {error}): hold arrays, numbers and text "
                "in it, no open file and no function"
            ) from None
        is_same = same(prepared(tokenizer, sample), prepared(tokenizer, copy))
        expect(is_same, f"{name}: the pickled copy of a sample is prepared differently")


@check()
def reading_is_deterministic(plugin: PluginFixture) -> None:
    """A file is read three times, by its `Path` and by its path as text: it gives the same each time."""
    reader, tokenizer = plugin.make_tokenizer(calibrated=False), plugin.make_tokenizer()
    for name, source in sources(plugin).items():
        ways = [source, source, str(source) if isinstance(source, Path) else source]
        one, two, three = (prepared(tokenizer, first_sample(reader, way)) for way in ways)
        expect(same(one, two, exactly=True), f"{name}: the second reading differs")
        expect(same(one, three, exactly=True), f"{name}: reading its path as text differs")


@check()
def prepare_is_deterministic_without_a_generator(plugin: PluginFixture) -> None:
    """Without a generator `prepare` returns the same tensors each time, bit for bit, for any global random state."""
    tokenizer = plugin.make_tokenizer()
    with preserved_random_states():
        for row, sample in enumerate(plugin.samples):
            once = prepared(tokenizer, sample)
            seed_all(row)
            again = prepared(tokenizer, sample)
            expect(
                same(once, again, exactly=True),
                f"test sample {row} is prepared differently the second time: draw random numbers from the given "
                "generator, and none if it is None",
            )


@check()
def random_numbers_come_from_the_generator_alone(plugin: PluginFixture) -> None:
    """`read` and `prepare` do not change the random states of torch, NumPy and Python, and two generators with the same
    seed give the same tensors."""
    reader, tokenizer = plugin.make_tokenizer(calibrated=False), plugin.make_tokenizer().train()
    with preserved_random_states():
        for name, source in sources(plugin).items():
            seed_all(0)
            before = random_states()
            sample = first_sample(reader, source)
            expect(random_states() == before, f"{name}: `read` draws from a global random generator, or seeds it")
            drawn = []
            for seed in range(2):
                seed_all(seed)
                before = random_states()
                drawn.append(prepared(tokenizer, sample, torch.Generator().manual_seed(1)))
                expect(
                    random_states() == before,
                    f"{name}: `prepare` draws from a global random generator, or seeds it: draw from its `generator`",
                )
            expect(
                same(*drawn, exactly=True),
                f"{name}: two generators with the same seed give different tensors: draw from `generator` alone",
            )


@check()
def a_target_stays_with_its_sample(plugin: PluginFixture) -> None:
    """Without a generator `prepare_example` returns the tensors of `prepare`, and the target as it is. With one, two
    generators of the same seed give the same tensors and targets, and the head's loss takes its output for these
    tensors with these targets."""
    tokenizer, head, stack = plugin.make_tokenizer(), plugin.make_head().eval(), plugin.test.task.stack
    pairs = [(sample, plugin.test[row].target) for row, sample in enumerate(plugin.samples)]
    plain = [tokenizer.prepare_example(*pair) for pair in pairs]
    expect(
        all(
            same(item, prepared(tokenizer, pair[0]), exactly=True) for (item, _), pair in zip(plain, pairs, strict=True)
        ),
        "without a generator `prepare_example` returns other tensors than `prepare`",
    )
    kept, given = (stack([target for _, target in each]) for each in (plain, pairs))
    expect(_is_same_target(kept, given), "without a generator `prepare_example` changes the target")
    drawn, again = ([_drawn(tokenizer, pair, seed) for seed, pair in enumerate(pairs)] for _ in range(2))
    items, targets = [item for item, _ in drawn], stack([target for _, target in drawn])
    expect(
        all(same(one, two, exactly=True) for one, (two, _) in zip(items, again, strict=True))
        and _is_same_target(targets, stack([target for _, target in again])),
        "two generators of the same seed give different tensors or targets in `prepare_example`",
    )
    with torch.no_grad():
        loss = head.loss(head(plugin.encoder(tokenizer(tokenizer.collate(items)))), targets)
    expect(bool(loss.isfinite()), f"the loss of augmented samples is {float(loss)}: move the target as the sample")


def _drawn(tokenizer: Tokenizer, pair: tuple[Any, Any], seed: int) -> tuple[Any, Any]:
    """An example with random numbers of a seed; those of the process, which another check forbids, are the same too."""
    with preserved_random_states():
        seed_all(seed)
        return tokenizer.prepare_example(*pair, torch.Generator().manual_seed(seed))


def _is_same_target(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one.nan_to_num(-1e30), other.nan_to_num(-1e30))


@check()
def worker_processes_give_the_same_batches(plugin: PluginFixture) -> None:
    """The demo's test split is read in augmented batches, in this process and by a worker process: the batches are the
    same, bit for bit."""
    here, there = (_augmented_batches(plugin, num_workers) for num_workers in (0, 1))
    for number, (one, other) in enumerate(zip(here, there, strict=True)):
        expect(
            same(one["inputs"], other["inputs"], exactly=True) and torch.equal(one["target"], other["target"]),
            f"batch {number} of the test split differs if a worker process reads it: let samples depend on nothing "
            "that was read before or that belongs to the process",
        )


@check(waivable=False)
def an_empty_file_is_refused(plugin: PluginFixture) -> None:
    """A file of 0 bytes, of each declared suffix and of another, makes `read` and `stream` raise an `InputError` that
    names the file and says what to do."""
    _expect_refused(plugin, "an_empty_file_is_refused")


@check(waivable=False)
def a_missing_file_is_refused(plugin: PluginFixture) -> None:
    """So does a path that does not exist, of each declared suffix and of another, and an empty folder."""
    _expect_refused(plugin, "a_missing_file_is_refused")


@check()
def random_bytes_are_refused(plugin: PluginFixture) -> None:
    """So do 64 KiB of noise, in a file of each declared suffix and of another. Declare a deviation for a format in
    which any bytes are valid, like raw samples."""
    _expect_refused(plugin, "random_bytes_are_refused")


@check(waivable=False)
def a_truncated_file_is_refused_or_read(plugin: PluginFixture) -> None:
    """The first half of a file of each suffix, or of a companion file, raises such an error or gives finite tokens."""
    _expect_refused(plugin, "a_truncated_file_is_refused_or_read")


@check(waivable=False)
def other_objects_are_refused(plugin: PluginFixture) -> None:
    """Objects that no modality has (a number, None, a class, mappings and lists of objects) raise an `InputError` that
    names their type and says what to do."""
    _expect_refused(plugin, "other_objects_are_refused")


@check(waivable=False)
def nonfinite_values_never_become_tokens(plugin: PluginFixture) -> None:
    """NaN and infinity, in arrays of one to four axes and in each array of numbers of a sample, raise an `InputError`
    in `read` or `prepare`, or are filled: the tokens are finite."""
    _expect_refused(plugin, "nonfinite_values_never_become_tokens")


@check(waivable=False)
def invalid_input_is_refused_in_bounded_time(plugin: PluginFixture) -> None:
    """Each invalid input is refused in less than 10 seconds."""
    slow = [each.problem for results in invalid_input_results(plugin).values() for each in results if each.timed_out]
    expect(not slow, f"{_some(slow)}: check sizes and counts of a file before using them")


@check(waivable=False)
def reading_needs_no_network(plugin: PluginFixture) -> None:
    """In a new process a file of each suffix and the demo's samples are read and prepared without network access, as
    far as Python's audit events show."""
    network = _effects_of_reading(plugin).network
    expect(not network, f"while files were read, the network was asked for {_some(network)}: ship what reading needs")


@check()
def reading_writes_nothing_outside_temporary_folders(plugin: PluginFixture) -> None:
    """Meanwhile nothing is written, renamed or removed outside of `tempfile`'s folder, not in the current folder
    and not beside the file that is read; the working directory stays the same."""
    written = _effects_of_reading(plugin).written
    expect(not written, f"while files were read, {_some(written)}: keep it in memory, or use the module tempfile")


def _augmented_batches(plugin: PluginFixture, num_workers: int) -> list[Batch]:
    tokenizer = plugin.make_tokenizer()
    seed_all(0)  # for what draws from the global generators, which has a check of its own
    with Loader(plugin.test, tokenizer, batch_size=4, num_workers=num_workers, train_seed=0) as loader:
        return [check_failures(batch) for batch in loader]


def _expect_refused(plugin: PluginFixture, check: str) -> None:
    results = invalid_input_results(plugin)[check]
    problems = [each.problem for each in results if each.problem and not each.timed_out]
    expect(
        not problems,
        f"{_some(problems)}: `with reading(source, formats=…)` turns any exception into an InputError with the file's "
        "name and a fix; raise one for what is read without an exception and is not valid",
    )


def _some(things: list[str]) -> str:
    more = f" (and {len(things) - 3} more)" if len(things) > 3 else ""
    return "; ".join(things[:3]) + more


def _effects_of_reading(plugin: PluginFixture) -> SideEffects:
    effects = side_effects(plugin)
    asked = effects.importing.network or effects.reading.network
    expect(not effects.problem or bool(asked), f"in a new process, reading raised {effects.problem}")
    return effects.reading
