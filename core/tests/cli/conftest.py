"""Plugins made in memory, and the command line run within the test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

import pytest

from mt_core.plugins import commands, registry
from mt_core.plugins.discovery import PluginMetadata


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def mt(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command: `mt("list", "--json")`."""
    from mt_core.cli import main

    def run(*arguments: str) -> Ran:
        code = main(arguments)
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Let these plugins be all that is found, and no command: `install(PluginMetadata(...), ...)`."""
    for variable in ("MT_PLUGINS", "MT_NO_PLUGINS", "MT_CONFIG", "MT_DEBUG"):
        monkeypatch.setenv(variable, "")  # set first, so that what a command sets is undone as well
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def install(*plugins: PluginMetadata) -> None:
        monkeypatch.setattr(registry, "discover", lambda: plugins)
        registry.reset()

    monkeypatch.setattr(commands, "discover_commands", lambda own: ())
    install()
    yield install
    registry.reset()


@pytest.fixture
def waves(monkeypatch: pytest.MonkeyPatch) -> PluginMetadata:
    """A whole plugin, in the module `fake_waves`."""
    from pydantic import Field
    from torch import nn

    from mt_core.contract import Head, ModalityDataset, Options, Tokenizer

    class WaveOptions(Options):
        patch: int = Field(default=4, description="Samples in a patch.")
        window: Literal["hann", "none"] = Field(default="hann", description="Shape of the [window].")
        rate_hz: float | None = Field(default=None, description="Sampling rate.")

    class WaveTokenizer(Tokenizer):
        Options = WaveOptions
        sample_limits = "at least 4 numbers"

        def __init__(self, width: int, options: Any = None) -> None:
            super().__init__(width, options)
            self.project = nn.Linear(4, width)
            self.fixed = nn.Parameter(self.project.weight.detach().clone(), requires_grad=False)

    class WaveDatasetOptions(Options):
        fold: int = Field(default=1, ge=1, le=5, description="Which is the test.")

    class WaveDataset(ModalityDataset):
        Options = WaveDatasetOptions
        layouts = {"wave folder": "files of one wave each"}  # noqa: RUF012

    class WaveHead(Head):
        kinds = ("classification", "regression")

    module = ModuleType("fake_waves")
    module.__dict__.update(WaveTokenizer=WaveTokenizer, WaveDataset=WaveDataset, WaveHead=WaveHead)
    monkeypatch.setitem(sys.modules, "fake_waves", module)
    manifest = {
        "contract": "1.0",
        "name": "waves",
        "summary": "Waves on a string",
        "tokenizer": "fake_waves:WaveTokenizer",
        "dataset": "fake_waves:WaveDataset",
        "head": "fake_waves:WaveHead",
        "suffixes": [".wave", ".wav"],
        "capabilities": ["variable_length", "needs_calibration"],
    }
    return PluginMetadata("waves", "fake-waves", "1.0", Path("plugin.toml"), manifest)
