"""Fit, evaluate, run folders; on Lightning.

Importing this package imports neither torch nor anything else that is heavy; a name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_core.training.climb import ladder as ladder
    from mt_core.training.constant_answer import baseline_metrics as baseline_metrics
    from mt_core.training.evaluation import evaluate as evaluate
    from mt_core.training.fit_result import FitResult as FitResult
    from mt_core.training.fitting import fit as fit
    from mt_core.training.recipe import Recipe as Recipe
    from mt_core.training.run import load_run as load_run

_HOME = {
    "FitResult": "fit_result",
    "Recipe": "recipe",
    "baseline_metrics": "constant_answer",
    "evaluate": "evaluation",
    "fit": "fitting",
    "ladder": "climb",
    "load_run": "run",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
