"""Who answers for a modality: `get` checks, imports and gives its plugin; everything else is known without importing.

Installing a plugin trusts its code as installing any package does; but nothing of it runs until its modality is asked
for by name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mt_core import hooks
from mt_core.errors import (
    ConflictError,
    ContractError,
    DisabledPluginError,
    MtError,
    PluginError,
    UnknownModalityError,
)
from mt_core.plugins.discovery import PluginMetadata, discover
from mt_core.plugins.official import OFFICIAL, install_line, official_distribution
from mt_core.plugins.settings import Settings, canonical, read_settings

if TYPE_CHECKING:
    from mt_core.contract import AnyTask, Head, ModalityDataset, Tokenizer
    from mt_core.plugins.manifest import Manifest

_INSTALLED_AS = {"PIL": "Pillow", "cv2": "opencv-python-headless", "sklearn": "scikit-learn", "yaml": "PyYAML"}
"""Packages that pip knows by another name than import does."""


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
    """

    name: str
    manifest: Manifest
    distribution: str
    version: str
    tokenizer: type[Tokenizer]
    dataset: type[ModalityDataset]
    head: type[Head]
    pictures: Callable[[Any, list[dict[str, Any]], AnyTask, Path], list[Path]] | None = None


@dataclass(frozen=True)
class _Registry:
    found: tuple[PluginMetadata, ...]
    loaded: dict[str, Plugin] = field(default_factory=dict)


@cache
def _registry() -> _Registry:
    return _Registry(_settle(discover(), read_settings()))


def reset() -> None:
    """Forget what is installed, what the user allows, what is loaded and whose hooks are in use: all is read anew."""

    _registry.cache_clear()
    hooks.reset()


def list_plugins() -> tuple[PluginMetadata, ...]:
    """Every installed plugin with its state under the user's settings. Imports no plugin.

    Raises:
        OptionError: a settings file that cannot be understood.
    """
    return _registry().found


def list_modalities() -> tuple[str, ...]:
    """The modalities that can be asked for."""
    return tuple(plugin.name for plugin in list_plugins() if plugin.state == "installed")


def get(name: str) -> Plugin:
    """The plugin of a modality, imported when it is first asked for.

    Raises:
        UnknownModalityError: nobody has this name; the fix is the nearest name or the line that installs it.
        DisabledPluginError: switched off by the user.
        ConflictError: several distributions claim the name, and the user prefers none.
        ContractError: a manifest, a contract version, a class or a hook that is not as the contract says.
        PluginError: its code cannot be imported.
    """
    registry = _registry()
    if name not in registry.loaded:
        registry.loaded[name] = _load(_choose(name, registry.found))
    return registry.loaded[name]


def _settle(everything: Sequence[PluginMetadata], settings: Settings) -> tuple[PluginMetadata, ...]:
    """Each plugin's state under the settings: who is switched off, who shares a name with another."""
    return tuple(_settled(plugin, everything, settings) for plugin in everything)


def _settled(plugin: PluginMetadata, everything: Sequence[PluginMetadata], settings: Settings) -> PluginMetadata:
    if objection := settings.objection(plugin.name, plugin.distribution):
        return replace(plugin, state="disabled", problem=objection[0], fix=objection[1])
    claimants = [other for other in everything if other.name == plugin.name]
    preferred = settings.preferred(plugin.name)
    if preferred in {canonical(claimant.distribution) for claimant in claimants}:
        if canonical(plugin.distribution) == preferred:
            return plugin
        return replace(
            plugin,
            state="disabled",
            problem=f"{settings.path} prefers {settings.prefer[plugin.name]}",
            fix=f"change `prefer` there to have {plugin.distribution}",
        )
    rivals = [each for each in claimants if not settings.objection(each.name, each.distribution)]
    # whoever asks for `audio` means ours, until they say otherwise
    ours = official_distribution(plugin.name) if plugin.name in OFFICIAL else None
    if len(rivals) == 1 and ours in (None, canonical(plugin.distribution)):
        return plugin
    favoured = next((each.distribution for each in rivals if canonical(each.distribution) == ours), plugin.distribution)
    prefer = f'write into {settings.path}: [plugins] and below it prefer = {{ {plugin.name} = "{favoured}" }}'
    if len(rivals) > 1:
        problem = f"{' and '.join(map(str, rivals))} both claim the modality {plugin.name}"
        return replace(plugin, state="conflict", problem=problem, fix=f"uninstall one, or {prefer}")
    problem = f"{plugin} claims the modality {plugin.name}, which is {ours}'s"
    fix = f"uninstall it and {install_line(plugin.name)}; to use it all the same, {prefer}"
    return replace(plugin, state="conflict", problem=problem, fix=fix)


