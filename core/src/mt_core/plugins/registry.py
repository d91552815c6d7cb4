"""Who answers for a modality: `get` checks, imports and gives its plugin; everything else is known without importing.

Installing a plugin trusts its code as installing any package does; but nothing of it runs until its modality is asked
for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt_core import hooks
from mt_core.errors import ContractError, UnknownModalityError, nearest_name
from mt_core.plugins.claims import choose, settle
from mt_core.plugins.discovery import PluginMetadata, discover
from mt_core.plugins.importing import import_from
from mt_core.plugins.official import COMPOSING_INSTALL, OFFICIAL, install_line, official_distribution
from mt_core.plugins.settings import read_settings

if TYPE_CHECKING:
    from mt_core.contract import AnyTask, Baseline, Head, ModalityDataset, Tokenizer
    from mt_core.plugins.manifest import Manifest


@dataclass(frozen=True)
class Plugin:
    """The code of one modality, imported and checked.

    Attributes:
        name: The modality.
        manifest: What its `plugin.toml` says.
        distribution: What it was installed as.
        version: The distribution's.
        tokenizer: Made as `tokenizer(width, options)`.
        dataset: Opened as `dataset.open(root, split)` or `dataset.demo(split)`.
        head: The head used where the user names none.
        pictures: Writes what can be seen of a source's predictions, or None; called as
            `pictures(source, records, task, folder)`, it returns the files it wrote.
        baseline: Classical features that results are held against, made as `baseline(tokenizer)`; or None.
    """

    name: str
    manifest: Manifest
    distribution: str
    version: str
    tokenizer: type[Tokenizer]
    dataset: type[ModalityDataset]
    head: type[Head]
    pictures: Callable[[Any, Sequence[dict[str, Any]], AnyTask, Path], list[Path]] | None = None
    baseline: type[Baseline] | None = None


@dataclass(frozen=True)
class _Registry:
    found: tuple[PluginMetadata, ...]
    loaded: dict[str, Plugin] = field(default_factory=dict)


@cache
def _registry() -> _Registry:
    official = {modality: official_distribution(modality) for modality in OFFICIAL}
    return _Registry(settle(discover(), read_settings(), official, "modality"))


def reset() -> None:
    """Forget what is installed, what the user allows, what is loaded and whose hooks are in use."""

    _registry.cache_clear()
    hooks.reset()


def list_plugins() -> tuple[PluginMetadata, ...]:
    """Every installed plugin with its state under the user's settings. Imports no plugin.

    Raises:
        OptionError: a settings file that cannot be understood.
    """
    return _registry().found


def list_modalities() -> tuple[str, ...]:
    """The modalities that can be asked for, without what is made of several of them."""
    return tuple(plugin.name for plugin in list_plugins() if plugin.state == "installed" and not plugin.composes)


def composing() -> PluginMetadata:
    """The plugin whose samples are made of inputs of other modalities, not imported.

    Raises:
        UnknownModalityError: none is installed.
    """
    found = [plugin for plugin in list_plugins() if plugin.composes]
    if not found:
        raise UnknownModalityError("several modalities at once need a tool that is not installed", COMPOSING_INSTALL)
    return find(found[0].name)


def get(name: str) -> Plugin:
    """The plugin of a modality, imported when it is first asked for.

    Raises:
        UnknownModalityError: no plugin has this name; the fix is the nearest name or the line that installs it.
        DisabledPluginError: switched off by the user.
        ConflictError: several distributions claim the name, and the user prefers none.
        ContractError: a manifest, a contract version, a class or a hook that is not as the contract says.
        PluginError: its code cannot be imported.
    """
    registry = _registry()
    if name not in registry.loaded:
        registry.loaded[name] = _load(find(name))
    return registry.loaded[name]


def find(name: str) -> PluginMetadata:
    """What is known of a modality's plugin without importing it.

    Raises:
        PluginError: as `get`, as far as it can be told so.
    """
    found = list_plugins()
    plugin = choose(name, found, "modality")
    if plugin is None:
        raise _unknown(name, found)
    return plugin


def _unknown(name: str, everything: Sequence[PluginMetadata]) -> UnknownModalityError:
    if name in OFFICIAL:
        return UnknownModalityError(f"the modality {name} is not installed", install_line(name))
    installed = {plugin.name for plugin in everything}
    nearest = nearest_name(name, [*installed, *OFFICIAL])
    if nearest is None:
        fix = "`mt list` shows what is installed and what is available"
    elif nearest in installed:
        fix = f"did you mean {nearest}?"
    else:
        fix = f"did you mean {nearest}? {install_line(nearest)}"
    return UnknownModalityError(f"there is no modality {name!r}", fix)


def _load(plugin: PluginMetadata) -> Plugin:
    from mt_core.contract import Baseline, Head, ModalityDataset, Tokenizer
    from mt_core.plugins.manifest import manifest_of

    manifest = manifest_of(plugin)
    loaded = Plugin(
        name=plugin.name,
        manifest=manifest,
        distribution=plugin.distribution,
        version=plugin.version,
        tokenizer=_class(plugin, "tokenizer", manifest.tokenizer, Tokenizer),
        dataset=_class(plugin, "dataset", manifest.dataset, ModalityDataset),
        head=_class(plugin, "head", manifest.head, Head),
        pictures=_function(plugin, "pictures", manifest.pictures) if manifest.pictures is not None else None,
        baseline=_class(plugin, "baseline", manifest.baseline, Baseline) if manifest.baseline is not None else None,
    )
    if manifest.hooks is not None:
        hooks.register(import_from(plugin, manifest.hooks), plugin=f"{plugin.name} ({plugin})")
    return loaded


def _class(plugin: PluginMetadata, role: str, reference: str, expected: type[Any]) -> Any:
    module, _, name = reference.partition(":")
    given = getattr(import_from(plugin, module), name, None)
    if isinstance(given, type) and issubclass(given, expected):
        return given
    what = "is not there" if given is None else f"is no subclass of {expected.__name__}"
    raise ContractError(
        f"{plugin}: its {role} {reference} {what}",
        fix=f"name a subclass of mt_core.contract.{expected.__name__} as `{role}` in plugin.toml; "
        f"if the plugin is not yours: pip install -U {plugin.distribution}",
    )


def _function(plugin: PluginMetadata, role: str, reference: str) -> Any:
    module, _, name = reference.partition(":")
    given = getattr(import_from(plugin, module), name, None)
    if callable(given):
        return given
    raise ContractError(
        f"{plugin}: its {role} {reference} {'is not there' if given is None else 'is no function'}",
        fix=f"name a function as `{role}` in plugin.toml; if the plugin is not yours: "
        f"pip install -U {plugin.distribution}",
    )
