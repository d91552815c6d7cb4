"""Plugins: what is installed, what of it may be used, and the code of what is asked for.

    from mt_core.plugins import get
    get("image").tokenizer(192)

Importing this package imports neither torch nor pydantic; a name is fetched from its file when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_core.plugins.discovery import PluginMetadata as PluginMetadata
    from mt_core.plugins.manifest import Manifest as Manifest
    from mt_core.plugins.registry import Plugin as Plugin
    from mt_core.plugins.registry import composing as composing
    from mt_core.plugins.registry import find as find
    from mt_core.plugins.registry import get as get
    from mt_core.plugins.registry import list_modalities as list_modalities
    from mt_core.plugins.registry import list_plugins as list_plugins
    from mt_core.plugins.registry import reset as reset

_HOME = {
    "Manifest": "manifest",
    "Plugin": "registry",
    "PluginMetadata": "discovery",
    "composing": "registry",
    "find": "registry",
    "get": "registry",
    "list_modalities": "registry",
    "list_plugins": "registry",
    "reset": "registry",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
