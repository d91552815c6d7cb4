"""What a prediction rests on, in the modality's own terms and units.

    model = mt.load_run("runs/x")
    for explanation in explain(model, ["photo.png"]):
        explanation.strongest(3)

Importing this package imports nothing heavy; a name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_explain.drawing.figure import write_picture as write_picture
    from mt_explain.errors import ExplainError as ExplainError
    from mt_explain.explaining import explain as explain
    from mt_explain.explanation import Explanation as Explanation
    from mt_explain.explanation import Part as Part

_HOME = {
    "ExplainError": "errors",
    "Explanation": "explanation",
    "Part": "explanation",
    "explain": "explaining",
    "write_picture": "drawing.figure",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
