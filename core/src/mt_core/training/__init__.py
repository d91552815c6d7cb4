"""Fit, evaluate, run folders; on Lightning."""

from mt_core.training.evaluation import baseline_metrics, evaluate
from mt_core.training.fitting import FitResult, fit
from mt_core.training.recipe import Recipe
from mt_core.training.run import load_run

__all__ = ["FitResult", "Recipe", "baseline_metrics", "evaluate", "fit", "load_run"]