def _choose(name: str, everything: Sequence[PluginMetadata]) -> PluginMetadata:
    claimants = [plugin for plugin in everything if plugin.name == name]
    if not claimants:
        raise _unknown(name, everything)
    # of two claimants that `prefer` has settled, one is disabled
    plugin = next((claimant for claimant in claimants if claimant.state != "disabled"), claimants[0])
    if plugin.state == "conflict":
        raise ConflictError(plugin.problem, plugin.fix)
    if plugin.state == "disabled":
        raise DisabledPluginError(f"the modality {name} ({plugin}) is disabled: {plugin.problem}", plugin.fix)
    if plugin.state == "broken":
        raise ContractError(f"the modality {name} ({plugin}) cannot be used: {plugin.problem}", plugin.fix)
    return plugin


def _unknown(name: str, everything: Sequence[PluginMetadata]) -> UnknownModalityError:
    if name in OFFICIAL:
        return UnknownModalityError(f"the modality {name} is not installed", install_line(name))
    from difflib import get_close_matches

    installed = {plugin.name for plugin in everything}
    nearest = get_close_matches(name.lower(), [*installed, *OFFICIAL], n=1)
    if not nearest:
        fix = "`mt list` shows what is installed and what is available"
    elif nearest[0] in installed:
        fix = f"did you mean {nearest[0]}?"
    else:
        fix = f"did you mean {nearest[0]}? {install_line(nearest[0])}"
    return UnknownModalityError(f"there is no modality {name!r}", fix)


def _load(plugin: PluginMetadata) -> Plugin:
    from mt_core.contract import Head, ModalityDataset, Tokenizer
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
    )
    if manifest.hooks is not None:
        hooks.register(_import(plugin, manifest.hooks), plugin=f"{plugin.name} ({plugin})")
    return loaded


def _class(plugin: PluginMetadata, role: str, reference: str, expected: type[Any]) -> Any:
    module, _, name = reference.partition(":")
    given = getattr(_import(plugin, module), name, None)
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
    given = getattr(_import(plugin, module), name, None)
    if callable(given):
        return given
    raise ContractError(
        f"{plugin}: its {role} {reference} {'is not there' if given is None else 'is no function'}",
        fix=f"name a function as `{role}` in plugin.toml; if the plugin is not yours: "
        f"pip install -U {plugin.distribution}",
    )


def _import(plugin: PluginMetadata, module: str) -> ModuleType:
    try:
        return import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # other people's code: a SystemExit at import must not end ours
        said = error.problem if isinstance(error, MtError) else " ".join(str(error).split())[:500]
        raise PluginError(
            f"{plugin}: {module} cannot be imported ({type(error).__name__}: {said})",
            fix=_import_fix(plugin, module, error),
        ) from error


def _import_fix(plugin: PluginMetadata, module: str, error: BaseException) -> str:
    if isinstance(error, MtError) and error.fix:
        return error.fix
    if isinstance(error, ImportError) and error.name:
        lacking = error.name.partition(".")[0]
        if lacking == "mt_core":
            return "pip install -U mt-core"
        if lacking not in {module.partition(".")[0], *sys.stdlib_module_names}:  # absent, or not as the plugin needs it
            upgrade = "" if isinstance(error, ModuleNotFoundError) else "-U "
            return f"pip install {upgrade}{_INSTALLED_AS.get(lacking, lacking)}"
    return f"pip install -U {plugin.distribution}, or report it to its authors"
