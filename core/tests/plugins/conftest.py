"""Distributions made on the spot, installed into a folder of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from mt_core.plugins import discovery, registry

MANIFEST = """
contract = "{contract}"
name = "{name}"
summary = "Waves on a string"
tokenizer = "{package}.tokenizer:WaveTokenizer"
dataset = "{package}.dataset:WaveDataset"
head = "{package}.head:WaveHead"
suffixes = [".wave"]
capabilities = ["variable_length"]
"""

MODALITY = {
    "__init__.py": '"""Waves."""',
    "tokenizer.py": """
import torch
from mt_core.contract import Tokenizer, Tokens

class WaveTokenizer(Tokenizer):
    def __init__(self, width, options=None):
        super().__init__(width, options)
        self.project = torch.nn.Linear(4, width)

    def read(self, source):
        return torch.as_tensor(source)

    def prepare(self, sample, generator=None):
        return {"patches": sample.reshape(-1, 4)}

    def forward(self, batch):
        return Tokens(self.project(batch["patches"]))
""",
    "dataset.py": """
from mt_core.contract import ModalityDataset

class WaveDataset(ModalityDataset):
    layouts = {"wave folder": "files of one wave each"}
""",
    "head.py": """
from mt_core.contract import Head

class WaveHead(Head):
    kinds = ("classification",)
""",
}


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        name: str = "waves",
        *,
        distribution: str = "",
        package: str = "",
        version: str = "1.0",
        contract: str = "1.0",
        entry: str = "",
        more: str = "",
        files: Mapping[str, str | None] | None = None,
    ) -> Path:
        """Install a whole plugin, with some of its files replaced, added, or (None) left out; gives its package."""
        distribution = distribution or f"fake-{name}"
        package = package or distribution.replace("-", "_")
        metadata = self.folder / f"{package}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        declared = entry or f"{name} = {package}:plugin.toml"
        (metadata / "entry_points.txt").write_text(f"[mt.plugins]\n{declared}\n")
        manifest = MANIFEST.format(contract=contract, name=name, package=package) + more
        content = {**MODALITY, "plugin.toml": manifest, **(files or {})}
        for file, text in content.items():
            if text is not None:
                path = self.folder / package / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        return self.folder / package


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place to install plugins into, the only one that is looked at; with no settings of the user's."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(registry, "discover", partial(discovery.discover, [str(folder)]))
    for variable in ("MT_PLUGINS", "MT_NO_PLUGINS", "MT_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    before = set(sys.modules)
    registry.reset()
    yield Site(folder)
    registry.reset()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Where the user's settings are looked for; the test writes them."""
    path = tmp_path / "config" / "mt" / "settings.toml"
    path.parent.mkdir(parents=True)
    return path
