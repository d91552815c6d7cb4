import os
import signal

import numpy as np
import pytest

import mt_core as mt
from mt_core.data.calibration import calibrate
from mt_core.errors import InputError
from mt_core.plugins import get

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def dataset(tmp_path):
    """Eight series in files, of which the third ends the process that reads it."""
    found = get("toy").dataset.demo(size=8)
    for number, sample in enumerate(found.samples):
        found.samples[number] = tmp_path / f"{number}.npy"
        np.save(found.samples[number], sample)
    return found


@pytest.fixture
def tokenizer(small_encoder, monkeypatch):
    tokenizer_class = get("toy").tokenizer
    read = tokenizer_class.read

    def harmful(self, source):
        if str(source).endswith("2.npy"):
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, source)

    monkeypatch.setattr(tokenizer_class, "read", harmful)
    return mt.load("toy", encoder=small_encoder).tokenizer


def learn(tokenizer, monkeypatch, wanted):
    """What a calibration finds that reads these of its examples."""
    found = []

    def calibrate_on(self, examples):
        found.extend(self.read(example.sample).shape for number, example in enumerate(examples) if number in wanted)

    monkeypatch.setattr(type(tokenizer), "calibrate", calibrate_on)
    return found


def settings(**more):
    return {"seed": 0, "num_workers": 1, "seconds_a_sample": 60.0, "skip_unreadable": False, **more}


def test_only_what_the_tokenizer_asks_for_is_read(tokenizer, dataset, monkeypatch):
    found = learn(tokenizer, monkeypatch, {0, 7})
    calibrate(tokenizer, dataset, **settings())
    assert found == [np.load(dataset.samples[number]).shape for number in (0, 7)]
    assert "read" not in vars(tokenizer)


def test_a_file_that_ends_its_reader_is_named(tokenizer, dataset, monkeypatch):
    learn(tokenizer, monkeypatch, {0, 2})
    with pytest.raises(InputError, match=r"2\.npy ended the process that read it \(signal SIGKILL\)"):
        calibrate(tokenizer, dataset, **settings())
    assert "read" not in vars(tokenizer)


def test_such_a_file_is_left_out_where_that_is_asked_for(tokenizer, dataset, monkeypatch):
    found = learn(tokenizer, monkeypatch, set(range(8)))
    calibrate(tokenizer, dataset, **settings(skip_unreadable=True))
    assert found[-7:] == [np.load(path).shape for path in dataset.samples if path.name != "2.npy"]
