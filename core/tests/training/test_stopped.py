"""A run that did not come to its end: what it has can be used, and it says how far it came."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import mt_core as mt
from mt_core.plugins import get
from mt_core.training.module import TrainingModule
from mt_core.training.run import kept_epoch
from mt_core.training.run_record import read_history

pytestmark = pytest.mark.usefixtures("toy")
SETTINGS = {"epochs": 6, "batch_size": 8, "lr": 1e-2, "num_workers": 0}


def demo(split="train", size=40):
    return get("toy").dataset.demo(split, size=size)


def slow(monkeypatch, *, step=0.0, validation=0.0):
    """Each step and each batch of a validation takes so many seconds."""
    for name, seconds in (("training_step", step), ("validation_step", validation)):
        own = getattr(TrainingModule, name)

        def slowed(self, batch, index, own=own, seconds=seconds):
            time.sleep(seconds)
            return own(self, batch, index)

        monkeypatch.setattr(TrainingModule, name, slowed)


def test_a_run_that_was_interrupted_predicts_with_its_best_epoch_so_far(small_encoder, tmp_path, monkeypatch):
    own = TrainingModule.training_step

    def stopping(self, batch, index):
        if self.global_step == 3 * 5 + 2:
            raise KeyboardInterrupt
        return own(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", stopping)
    with pytest.raises(KeyboardInterrupt, match="until then it predicts with epoch"):
        mt.fit(mt.load("toy", encoder=small_encoder), demo(), demo("val", 16), out=tmp_path / "run", **SETTINGS)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["status"], record["stopped_after"]) == ("stopped", 3)
    model = mt.load_run(tmp_path / "run", encoder=small_encoder)
    assert f"stopped after 3 of 6 epochs: the weights are those of epoch {record['kept_epoch']}" in model.provenance
    measured = mt.evaluate(model, demo("val", 16))
    assert measured["accuracy"] == pytest.approx(record["val_metrics"]["accuracy"])
    assert measured["loss"] == pytest.approx(record["val_metrics"]["loss"])
    assert len(mt.embed(model, [demo()[0].sample])) == len(mt.predict(model, [demo()[0].sample])) == 1


def test_the_time_that_is_left_counts_the_validation(small_encoder, tmp_path, monkeypatch):
    mt.fit(mt.load("toy", encoder=small_encoder), demo(), demo("val", 16), **{**SETTINGS, "epochs": 1})  # imports
    slow(monkeypatch, step=0.05, validation=0.8)
    began = time.monotonic()
    model = mt.load("toy", encoder=small_encoder)
    result = mt.fit(model, demo(), demo("val", 16), out=tmp_path / "run", **SETTINGS, max_minutes=4 / 60)
    assert time.monotonic() - began < 5.3  # an epoch takes .25 s and its validation 1.6 s
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "stopped"
    assert record["stopped_after"] == result.stopped_after == result.history[-1]["epoch"] < 6
    assert record["kept_epoch"] == kept_epoch(tmp_path / "run")
    assert "stopped after" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.slow
def test_an_epoch_that_was_stopped_is_recorded_with_its_fraction_and_repeated(small_encoder, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        slow(patch, step=0.5)
        stopped = mt.fit(
            mt.load("toy", encoder=small_encoder),
            demo(),
            demo("val", 16),
            out=tmp_path / "run",
            **SETTINGS,
            max_minutes=4.5 / 60,
        )
    assert stopped.stopped_after in (1.2, 1.4, 1.6, 1.8)
    resumed, undisturbed = (mt.load("toy", encoder=small_encoder) for _ in range(2))
    again = mt.fit(resumed, demo(), demo("val", 16), out=tmp_path / "run", resume=True, **SETTINGS)
    expected = mt.fit(undisturbed, demo(), demo("val", 16), out=tmp_path / "whole", **SETTINGS)
    assert [row["epoch"] for row in again.history] == [1, 2, 3, 4, 5, 6]
    assert again.metrics == expected.metrics
    kept = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("run", "whole")]
    assert kept[0] == kept[1]


@pytest.mark.slow
def test_a_run_that_was_killed_embeds_with_what_it_had(small_encoder_file, tmp_path):
    code = f"""
import mt_core as mt
from mt_core.plugins import get
dataset = get("toy").dataset
model = mt.load("toy", encoder={str(small_encoder_file)!r})
mt.fit(model, dataset.demo(size=40), dataset.demo("val", size=16), out={str(tmp_path / "run")!r}, epochs=100000,
       batch_size=8, num_workers=0)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        while len(read_history(tmp_path / "run")) < 3:
            assert process.poll() is None
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    model = mt.load_run(tmp_path / "run", encoder=small_encoder_file)
    assert "of 100000 epochs" in model.provenance
    assert np.isfinite(mt.embed(model, [demo()[0].sample])).all()
