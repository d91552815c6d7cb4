"""Runs small enough for a second: one block, four tokens, and nothing to score on unless a test asks for it."""

import signal

import pytest

from mt_pretrain import objective, running

TINY = {"depth": 1, "size": 32, "batch_size": 8, "categories": 8}


@pytest.fixture
def tiny():
    return dict(TINY)


@pytest.fixture
def unscored(monkeypatch):
    monkeypatch.setattr(running, "open_pictures", lambda folders, size: [])


@pytest.fixture
def signal_at(monkeypatch):
    """A function of step and signal: it comes while the pictures of that step are drawn, once each."""
    drawing, coming = objective.draw, {}

    def draw(seed, step, **options):
        if step in coming:
            signal.raise_signal(coming.pop(step))
        return drawing(seed, step, **options)

    monkeypatch.setattr(objective, "draw", draw)
    return coming.__setitem__
