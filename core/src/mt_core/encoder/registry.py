"""Encoders that plugins add, by the name that the user types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from mt_core.encoder.encoder import Encoder
from mt_core.errors import MtError, PluginError

_REGISTERED: dict[str, Callable[[], Encoder]] = {}


def register(name: str, make: Callable[[], Encoder], *, plugin: str) -> None:
    """Add an encoder.

    Args:
        make: Called each time that the encoder is asked for.
        plugin: How messages call the plugin.

    Raises:
        ValueError: another plugin has the name already.
    """
    if name in _REGISTERED:
        raise ValueError(f"there is an encoder {name!r} already")
    _REGISTERED[name] = partial(_made, plugin, name, make)


def registered() -> Mapping[str, Callable[[], Encoder]]:
    """What was registered. Calling one makes it, or raises a `PluginError` that names the plugin which cannot."""
    return _REGISTERED


def reset() -> None:
    """Forget what was registered."""
    _REGISTERED.clear()


def _made(plugin: str, name: str, make: Callable[[], Encoder]) -> Encoder:
    try:
        encoder: object = make()
    except MtError:
        raise
    except Exception as error:
        problem = f"{plugin}: its encoder {name} cannot be made ({type(error).__name__}: {error})"
        raise PluginError(problem, fix="report it to the authors of that plugin") from error
    if isinstance(encoder, Encoder):
        encoder.name = name  # by which a run finds it again
        return encoder
    problem = f"{plugin}: its encoder {name} is a {type(encoder).__name__}, not an Encoder"
    raise PluginError(problem, fix="let mt_register_encoders name functions that give what mt_core.load_encoder gives")
