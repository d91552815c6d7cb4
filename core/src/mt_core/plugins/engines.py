"""Engines that other distributions bring, to embed on many machines: found by metadata and TOML, imported when used.

A distribution declares them by an entry point of the group `mt.engines` whose value is "package:engines.toml"; that
file has a table for each engine:

    [ray]
    summary = "On a Ray cluster."
    engine = "mt_ray.engine:RayEngine"     # makes a `mt_core.embedding.engine.Engine`

The user's settings hold for engines as for commands and modalities.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mt_core.errors import ContractError, OptionError, PluginError, did_you_mean
from mt_core.plugins.claims import choose, settle
from mt_core.plugins.distributions import Damaged, Declaration, Metadata, declarations, in_one_line, read_toml
from mt_core.plugins.importing import import_from
from mt_core.plugins.official import OFFICIAL_ENGINES
from mt_core.plugins.settings import read_settings

GROUP = "mt.engines"


@dataclass(frozen=True)
class EngineMetadata(Metadata):
    """An engine as its distribution declares it."""


def list_engines(search: Sequence[str] | None = None) -> tuple[EngineMetadata, ...]:
    """Every engine that an installed distribution declares, with its state under the user's settings. Imports none.

    Args:
        search: Folders to look for distributions in; by default `sys.path`.
    """
    found = [engine for entry in declarations(GROUP, "package:engines.toml", search) for engine in _declared(entry)]
    return settle(found, read_settings(), OFFICIAL_ENGINES, "engine")


def load_engine(name: str, search: Sequence[str] | None = None) -> Callable[..., Any]:
    """What makes the engine of this name, imported.

    Raises:
        OptionError: nobody's name.
        PluginError: one of ours that is not installed, or code that cannot be imported; see `claims.choose`.
    """
    everything = list_engines(search)
    found = choose(name, everything, "engine")
    if found is None and name in OFFICIAL_ENGINES:
        raise PluginError(f"the engine {name} is not installed", fix=f"pip install {OFFICIAL_ENGINES[name]}")
    if found is None:
        known = [*OFFICIAL_ENGINES, *(engine.name for engine in everything)]
        raise OptionError(f"there is no engine {name!r}{did_you_mean(name, known)}", fix=f"one of {', '.join(known)}")
    module, _, attribute = found.raw["engine"].partition(":")
    make: object = getattr(import_from(found, module), attribute, None)
    if not callable(make):
        raise ContractError(
            f"{found}: the engine {name}, {found.raw['engine']}, cannot be called",
            fix=f"pip install -U {found.distribution}, or report it to its authors",
        )
    return make


def _declared(entry: Declaration) -> Iterator[EngineMetadata]:
    path = None
    try:
        path = entry.locate()
        tables = read_toml(path, entry.distribution)
        for name, table in tables.items():
            reference = table.get("engine") if isinstance(table, dict) else None
            if not isinstance(reference, str) or not re.fullmatch(r"\w+(\.\w+)*:\w+", reference):
                raise Damaged(
                    f'{path}: {name} has no engine = "module:name"', f"ask the authors of {entry.distribution}"
                )
    except Damaged as damage:
        name = in_one_line(entry.name)[:32]
        yield EngineMetadata(name, entry.distribution, entry.version, path, {}, "broken", *damage.args)
        return
    for name, table in tables.items():
        yield EngineMetadata(name, entry.distribution, entry.version, path, table)
