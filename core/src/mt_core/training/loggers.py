"""Where the curves of a training are sent too: TensorBoard, Weights & Biases, MLflow, through Lightning's loggers.

`metrics.csv` in the run folder has the same rows. Credentials, servers and projects are those of each tool's own
environment (`WANDB_PROJECT`, `WANDB_MODE`, `MLFLOW_TRACKING_URI`, `MLFLOW_EXPERIMENT_NAME`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from mt_core.errors import DataWarning, MissingDependencyError, OptionError, RunError
from mt_core.io.notices import tell
from mt_core.training.callbacks import History
from mt_core.training.recipe import Recipe

LOGS = "logs"
"""In a run folder: what the loggers write there."""

PROJECT = "mt"
"""The project or experiment, where the environment names none."""


def check_loggers(recipe: Recipe) -> None:
    """Refuse loggers before anything is read.

    Raises:
        OptionError: a training without epochs.
        MissingDependencyError: a logger whose package is not installed.
    """
    is_solved = recipe.tune == "knn" or (recipe.tune == "probe" and not recipe.head.get("hidden"))
    for name in recipe.loggers:
        if is_solved:
            raise OptionError(
                f"tune={recipe.tune} has no epochs, and loggers={name} shows epochs", fix="leave loggers out"
            )
        if find_spec(name) is None:
            raise MissingDependencyError(
                f"loggers={name} needs a package that is not installed", fix=f"pip install {name}"
            )


class Logged(Callback):
    """Sends each row of a history, once it is complete, and the settings of the run before the first.

    A resumed run goes on in the same place: the numbers that loggers gave it are kept in the checkpoint.

    Args:
        names: The loggers.
        folder: The run folder.
        history: Whose rows are sent; it is called before.
        settings: What the tools show beside the curves.
    """

    def __init__(self, names: Sequence[str], folder: Path, history: History, settings: Mapping[str, Any]) -> None:
        self.names, self.folder, self.history, self.settings = names, folder, history, settings
        self.versions: dict[str, str] = {}
        self.loggers: dict[str, Logger] = {}

    def state_dict(self) -> dict[str, Any]:
        return {"versions": self.versions}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.versions = state_dict["versions"]

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        for name in self.names:
            try:
                logger = make_logger(name, self.folder, self.versions.get(name))
                logger.log_hyperparams(dict(self.settings))
                self.versions[name] = str(logger.version)
            except Exception as error:  # of any of these packages
                raise RunError(
                    f"{name} cannot be written to ({_reason(error)})", fix="see to it, or leave loggers out"
                ) from error
            self.loggers[name] = logger

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        row, step = dict(self.history.rows[-1]), trainer.global_step

        def send(logger: Logger) -> None:
            logger.log_metrics(row, step=step)
            logger.save()

        self._each(send)

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._each(lambda logger: logger.finalize("success"))

    def on_exception(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, exception: BaseException
    ) -> None:
        self._each(lambda logger: logger.finalize("failed"))

    def _each(self, act: Callable[[Logger], None]) -> None:
        """A logger that fails gets no further rows, with a warning: training goes on."""
        for name, logger in list(self.loggers.items()):
            try:
                act(logger)
            except Exception as error:  # of any of these packages
                del self.loggers[name]
                epoch = self.history.rows[-1]["epoch"] if self.history.rows else 0
                tell(DataWarning("left out", name, f"the curves from epoch {epoch:g} on ({_reason(error)})"))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def make_logger(name: str, folder: Path, version: str | None) -> Logger:
    """A logger of Lightning's.

    Args:
        folder: The run folder, whose name the run has in the tool.
        version: What the logger called the run before it was interrupted; None: a new run.
    """
    from lightning.pytorch.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger

    logs = folder / LOGS
    logs.mkdir(exist_ok=True)
    title = folder.resolve().name
    if name == "tensorboard":
        return TensorBoardLogger(str(logs), name="tensorboard", version="")
    if name == "wandb":
        project = os.environ.get("WANDB_PROJECT", PROJECT)
        return WandbLogger(name=title, project=project, save_dir=str(logs), id=version, resume="allow")
    where = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{logs.resolve() / 'mlflow.db'}")
    experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
    return MLFlowLogger(experiment_name=experiment, run_name=title, tracking_uri=where, run_id=version)
