"""What the checks of cost measure, and how they tell it."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from mt_core.conformance.checks.cost import _bytes_in

from .broken_cost import BROKEN
from .conftest import Change, result_of

MEMORY = "reading_takes_memory_in_proportion"

FILE_OF_80_MIB = """
    @classmethod
    def example_files(cls, folder):
        np.save(folder / "long.npy", np.ones((20 << 17, 8), np.float32))
        return [folder / "long.npy"]
"""
LAYOUTS = "    layouts = {"


def test_a_slow_reader_is_reported_in_milliseconds_and_as_a_ratio(specimen):
    name = "preparing_a_sample_costs_less_than_encoding_it"
    specimen(*BROKEN[name])
    pattern = r"takes ([\d.]+) ms.* tokens ([\d.]+) ms \(([\d.]+) times"
    ((taken, encoding, ratio),) = re.findall(pattern, result_of(name).message)
    assert float(taken) >= 20  # it sleeps as long
    assert float(ratio) == pytest.approx(float(taken) / float(encoding), rel=0.2)


def test_what_costs_too_much_is_advice_and_no_failure(specimen):
    specimen(*BROKEN[MEMORY])
    result = result_of(MEMORY)
    assert result.outcome == "advisory"
    assert re.search(r"reading \S+ takes 12[89] MiB at its peak", result.message)


def test_a_long_file_may_take_more_than_a_short_one(specimen):
    specimen(Change("dataset.py", LAYOUTS, FILE_OF_80_MIB + LAYOUTS))
    assert result_of(MEMORY).outcome == "passed"


@dataclass
class Recording:
    values: np.ndarray
    name: str


@pytest.mark.parametrize(
    ("sample", "size"),
    [
        (np.zeros((3, 4), np.float32), 48),
        (torch.zeros(3, dtype=torch.uint8), 3),
        (b"four", 4),
        ({"a": np.zeros(2), "b": [np.zeros(1), "xy"]}, 26),
        (Recording(np.zeros(2), "abc"), 19),
        (Image.new("L", (10, 10)), 400),
    ],
    ids=["array", "tensor", "bytes", "mapping", "dataclass", "picture"],
)
def test_a_sample_is_as_large_as_what_it_holds(sample, size):
    assert _bytes_in(sample) == size
