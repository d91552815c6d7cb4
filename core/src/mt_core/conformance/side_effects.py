"""What a plugin does beside its work, seen in a new process: nothing of it was imported, made, read or cached before.

request.json    the plugin's package and what its manifest names; the settings of its tokenizer and its head
sources.pickle  copies of its files, and samples of its demo
effects.json    what it did while it was imported and made, and while it read
"""

from __future__ import annotations

import json
import os
import pickle
from contextlib import suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NamedTuple

from mt_core.conformance.check import Failed
from mt_core.conformance.fixture import WIDTH, PluginFixture, once
from mt_core.conformance.new_process import call_in_new_process
from mt_core.conformance.renamed import copied_sources
from mt_core.conformance.sandbox import SideEffectMonitor, SideEffects
from mt_core.contract import Tokenizer
from mt_core.contract.sources import or_raise
from mt_core.contract.task import task_from
from mt_core.errors import MtError
from mt_core.heads import default_head

_REQUEST, _SOURCES, _EFFECTS = "request.json", "sources.pickle", "effects.json"


class AllEffects(NamedTuple):
    """The side effects of importing and making a plugin, and those of reading.

    Attributes:
        problem: What making it, or reading, raised that is no error of ours; "" for nothing.
    """

    importing: SideEffects
    reading: SideEffects
    problem: str


def side_effects(plugin: PluginFixture) -> AllEffects:
    """The side effects of importing every module of the plugin, of making its tokenizer and its head, and of reading
    and preparing files of every suffix and the demo's test samples.

    Raises:
        Failed: it does not work in a new process.
    """
    effects = _side_effects(plugin)
    if isinstance(effects, str):
        raise Failed(f"importing and making it fails in a new process: {(effects.strip().splitlines() or [''])[-1]}")
    return effects


@once
def _side_effects(plugin: PluginFixture) -> AllEffects | str:
    folder = plugin.folder("import")
    request = {
        "package": plugin.package,
        "tokenizer": plugin.manifest.tokenizer,
        "options": plugin.tokenizer_options,
        "calibration": plugin.calibration,
        "head": plugin.manifest.head,
        "task": plugin.train.task.model_dump(mode="json"),
    }
    (folder / _REQUEST).write_text(json.dumps(request), encoding="utf-8")
    samples = [plugin.test[row].sample for row in range(len(plugin.test))]
    (folder / _SOURCES).write_bytes(pickle.dumps([*copied_sources(plugin), *samples]))
    if problem := call_in_new_process(__name__, folder):
        return problem
    written = json.loads((folder / _EFFECTS).read_text("utf-8"))
    return AllEffects(SideEffects(*written["importing"]), SideEffects(*written["reading"]), written["problem"])


def main(folder: Path) -> None:
    """Import, make and use the plugin that the request names, and write what was seen."""
    request = json.loads((folder / _REQUEST).read_text("utf-8"))
    temporary, work = folder / "temporary", folder / "work"
    for each in (temporary, work):
        each.mkdir()
    os.chdir(work)
    for variable in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):  # no cache of an earlier time is there
        os.environ[variable] = str(work)
    for variable in (
        "MPLCONFIGDIR",
        "NUMBA_CACHE_DIR",
        "TORCHINDUCTOR_CACHE_DIR",
    ):  # what these libraries keep is not the plugin's doing
        os.environ[variable] = str(temporary)
    monitor, problem = SideEffectMonitor(temporary), ""
    tokenizers: tuple[Tokenizer, Tokenizer] | None = None
    try:
        _import_all(request["package"])
        tokenizers = _made(request)
    except Exception as error:
        if not monitor.network:  # which was refused
            raise
        problem = _text_of(error)
    importing = monitor.effects(str(work.resolve()))
    os.chdir(work)
    monitor.network.clear()
    monitor.written.clear()
    try:
        if tokenizers is not None:
            _read_all(*tokenizers, pickle.loads((folder / _SOURCES).read_bytes()))
    except Exception as error:
        problem = _text_of(error)
    reading = monitor.effects(str(work.resolve()))
    effects = {"importing": [*vars(importing).values()], "reading": [*vars(reading).values()], "problem": problem}
    (folder / _EFFECTS).write_text(json.dumps(effects), encoding="utf-8")


def _import_all(package: str) -> None:
    """Import a package and all modules of it, except what needs a package that is not installed."""
    found = import_module(package)
    for module in walk_packages(getattr(found, "__path__", []), f"{package}.", onerror=lambda name: None):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):
                import_module(module.name)


def _made(request: dict[str, Any]) -> tuple[Tokenizer, Tokenizer]:
    """A tokenizer for reading and a calibrated one for preparing; a head is made too."""
    tokenizer_class, head = (_named(request[part]) for part in ("tokenizer", "head"))
    options = tokenizer_class.Options.parse(request["options"])
    reader, tokenizer = (tokenizer_class(WIDTH, options).eval() for _ in range(2))
    if request["calibration"]:
        tokenizer.restore(request["calibration"])
    default_head(WIDTH, task_from(request["task"]), head)
    return reader, tokenizer


def _read_all(reader: Tokenizer, tokenizer: Tokenizer, sources: list[Any]) -> None:
    for source in sources:
        with suppress(MtError):  # of a tokenizer that is calibrated for other columns
            for sample in islice(or_raise(reader.stream(source)), 1):
                tokenizer.prepare(sample)


def _named(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def _text_of(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
