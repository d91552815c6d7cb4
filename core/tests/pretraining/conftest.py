"""Runs small enough for a second: one block, four tokens, and nothing to score on unless a test asks for it."""

import signal

import pytest

from mt_core.pretraining import objective, running

TINY = {"depth": 1, "size": 32, "batch_size": 8, "categories": 8}


@pytest.fixture
def tiny():
    return dict(TINY)


@pytest.fixture
def unscored(monkeypatch):
    monkeypatch.setattr(running, "open_pictures", lambda folders, size: [])


@pytest.fixture
def ctrl_c_at(monkeypatch):
    """A function: Ctrl-C is pressed while the pictures of a step are drawn, once each."""
    drawing, steps = objective.draw, []

    def draw(seed, step, **options):
        if step in steps:
            steps.remove(step)
            signal.raise_signal(signal.SIGINT)
        return drawing(seed, step, **options)

    monkeypatch.setattr(objective, "draw", draw)
    return steps.append
