"""The fuzzer of `benchmarks/fuzz.py` finds what it looks for; a few damaged files of each modality show no fault."""

import importlib
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mt_core.contract import Tokenizer, Tokens
from mt_core.errors import InputError
from mt_core.plugins.official import OFFICIAL

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def fuzz(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("fuzz")


@pytest.fixture
def mutations(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("mutations")


@pytest.mark.parametrize("modality", OFFICIAL)
def test_damaged_files_are_read_or_refused(modality, fuzz):
    outcomes = list(fuzz.fuzz(modality, range(12)))
    assert len(outcomes) == 12
    assert [outcome for outcome in outcomes if outcome.kind not in fuzz.GOOD] == []


def test_the_table_counts_the_outcomes(fuzz, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["fuzz.py", "imu", "--count", "4", "--keep", str(tmp_path)])
    assert fuzz.main() == 0
    row = capsys.readouterr().out.splitlines()[-1].strip("| ").split(" | ")
    assert row[:2] == ["imu", "4"] and sum(map(int, row[2:6])) == 4 and not list(tmp_path.iterdir())


class Reader(Tokenizer):
    """It does with a file what the file is called."""

    def read(self, source):
        deed = source.stem
        if deed == "refuse":
            raise InputError("no", fix="yes")
        if deed == "shrug":
            raise InputError("no")
        if deed == "fail":
            raise KeyError(deed)
        if deed == "crash":
            os.abort()
        if deed == "hang":
            time.sleep(60)
        if deed == "swell":
            np.ones(1 << 30, np.uint8)
        return np.full(3, np.nan if deed == "nan" else 1.0, np.float32)

    def prepare(self, sample, generator=None):
        return {"values": torch.from_numpy(sample)}

    def forward(self, batch):
        return Tokens(batch["values"][..., None].expand(-1, -1, self.width))


def test_every_kind_of_fault_is_told_and_the_files_after_it_are_read(fuzz, tmp_path):
    deeds = ["fine", "refuse", "crash", "shrug", "fail", "hang", "nan", "swell", "fine"]
    files = iter([fuzz.Damaged(number, "", tmp_path / f"{deed}.bin") for number, deed in enumerate(deeds)])
    outcomes = list(fuzz.outcomes_of(Reader(8), files, seconds=1.0, memory_mib=256))
    assert [outcome.kind for outcome in outcomes] == [
        *("read", "refused", "ended its process", "an error without a fix", "an error of a library", "too slow"),
        *("an error of a library", "an error of a library", "read"),
    ]
    assert "MemoryError" in outcomes[7].message and "not finite" in outcomes[6].message


def test_a_file_is_damaged_alike_by_the_same_numbers(mutations):
    content, others = bytes(range(200)), [b"other" * 20]

    def damage(number: int) -> tuple[str, bytes]:
        return mutations.mutated(np.random.default_rng(number), content, others)

    assert [damage(number) for number in range(50)] == [damage(number) for number in range(50)]
    named = " ".join(how for how, _ in map(damage, range(50)))
    assert all(name in named for name in mutations.MUTATIONS)
    assert sum(changed != content for _, changed in map(damage, range(50))) > 45


@pytest.mark.parametrize("content", [b"\0", b"a,b\n1,2\n", bytes(64)])
def test_small_files_can_be_damaged_in_every_way(mutations, content):
    for mutation in mutations.MUTATIONS.values():
        for number in range(40):
            assert isinstance(mutation(np.random.default_rng(number), content, [content]), bytes)
