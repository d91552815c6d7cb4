"""A toy modality with hooks of the test's own, and what users do with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mt_core as mt
from mt_core.cli import main
from mt_core.encoder import Encoder
from mt_core.plugins import discovery, get, registry

SEEN_IN = {
    "mt_tokenize": "embed",
    "mt_encode": "embed",
    "mt_predict": "predict",
    "mt_metrics": "evaluate",
    "mt_session_start": "embed_files",
    "mt_session_finish": "evaluate",
    "mt_step_end": "fit",
    "mt_doctor_lines": "doctor",
    "mt_register_encoders": "load",
}
"""The work in which users meet a hook."""


@pytest.fixture
def hooked(toy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    r"""Let the toy modality, or another that is the same, have these hooks; such modalities are all that is installed.

    hooked("@hookimpl\ndef mt_step_end(step): ...")
    """
    toy_found = next(found for found in discovery.discover() if found.name == "toy")
    installed: dict[str, discovery.PluginMetadata] = {}
    monkeypatch.setattr(registry, "discover", lambda: tuple(installed.values()))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def install(code: str = "", modality: str = "toy") -> ModuleType:
        module = ModuleType(f"{modality}_hooks")
        exec(f"import torch\nfrom mt_core.hooks import hookimpl\nseen = []\n{code}", module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        raw = {**toy_found.raw, "name": modality, "hooks": module.__name__}
        installed[modality] = replace(toy_found, name=modality, raw=raw)
        registry.reset()
        return module

    return install


class Work:
    """What a user does with the toy modality."""

    series = np.linspace(-1, 1, 16, dtype=np.float32)

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self.encoder = encoder
        self.folder = folder

    def demo(self, split: str = "train", size: int = 16) -> Any:
        return get("toy").dataset.demo(split, size=size)

    def model(self, **options: Any) -> mt.MetaTransformer:
        return mt.load("toy", encoder=self.encoder, **options)

    def fit(self, model: mt.MetaTransformer | None = None, **settings: Any) -> Any:
        quick = {"epochs": 1, "batch_size": 8, "num_workers": 0, "lr": 1e-2}
        model = self.model() if model is None else model
        return mt.fit(model, self.demo(), self.demo("val", size=8), **{**quick, **settings})

    def fitted(self) -> mt.MetaTransformer:
        model = self.model()
        self.fit(model)
        return model

    def evaluate(self) -> dict[str, float]:
        return mt.evaluate(self.fitted(), self.demo("test", size=8), num_workers=0)

    def predict(self) -> list[dict[str, Any]]:
        return mt.predict(self.fitted(), [self.series])

    def embed(self, **options: Any) -> np.ndarray:
        return mt.embed(self.model(**options), [self.series])

    def embed_files(self) -> Any:
        np.save(self.folder / "series.npy", self.series)
        return mt.embed_files(self.model(), [self.folder / "series.npy"], self.folder / "v.parquet", num_workers=1)

    def doctor(self) -> int:
        return main(["doctor"])

    def load(self) -> mt.MetaTransformer | None:
        """With an encoder of the plugin's; None where it has none of that name."""
        try:
            return mt.load("toy", encoder="lab/own")
        except mt.EncoderError:
            return None

    def meeting(self, hook: str) -> Any:
        """The work in which users meet this hook."""
        return getattr(self, SEEN_IN[hook])()


@pytest.fixture
def work(small_encoder: Encoder, tmp_path: Path) -> Work:
    return Work(small_encoder, tmp_path)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What users were told of failing hooks so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == "mt_core.plugins"]
