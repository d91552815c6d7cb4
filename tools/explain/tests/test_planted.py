"""Evidence that was planted is found: what tells two classes apart lies in one known part of each sample."""

import warnings

import numpy as np
import pytest

import mt_core as mt
from mt_explain import explain

pytestmark = pytest.mark.slow

WORDS = "the day we went to see a house by river and some people were there with it".split()


def pictures(random, is_second):
    """A red or a blue square in one of sixteen patches of grey noise."""
    picture = random.integers(90, 130, (64, 64, 3)).astype(np.uint8)
    row, column = random.integers(0, 4, 2)
    top, left = 16 * row, 16 * column
    picture[top + 2 : top + 14, left + 2 : left + 14] = [(230, 20, 20), (20, 20, 230)][is_second]
    return picture, {"x": left + 8, "y": top + 8}


def rows(random, is_second):
    """Six numbers, of which one is above or below zero."""
    row = dict(zip("abcdef", random.normal(size=6).tolist(), strict=True))
    row["d"] = (abs(row["d"]) + 0.3) * (1 if is_second else -1)
    return row, "d"


def texts(random, is_second):
    """One word of praise or blame among eight that say nothing."""
    word = ["awful", "wonderful"][is_second]
    words = random.choice(WORDS, 8).tolist()
    words.insert(int(random.integers(0, 9)), word)
    return " ".join(words), word


def series(random, is_second):
    """A bump up or down in noise."""
    values = random.normal(0, 0.3, 160).astype(np.float32)
    start = int(random.integers(16, 136))
    values[start : start + 8] += 4 if is_second else -4
    return values[:, None], {"time": start + 4 - 159}


def sounds(random, is_second):
    """A short tone, low or high, in noise."""
    seconds = np.arange(16000) / 16000
    start = float(random.uniform(0.1, 0.8))
    is_on = (seconds > start) & (seconds < start + 0.12)
    samples = 0.01 * random.normal(size=16000)
    samples[is_on] += 0.5 * np.sin(2 * np.pi * (600 if is_second else 2500) * seconds[is_on])
    return {"array": samples.astype(np.float32), "sampling_rate": 16000}, {"time": start + 0.06}


def is_found(region, place):
    if isinstance(place, str):
        return region.name == place
    spans = {span.axis: span for span in region.spans}
    return all(spans[axis].low <= at <= spans[axis].high for axis, at in place.items())


@pytest.mark.parametrize(
    ("name", "make", "count", "options"),
    [
        ("image", pictures, 48, {}),
        ("tabular", rows, 160, {"number_embedding": "periodic"}),
        ("text", texts, 48, {}),
        ("timeseries", series, 48, {"lookback": 160}),
        ("audio", sounds, 48, {"view": "tokens", "stem": "patch", "patch": 32, "stride": 32}),
    ],
)
def test_the_strongest_part_is_where_the_evidence_was_planted(name, make, count, options):
    random = np.random.default_rng(0)
    made = [make(random, number % 2) for number in range(count + 8)]
    samples, places = [sample for sample, _ in made], [place for _, place in made]
    labels = [["first", "second"][number % 2] for number in range(count + 8)]
    model = mt.load(name, purpose="train", **options)
    last = count * 3 // 4
    val = (samples[last:count], labels[last:count])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the view that training would take
        mt.fit(model, samples[:last], labels[:last], val=val, tune="probe", num_workers=0)
    strongest = [explanation.strongest(1)[0].region for explanation in explain(model, samples[count:])]
    found = [is_found(region, place) for region, place in zip(strongest, places[count:], strict=True)]
    assert sum(found) >= 6, f"{sum(found)} of {len(found)}"
