"""What `read`, `stream` and `prepare` make of files and objects, sound ones and bad ones."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.sandbox import TaskFailure
from mt_core.conformance.valid_inputs import (
    SideEffects,
    first,
    kept_random_states,
    prepared,
    random_states,
    same,
    seed_all,
    sources,
)
from mt_core.contract import Tokenizer


@check()
def every_declared_suffix_has_a_reader(subject: PluginFixture) -> None:
    """Of each declared suffix there is a file, among those of `example_files` and the demonstration, from which a
    sample can be read; or reading one says which package is missing for it."""
    expect(bool(subject.manifest.suffixes), "no suffix is declared: name those of the files that `read` takes")
    for suffix, reason in subject.valid_files.unread.items():
        raise Failed(
            f"no file of the declared suffix {suffix} can be read ({reason}): write a sound one in "
            "ModalityDataset.example_files (where the package that would write it is missing, one whose reading says "
            "so), or do not declare the suffix"
        )


@check()
def the_samples_of_a_file_are_as_many_as_declared(subject: PluginFixture) -> None:
    """With `multi_sample_sources`, some file of `example_files` or the demonstration gives several samples; without,
    each gives exactly one by `stream`."""
    tokenizer, sound = subject.tokenizer(calibrated=False), subject.valid_files
    is_there = sound.counts or sound.excused
    expect(bool(is_there), "there is no file to read: write some in ModalityDataset.example_files")
    several = [name for name, count in sound.counts.items() if count > 1]
    if "multi_sample_sources" in subject.manifest.capabilities:
        is_excused = bool(sound.excused) and type(tokenizer).stream is not Tokenizer.stream
        expect(
            bool(several) or is_excused,
            f"multi_sample_sources is declared, and each of {', '.join(sound.counts)} gives one sample: write a file "
            "of several in example_files, or do not declare it",
        )
    else:
        expect(
            not several,
            f"{', '.join(several)} gives several samples by `stream`, and multi_sample_sources is not declared",
        )


@check()
def what_read_gives_is_read_again(subject: PluginFixture) -> None:
    """`read` takes what it returned, and prepared that is the same as at first."""
    reader, tokenizer = subject.tokenizer(calibrated=False), subject.tokenizer()
    for name, source in sources(subject).items():
        sample = first(reader, source)
        once = prepared(tokenizer, sample)
        again = prepared(tokenizer, reader.read(sample))
        expect(same(once, again), f"{name}: what was read and read again is prepared to something else than at first")


@check()
def what_read_gives_survives_pickling(subject: PluginFixture) -> None:
    """A sample comes out of a pickle, as it crosses from a worker process, and prepared it is the same."""
    reader, tokenizer = subject.tokenizer(calibrated=False), subject.tokenizer()
    for name, source in sources(subject).items():
        sample = first(reader, source)
        try:
            copy = pickle.loads(pickle.dumps(sample))
        except Exception as error:
            raise Failed(
                f"{name}: a sample cannot be pickled ({type(error).__name__}: {error}): keep arrays, numbers and text "
                "in it, no open file and no function"
            ) from None
        same_again = same(prepared(tokenizer, sample), prepared(tokenizer, copy))
        expect(same_again, f"{name}: after pickling, the sample is prepared to something else")


@check()
def reading_is_deterministic(subject: PluginFixture) -> None:
    """A file that is read three times, by its `Path` and by its name as text, gives the same each time."""
    reader, tokenizer = subject.tokenizer(calibrated=False), subject.tokenizer()
    for name, source in sources(subject).items():
        ways = [source, source, str(source) if isinstance(source, Path) else source]
        one, two, three = (prepared(tokenizer, first(reader, way)) for way in ways)
        expect(same(one, two, exactly=True), f"{name}: reading it a second time gives something else")
        expect(same(one, three, exactly=True), f"{name}: read by its name as text, it gives something else")


@check()
def prepare_is_deterministic_without_a_generator(subject: PluginFixture) -> None:
    """Without a generator `prepare` gives the same tensors again, bit for bit, whatever the global random state."""
    tokenizer = subject.tokenizer()
    with kept_random_states():
        for row, sample in enumerate(subject.samples):
            once = prepared(tokenizer, sample)
            seed_all(row)
            again = prepared(tokenizer, sample)
            expect(
                same(once, again, exactly=True),
                f"test sample {row} is prepared to something else a second time: draw random numbers from the "
                "generator that is given, and none where it is None",
            )


@check()
def random_numbers_come_from_the_generator_alone(subject: PluginFixture) -> None:
    """`read` and `prepare` leave the random states of torch, NumPy and Python as they are, and two generators of one
    seed give the same tensors."""
    reader, tokenizer = subject.tokenizer(calibrated=False), subject.tokenizer().train()
    with kept_random_states():
        for name, source in sources(subject).items():
            seed_all(0)
            before = random_states()
            sample = first(reader, source)
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
                f"{name}: two generators of one seed give different tensors: draw from `generator` and nothing else",
            )


@check(waivable=False)
def an_empty_file_is_refused(subject: PluginFixture) -> None:
    """A file of 0 bytes, of each declared suffix and of another, is refused by `read` and by `stream`: an `InputError`
    that names it and says what to do."""
    _expect_refused(subject, "an_empty_file_is_refused")


@check(waivable=False)
def a_missing_file_is_refused(subject: PluginFixture) -> None:
    """So is a path at which there is nothing, of each declared suffix and of another, and an empty folder."""
    _expect_refused(subject, "a_missing_file_is_refused")


@check()
def random_bytes_are_refused(subject: PluginFixture) -> None:
    """So are 64 KiB of noise under each declared suffix and another. A format in which any bytes are sound, as raw
    samples are, is a deviation to declare."""
    _expect_refused(subject, "random_bytes_are_refused")


@check(waivable=False)
def a_truncated_file_is_refused_or_read(subject: PluginFixture) -> None:
    """The first half of a file of each suffix, or of what belongs to it, is refused in the same way, or gives finite
    tokens."""
    _expect_refused(subject, "a_truncated_file_is_refused_or_read")


@check(waivable=False)
def other_objects_are_refused(subject: PluginFixture) -> None:
    """Objects that no modality has (a number, None, a class, mappings and lists of nonsense) are refused by an
    `InputError` that names their type and says what to do."""
    _expect_refused(subject, "other_objects_are_refused")


@check(waivable=False)
def readings_that_are_not_finite_never_become_tokens(subject: PluginFixture) -> None:
    """NaN and infinity in arrays of one to four axes, and put into each number array of a sample, are refused by an
    `InputError` of `read` or `prepare`, or filled: the tokens are finite."""
    _expect_refused(subject, "readings_that_are_not_finite_never_become_tokens")


@check(waivable=False)
def bad_input_is_refused_in_bounded_time(subject: PluginFixture) -> None:
    """Each of these takes less than 10 seconds."""
    late = [tried.fault for cases in subject.tried.values() for tried in cases if tried.is_late]
    expect(not late, f"{_some(late)}: check sizes and counts before they are trusted")


@check(waivable=False)
def reading_needs_no_network(subject: PluginFixture) -> None:
    """Nothing asks for the network while a file of each suffix and the demonstration's samples are read and prepared;
    as far as Python's audit events tell."""
    asked = _footprints(subject).asked
    expect(not asked, f"while files were read, the network was asked for {_some(asked)}: ship what reading needs")


@check()
def reading_writes_nothing_outside_temporary_folders(subject: PluginFixture) -> None:
    """Meanwhile nothing is written, renamed or removed but in `tempfile`'s folder, not even beside the file that is
    read, and the working directory stays; as far as Python's audit events tell."""
    written = _footprints(subject).written
    expect(not written, f"while files were read, {_some(written)}: keep it in memory, or use the module tempfile")


def _expect_refused(subject: PluginFixture, promise: str) -> None:
    faults = [tried.fault for tried in subject.tried[promise] if tried.fault and not tried.is_late]
    expect(
        not faults,
        f"{_some(faults)}: within `with reading(source, formats=…)` any exception becomes an InputError with the "
        "file's name and a fix; raise one for what is read without an exception and is not sound",
    )


def _some(things: list[str]) -> str:
    more = f" (and {len(things) - 3} more)" if len(things) > 3 else ""
    return "; ".join(things[:3]) + more


def _footprints(subject: PluginFixture) -> SideEffects:
    answer = subject.side_effects
    if isinstance(answer, TaskFailure):
        raise Failed(f"reading the demonstration's samples and files {answer.how}")
    return answer
