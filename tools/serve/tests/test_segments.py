"""Runs that label the steps of recordings answer as mt predict does: with the segments of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mt_core as mt
from mt_core.contract import Segmentation
from mt_core.training.run import describe_model, save_weights
from mt_core.training.run_record import FORMAT, write_record


def table(rows: int, seed: int) -> bytes:
    times = np.datetime64("2024-01-01 00:00") + np.arange(rows)
    values = np.random.default_rng(seed).normal(size=rows)
    lines = [f"{str(time).replace('T', ' ')}:00,{value:.4f}" for time, value in zip(times, values, strict=True)]
    return "\n".join(["time,x", *lines, ""]).encode()


@pytest.fixture(scope="module")
def states(tmp_path_factory) -> Path:
    """A run whose head is as it was drawn, and says of each step whether it is on, off or idle."""
    folder = tmp_path_factory.mktemp("states") / "states"
    model = mt.load("timeseries", purpose="train", labels="steps", lookback=32, encoder="none/vit_tiny_patch16_224")
    model.tokenizer.restore({"channels": ["x"]})
    model.attach_head(Segmentation(classes=("off", "on", "idle")))
    folder.mkdir()
    save_weights(model, folder, 1)
    rest = {"recipe": {"tune": "frozen"}, "data": {"source": "rows of a test", "options": None}}
    write_record(folder, {**describe_model(model), **rest, "format": FORMAT, "status": "complete"})
    return folder


def test_each_recording_has_one_answer_with_its_segments(states, tmp_path):
    from starlette.testclient import TestClient

    from mt_serve.app import create_app
    from mt_serve.runs import load_runs

    tables = {"a.csv": table(700, 1), "b.csv": table(90, 2)}  # the first of more windows than go through together
    for name, content in tables.items():
        (tmp_path / name).write_bytes(content)
    runs = load_runs([str(states)])
    expected = mt.predict(runs.choose(None).model, [str(tmp_path / name) for name in tables])
    with TestClient(create_app(runs)) as client:
        answer = client.post("/predict", files=[("file", each) for each in tables.items()]).json()
    found = answer["predictions"]
    assert [(each["source"], each["row"], each["time"]) for each in found] == [
        ("a.csv", 0, "date"),
        ("b.csv", 0, "date"),
    ]
    for mine, theirs in zip(found, expected, strict=True):
        assert [(each["start"], each["end"], each["class"]) for each in mine["prediction"]] == [
            (each["start"], each["end"], each["class"]) for each in theirs["prediction"]
        ]
        assert mine["text"].startswith(f"{mine['prediction'][0]['class']} 2024-01-01 00:00:00 to ")
    assert found[0]["prediction"][-1]["end"] == "2024-01-01 11:40:00"  # 700 minutes
