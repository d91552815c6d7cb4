"""A source of many samples goes on behind one that cannot be read, and keeps their numbers."""

import pytest

import mt_core as mt
from mt_core.data import sources as reading
from mt_core.data.batches import gather
from mt_core.data.sources import read_sources
from mt_core.errors import InputError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def tokenizer(monkeypatch):
    """Of a text a sample is a letter: b cannot be read, u cannot be used, and x ends the source."""
    tokenizer = mt.load("toy", encoder="random/test_vit").tokenizer

    def stream(source):
        for letter in source:
            if letter == "x":
                raise InputError(f"{source}: damaged from here", fix="copy it again")
            yield InputError(f"record {letter}", fix="mend it") if letter == "b" else letter

    def prepare(sample, generator=None):
        if sample == "u":
            raise InputError("cannot be used", fix="leave it out")
        return {"letter": sample}

    monkeypatch.setattr(tokenizer, "stream", stream)
    monkeypatch.setattr(tokenizer, "prepare", prepare)
    return tokenizer


def told(reads):
    """Of each sample its source and row, and each problem."""
    batch = next(gather(reads, 1000))
    return [(place.source, place.row) for place in batch.places], [error.problem for _, error in batch.failed]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_what_cannot_be_read_or_used_is_told_and_the_others_keep_their_numbers(tokenizer, num_workers):
    places, problems = told(read_sources(tokenizer, ["abcu", "ba"], num_workers))
    assert places == [(0, 0), (0, 2), (1, 1)]
    assert problems == ["abcu: record b", "abcu: cannot be used", "ba: record b"]


def test_an_error_that_is_raised_still_ends_its_source(tokenizer):
    assert told(read_sources(tokenizer, ["axa"], 0)) == ([(0, 0)], ["axa: damaged from here"])


def test_what_was_told_before_the_place_to_go_on_from_is_not_told_again(tokenizer):
    assert told(read_sources(tokenizer, ["bbab"], 0, first=(0, 2))) == ([(0, 2)], ["bbab: record b"])


def test_a_source_of_nothing_but_bad_records_is_given_up(tokenizer, monkeypatch):
    monkeypatch.setattr(reading, "REFUSED_IN_A_ROW", 3)
    places, problems = told(read_sources(tokenizer, ["bbabbbba"], 0))
    assert places == [(0, 2)] and len(problems) == 5
    assert (
        problems[-1] == "bbabbbba: 3 samples in a row cannot be read, the rest is not tried; the last of them: record b"
    )
