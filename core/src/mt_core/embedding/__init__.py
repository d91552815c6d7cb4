"""Files in, vectors and predictions out.

Importing this package imports neither torch nor anything else that is heavy; a name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_core.embedding.embed_result import EmbedResult as EmbedResult
    from mt_core.embedding.files import embed_files as embed_files
    from mt_core.embedding.memory import embed_in_memory as embed_in_memory
    from mt_core.embedding.memory import predict_in_memory as predict_in_memory

_HOME = {
    "EmbedResult": "embed_result",
    "embed_files": "files",
    "embed_in_memory": "memory",
    "predict_in_memory": "memory",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
