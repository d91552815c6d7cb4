"""The specimen: a whole plugin with every capability, installed for one test, whole or with one thing broken."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from mt_core.conformance import CHECKS, Result, SuiteRunner, sandbox
from mt_core.plugins import discovery, registry

SPECIMEN = Path(__file__).parent / "specimen"
PACKAGE = "src/mt_plugin_specimen"


class Change(NamedTuple):
    """One thing done to the specimen: in a file of its package (or, with "/", of its folder) a text is replaced.

    Attributes:
        file: "tokenizer.py", "plugin.toml", "/pyproject.toml", …
        old: What stands there exactly once; "" to write the whole file anew; with `new` None the file is removed.
        new: What stands there instead.
    """

    file: str
    old: str
    new: str | None


def result_of(name: str) -> Result:
    """Run one check on the specimen that is installed."""
    return SuiteRunner("specimen").run(next(check for check in CHECKS if check.name == name))


@pytest.fixture
def specimen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install the specimen as `pip install -e` does: `specimen(Change(...), ...)` gives its folder."""
    before = set(sys.modules)

    def install(*changes: Change) -> Path:
        root = tmp_path / "mt-plugin-specimen"
        shutil.copytree(SPECIMEN, root, ignore=shutil.ignore_patterns("__pycache__"))
        for change in changes:
            path = root / change.file[1:] if change.file.startswith("/") else root / PACKAGE / change.file
            if change.new is None:
                path.unlink()
            elif not change.old:
                path.write_text(change.new)
            else:
                text = path.read_text()
                assert text.count(change.old) == 1, f"{change.old!r} stands {text.count(change.old)} times in {path}"
                path.write_text(text.replace(change.old, change.new))
        site = tmp_path / "site"
        metadata = site / "mt_plugin_specimen-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mt-plugin-specimen\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[mt.plugins]\nspecimen = mt_plugin_specimen:plugin.toml\n")
        (metadata / "direct_url.json").write_text(json.dumps({"url": root.as_uri(), "dir_info": {"editable": True}}))
        for folder in (root / "src", site):
            monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", f"{root / 'src'}:{site}")  # for the processes that checks start
        monkeypatch.setattr(registry, "discover", partial(discovery.discover, [str(site)]))
        registry.reset()
        return root

    for variable in ("MT_PLUGINS", "MT_NO_PLUGINS", "MT_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(sandbox, "TIME_LIMIT_S", 2.0)  # the specimen needs milliseconds
    yield install
    registry.reset()
    for name in set(sys.modules) - before:
        if name.startswith("mt_plugin_specimen"):
            del sys.modules[name]
