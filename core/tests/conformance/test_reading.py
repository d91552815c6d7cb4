"""Faults that the checks of reading catch, beside the one that each has in `test_broken`, and what they let pass."""

import pytest

from mt_core.conformance import sandbox

from .broken_reading import (
    DRAWN,
    FINITE,
    FINITE_PREPARED,
    GIVEN,
    IS_EMPTY,
    IS_FILE,
    IS_MISSING,
    IS_NOISE,
    ONES,
    OPENED,
    asking,
    before,
    pickled,
    where,
)
from .conftest import Change, result_of

SUFFIXES = '[".npy", ".csv"]'
SKIPPING = """def stream(self, source):
        try:
            yield from self.every(source)
        except InputError:
            pass

    def every(self, source):"""


def tokenizer(old: str, new: str) -> Change:
    return Change("tokenizer.py", old, new)


FAULTS = {
    "a sample that is an open file": (
        "a_sample_survives_pickling",
        pickled("raise TypeError('it is open')"),
        "a sample cannot be pickled (TypeError: it is open)",
    ),
    "no suffix": (
        "every_declared_suffix_has_a_reader",
        [Change("plugin.toml", SUFFIXES, "[]")],
        "no suffix is declared",
    ),
    "a reader that fails on its own files": (
        "every_declared_suffix_has_a_reader",
        [Change("plugin.toml", SUFFIXES, '[".npy", ".csv", ".bag"]'), Change("dataset.py", "bags.npy", "bags.bag")],
        ".bag can be read (bags.bag: InputError",
    ),
    "several samples, not declared": (
        "samples_per_file_are_as_declared",
        [Change("plugin.toml", '"multi_sample_sources",', "")],
        "bags.npy gives several samples",
    ),
    "a sample that is not taken again": (
        "a_sample_can_be_read_again",
        [where("isinstance(source, np.ndarray)", "source = None")],
        "raised InputError",
    ),
    "a path as text read otherwise": (
        "reading_is_deterministic",
        [where("isinstance(source, str) and source.endswith('.npy')", "source = 2 * np.load(source)")],
        "reading its path as text differs",
    ),
    "NumPy seeded in training": (
        "random_numbers_come_from_the_generator_alone",
        [before("if generator is not None:", "np.random.seed(1)")],
        "draws from a global random generator, or seeds it",
    ),
    "noise from nowhere in training": (
        "random_numbers_come_from_the_generator_alone",
        [tokenizer(DRAWN, "np.random.default_rng().normal()")],
        "two generators with the same seed give different tensors",
    ),
    "an exception of a library": ("random_bytes_are_refused", [tokenizer(OPENED, "if True:")], "read raises"),
    "an error that does not name the file": (
        "an_empty_file_is_refused",
        [where(IS_EMPTY, "raise InputError('empty', fix='fill it')")],
        "does not name empty.npy: 'empty'",
    ),
    "an error without a fix": (
        "a_missing_file_is_refused",
        [where(IS_MISSING, "raise InputError(f'no {source}')")],
        "without a fix",
    ),
    "a stream that skips what is bad": (
        "an_empty_file_is_refused",
        [
            tokenizer("def stream(self, source):", SKIPPING),
            tokenizer("return only_one(self.stream(source)", "return only_one(self.every(source)"),
        ],
        "stream accepts it, and gives 0 samples",
    ),
    "a process that dies": (
        "random_bytes_are_refused",
        [where(IS_NOISE, "import os, signal", "os.kill(os.getpid(), signal.SIGSEGV)")],
        "ended its process (SIGSEGV)",
    ),
    "half a file that becomes no tokens": (
        "a_truncated_file_is_refused_or_read",
        [
            where(f"{IS_FILE} and 'halves' in str(source)", f"source = {ONES} * np.nan"),
            tokenizer(FINITE, "if False:"),
            tokenizer(FINITE_PREPARED, "if False:"),
        ],
        "it becomes tokens, 4 of them not finite",
    ),
    "an object that is looked into": (
        "other_objects_are_refused",
        [where("source is object", "source.shape")],
        "read raises AttributeError",
    ),
    "NaN that is refused by another error": (
        "nonfinite_values_never_become_tokens",
        [
            tokenizer(FINITE, "if False:"),
            before(FINITE_PREPARED, "if readings.isnan().any():", "    raise ValueError('not finite')"),
        ],
        "prepare raises ValueError",
    ),
    "a rename beside the file": (
        "reading_writes_nothing_outside_temporary_folders",
        [where(IS_FILE, "source.rename(source)")],
        "was written",
    ),
    "a file in the current folder": (
        "reading_writes_nothing_outside_temporary_folders",
        [where(IS_FILE, "open('seen', 'a').close()")],
        "seen was written",
    ),
    "an index beside the file, once": (
        "reading_writes_nothing_outside_temporary_folders",
        [where(f"{IS_FILE} and not source.with_suffix('.i').exists()", "source.with_suffix('.i').write_text('')")],
        ".i was written",
    ),
    "a cache in the home folder, once": (
        "reading_writes_nothing_outside_temporary_folders",
        [where("not (cache := Path.home() / 'specimen').exists()", "cache.write_text('')")],
        "specimen was written",
    ),
    "network once a process": (
        "reading_needs_no_network",
        [
            where(
                "not vars(SpecimenTokenizer).get('asked')",
                "SpecimenTokenizer.asked = True",
                "import socket, contextlib",
                "with contextlib.suppress(OSError):",
                "    socket.getaddrinfo('localhost', 80)",
            )
        ],
        "localhost",
    ),
    "0.3 seconds a file": ("reading_is_fast", [where(IS_FILE, "import time", "time.sleep(0.3)")], "are allowed"),
    "another working directory": (
        "reading_writes_nothing_outside_temporary_folders",
        [where(f"{IS_FILE} and 'bags' in str(source)", "import os", "os.chdir(source.parent)")],
        "the working directory became",
    ),
    "a name that is looked up": ("reading_needs_no_network", [asking("getaddrinfo('localhost', 80)")], "localhost"),
}


