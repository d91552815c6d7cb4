"""Batches by chunks are those of all sources, in order; what is missing or doubled on the way is noticed."""

from itertools import chain

import numpy as np
import pytest
import torch

from mt_core.data.batches import gather
from mt_core.data.messages import from_bytes, to_bytes
from mt_core.data.sources import read_sources
from mt_core.errors import EmbeddingError, InputError
from mt_ray.chunks import BATCHES_A_CHUNK, chunks_of, read_chunk
from mt_ray.order import Order

READING = {"num_workers": 0}


class Counting:
    """Source "3" holds three samples, "-1" cannot be read."""

    def stream(self, source):
        if source == "-1":
            raise InputError("it is bad", fix="none")
        return iter(range(int(source)))

    def prepare(self, sample):
        return {"value": torch.tensor(sample)}


def batches(sources, first=(0, 0), batch_size=2):
    pieces = [
        [from_bytes(to_bytes(piece)) for piece in read_chunk(Counting(), chunk, batch_size, READING)]
        for chunk in chunks_of(sources, first, batch_size)
    ]
    order = Order(len(pieces))
    for piece in chain(*pieces):
        order.take(piece.chunk, piece.turn, piece.is_last)
    order.finish()
    return [piece.batch for piece in chain(*pieces)]


def places(found):
    return [(place.source, place.row) for batch in found for place in batch.places]


def test_of_sources_with_a_sample_each_batches_are_those_of_one_machine():
    sources = ["1"] * 21
    alone = list(gather(read_sources(Counting(), sources, 0), 2))
    found = batches(sources)
    assert [batch.places for batch in found] == [batch.places for batch in alone]
    assert found[-1].next == (21, 0) and len(chunks_of(sources, (0, 0), 2)) > 21 // (2 * BATCHES_A_CHUNK)


def test_sources_of_any_number_of_samples_keep_their_order_and_their_failures():
    random = np.random.default_rng(0)
    sources = [str(number) for number in random.integers(-1, 5, size=60)]
    alone = list(gather(read_sources(Counting(), sources, 0), 2))
    found = batches(sources)
    assert places(found) == places(alone)
    assert [at for batch in found for at, _ in batch.failed] == [at for at, each in enumerate(sources) if each == "-1"]


@pytest.mark.parametrize("first", [(0, 3), (2, 0), (5, 2), (9, 0)])
def test_work_goes_on_from_a_source_and_a_row(first):
    sources = ["4"] * 12
    assert places(batches(sources, first)) == [place for place in places(batches(sources)) if place >= first]


def test_a_chunk_without_a_sample_is_a_batch_without_any():
    found = batches(["0"] * 9)
    assert [len(batch.places) for batch in found] == [0, 0] and found[-1].next == (9, 0)


def test_what_is_on_its_way_keeps_its_numbers():
    (batch,) = batches(["2"])
    assert [item["value"].item() for item in batch.items] == [0, 1]


@pytest.mark.parametrize("came", [[(0, 1, True)], [(0, 0, False), (0, 0, False)], [(0, 0, True), (2, 0, True)]])
def test_a_batch_that_is_missing_or_doubled_is_noticed(came):
    order = Order(3)
    with pytest.raises(EmbeddingError, match="in place of batch"):
        for place in came:
            order.take(*place)


def test_chunks_that_do_not_come_are_noticed():
    order = Order(3)
    order.take(0, 0, True)
    with pytest.raises(EmbeddingError, match="1 of 3 chunks"):
        order.finish()
