"""What a sample holds, and what many hold together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mt_core.contract import Tokenizer
from mt_core.inspection.facts import NumberFact, facts_of, facts_of_file
from mt_core.inspection.ranges import ranges_of


@dataclass(frozen=True)
class Sound:
    samples: np.ndarray
    rate_hz: float | None
    name: str = "a file"
    marks: np.ndarray | None = None


def said(*samples: object) -> dict[str, str]:
    return {name: str(each) for name, each in ranges_of(map(facts_of, samples)).items()}


def test_an_array_is_its_shape_type_and_range():
    assert said(np.array([[0, 255], [3, 4]], np.uint8)) == {"": "2 x 2 uint8, 0 to 255"}


def test_missing_values_are_counted_and_are_no_least_value():
    assert said(np.array([np.nan, 1.0, 2.5, np.inf])) == {"": "4 float64, 1 to 2.5, 2 of 4 missing"}


def test_fields_have_their_names_and_units_and_the_name_of_the_sample_is_none_of_them():
    assert said(Sound(np.zeros(3, np.float32), 16000.0)) == {
        "samples": "3 float32, 0, all of one value",
        "rate": "16,000 Hz",
    }


def test_several_samples_go_from_the_least_to_the_most():
    sounds = [Sound(np.arange(length, dtype=np.float32), rate) for length, rate in ((3, 8000.0), (1000, 16000.0))]
    assert said(*sounds) == {"samples": "3-1,000 float32, 0 to 999", "rate": "8,000 to 16,000 Hz"}


def test_what_no_sample_says_is_not_known():
    assert said(Sound(np.arange(2), None), Sound(np.arange(2), None))["rate"] == "not known"


def test_cells_are_numbers_or_texts_and_the_empty_ones_are_missing():
    rows = [{"age": "39", "job": "cook"}, {"age": "", "job": "cook"}, {"age": "41.5", "job": "smith"}]
    assert said(*rows) == {"age": "numbers from 39 to 41.5, 1 of 3 missing", "job": "cook 2, smith 1"}


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("a b", {"": "a b"}),
        (("left", "right"), {"": "2: left, right"}),
        (True, {"": "yes"}),
        ({"inner": {"x": 2}}, {"inner x": "2"}),
        (np.empty((0, 3)), {"": "0 x 3 float64"}),
    ],
)
def test_anything_else_is_said_by_what_it_is(sample, expected):
    assert said(sample) == expected


def test_microseconds_since_1970_are_dates():
    @dataclass
    class Series:
        times: np.ndarray

    assert said(Series(np.array([0, 86_400_000_000], np.int64))) == {
        "times": "2 time, 1970-01-01 00:00 to 1970-01-02 00:00"
    }


def test_the_header_of_a_file_is_a_fact_of_it_and_its_failure_is_none():
    class Headed(Tokenizer):
        def file_facts(self, source):
            return {"rate_hz": len(Path(source).name) / 0 if "broken" in source else 5}

    assert facts_of_file(Headed(8), "a.wav") == {"file rate": NumberFact(5.0, "Hz")}
    assert facts_of_file(Headed(8), "broken.wav") == {} == facts_of_file(Headed(8), np.zeros(2))


def test_texts_among_which_some_are_numbers_are_texts():
    texts = [f"text no {number}" for number in range(40)] + ["7", "8.5"]
    assert said(*texts) == {"": "42 different texts, 1-10 characters"}