SLOW = {"0.3 seconds a file"}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=[pytest.mark.slow] if fault in SLOW else []) for fault in FAULTS]
)
def test_a_fault_is_reported(fault, specimen, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    name, changes, message = FAULTS[fault]
    specimen(*changes)
    result = result_of(name)
    assert (result.outcome, message in result.message) == ("failed", True), result.message


VALID = {
    "a package that is missing for a suffix": (
        "every_declared_suffix_has_a_reader",
        [
            Change("plugin.toml", SUFFIXES, '[".npy", ".csv", ".bag"]'),
            where(
                f"{IS_FILE} and source.suffix == '.bag'", "raise MissingDependencyError('no bags', 'pip install bags')"
            ),
            tokenizer("import InputError, ", "import InputError, MissingDependencyError, "),
        ],
    ),
    "missing values that are filled": (
        "nonfinite_values_never_become_tokens",
        [tokenizer(FINITE, "if False:"), tokenizer(GIVEN, "yield np.nan_to_num(bag.astype(np.float32), posinf=9)")],
    ),
    "half a file of which what is there is read": (
        "a_truncated_file_is_refused_or_read",
        [where(f"{IS_FILE} and 'halves' in str(source)", f"source = {ONES}")],
    ),
    "a temporary file": (
        "reading_writes_nothing_outside_temporary_folders",
        [
            where(
                "True",
                "import tempfile",
                "with tempfile.TemporaryDirectory() as folder:",
                "    (Path(folder) / 'unpacked').write_text('')",
            )
        ],
    ),
}


@pytest.mark.parametrize("valid", VALID)
def test_what_is_valid_passes(valid, specimen):
    name, changes = VALID[valid]
    specimen(*changes)
    assert result_of(name).message == ""


def test_after_two_that_hang_the_others_are_not_waited_for(specimen, monkeypatch):
    monkeypatch.setattr(sandbox, "TIME_LIMIT_S", 0.5)
    specimen(where(IS_EMPTY, "import time", "time.sleep(60)"))
    message = result_of("invalid_input_is_refused_in_bounded_time").message
    assert "read took longer than 0.5 s" in message and "was not tried" in message


def test_a_number_that_is_not_finite_is_put_into_every_kind_of_sample():
    from dataclasses import dataclass
    from types import SimpleNamespace

    import numpy as np
    import torch

    from mt_core.conformance.invalid_inputs import with_nonfinite

    @dataclass(frozen=True, slots=True)
    class Frozen:
        counts: np.ndarray
        inside: dict

    sample = Frozen(
        np.arange(3),
        {"a": [torch.zeros(2, 2), 1.5, "text"], "b": (np.zeros(4, np.float16), {3: 0.5}), "c": SimpleNamespace(d=1.0)},
    )
    found = {name: changed for name, changed in with_nonfinite(sample, float("nan"))}
    assert len(found) == 4
    for changed in found.values():
        a, b = changed.inside["a"], changed.inside["b"]
        values = [a[0][1, 1], torch.tensor(a[1]), torch.tensor(b[0][2]), torch.tensor(b[1][3])]
        assert sum(bool(value.isnan()) for value in values) == 1
    assert not any(torch.tensor(sample.inside["b"][0]).isnan())
