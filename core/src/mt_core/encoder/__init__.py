"""The frozen encoder: by name or from a file, provably what it says. timm is imported only for what it alone knows.

Importing this package does not import torch; a name is fetched from its file when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_core.encoder.catalog import DEFAULT_ENCODER as DEFAULT_ENCODER
    from mt_core.encoder.catalog import list_encoders as list_encoders
    from mt_core.encoder.catalog import load_encoder as load_encoder
    from mt_core.encoder.encoder import Encoder as Encoder
    from mt_core.encoder.layers import parse_layers as parse_layers

_HOME = {
    "DEFAULT_ENCODER": "catalog",
    "Encoder": "encoder",
    "list_encoders": "catalog",
    "load_encoder": "catalog",
    "parse_layers": "layers",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
