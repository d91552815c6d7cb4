"""A plugin imported and made in a new process that watches it: nothing of it was imported before.

request.json    the plugin's package and what its manifest names; the tokenizer's and the head's settings
effects.json    what importing and making did beside that
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from mt_core.conformance.fixture import WIDTH, PluginFixture, once
from mt_core.conformance.new_process import call_in_new_process
from mt_core.conformance.sandbox import SideEffectMonitor, SideEffects
from mt_core.contract.task import task_from
from mt_core.heads import default_head

_REQUEST, _EFFECTS = "request.json", "effects.json"


@once
def import_effects(plugin: PluginFixture) -> SideEffects | str:
    """The side effects of importing every module of the plugin and of making its tokenizer and its head; or why that
    failed."""
    folder = plugin.folder("import")
    request = {
        "package": plugin.package,
        "tokenizer": plugin.manifest.tokenizer,
        "options": plugin.dataset_class.demo_options,
        "head": plugin.manifest.head,
        "task": plugin.train.task.model_dump(mode="json"),
    }
    (folder / _REQUEST).write_text(json.dumps(request), encoding="utf-8")
    if problem := call_in_new_process(__name__, folder):
        return problem
    return SideEffects(**json.loads((folder / _EFFECTS).read_text("utf-8")))


def main(folder: Path) -> None:
    """Import and make the plugin that the request names, and write what was seen."""
    request = json.loads((folder / _REQUEST).read_text("utf-8"))
    temporary, work = folder / "temporary", folder / "work"
    for each in (temporary, work):
        each.mkdir()
    os.chdir(work)
    monitor, directory = SideEffectMonitor(temporary), os.getcwd()
    try:
        _import_all(request["package"])
        tokenizer, head = (_named(request[part]) for part in ("tokenizer", "head"))
        tokenizer(WIDTH, tokenizer.Options.parse(request["options"]))
        default_head(WIDTH, task_from(request["task"]), head)
    except Exception:
        if not monitor.network:  # which was refused
            raise
    effects = monitor.effects(directory)
    (folder / _EFFECTS).write_text(json.dumps(vars(effects)), encoding="utf-8")


def _import_all(package: str) -> None:
    """Import a package and all modules of it, except what needs a package that is not installed."""
    found = import_module(package)
    for module in walk_packages(getattr(found, "__path__", []), f"{package}.", onerror=lambda name: None):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):
                import_module(module.name)


def _named(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)
