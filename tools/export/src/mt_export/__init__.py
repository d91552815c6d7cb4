"""A run as one file for other programs: tokenizer, encoder and head in one graph, and a card on how to use it.

    result = export("runs/x", "onnx", "x.onnx")
    result.parity.max_error

Importing this package imports nothing heavy; a name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_export.errors import ExportError as ExportError
    from mt_export.exporting import ExportResult as ExportResult
    from mt_export.exporting import export as export
    from mt_export.objects import find_objects as find_objects
    from mt_export.parity import Parity as Parity

_HOME = {
    "ExportError": "errors",
    "ExportResult": "exporting",
    "Parity": "parity",
    "export": "exporting",
    "find_objects": "objects",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
