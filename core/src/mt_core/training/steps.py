"""Training that counts in steps: what happens between two of them, how it is stopped, and what it goes on from."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import lightning
import torch
from torch import Tensor

from mt_core.data.precision import TrainingPrecision
from mt_core.errors import OptionError, RunError
from mt_core.io.atomic import atomic_write
from mt_core.io.progress import Progress
from mt_core.training.callbacks import ProgressCallback
from mt_core.training.lightning_runs import interruptible, quiet, silent_trainer, stop_on_signals, together
from mt_core.training.optimizer import warmup_cosine
from mt_core.training.ranks import ALONE, Ranks
from mt_core.training.records import make_folder

CHECKPOINT = "checkpoint.ckpt"


class Schedule(Protocol):
    """What a recipe says of the steps; see the recipes for what each means."""

    @property
    def steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def lr(self) -> float: ...
    @property
    def warmup(self) -> float: ...
    @property
    def clip(self) -> float: ...
    @property
    def precision(self) -> TrainingPrecision: ...
    @property
    def save_every(self) -> int: ...


class Epochs(Protocol):
    """Batches epoch by epoch, as a `Loader` has them: as many in each."""

    def __len__(self) -> int: ...
    def epoch(self, epoch: int, first: int = 0) -> Iterator[Any]:
        """The batches of one epoch, from the first that is wanted."""
        ...


class StepsCallback(ProgressCallback):
    """Writes down how a run goes, and stops it. A subclass says what a row is, and what is measured between two steps.

    Its state is in the checkpoint, so a run that goes on writes the same rows as one that was never stopped.

    Args:
        folder: The run folder.
        recipe: The schedule.
        names: What `module.measured` holds after each step, a (len(names),) tensor.
        minutes: Stop after so long; None: at the end of the schedule.
        show: Show progress on standard error.

    Attributes:
        title, unit: Of the progress: "pretraining", "pictures".
        rows: Means over the steps since the last such row, and whatever a subclass adds.
        seconds: Of training, in all sessions.
        is_interrupted: Whether `interrupt` was called.
    """

    title: ClassVar[str] = "training"
    unit: ClassVar[str] = "samples"

    def __init__(
        self, folder: Path, recipe: Schedule, names: Sequence[str], *, minutes: float | None = None, show: bool = False
    ) -> None:
        self.folder, self.recipe, self.names = folder, recipe, names
        self.minutes = minutes
        self.is_shown = show
        self.rows: list[dict[str, Any]] = []
        self.seconds = 0.0
        self.is_interrupted = False
        self._sum = torch.zeros(len(names))
        self._summed, self._sum_seconds = 0, 0.0

    @property
    def steps_a_row(self) -> int:
        return 50

    def state_dict(self) -> dict[str, Any]:
        window = {"sum": self._sum, "summed": self._summed, "sum_seconds": self._sum_seconds}
        return {"rows": self.rows, "seconds": self.seconds, **window}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, self.seconds = state_dict["rows"], state_dict["seconds"]
        self._sum, self._summed = state_dict["sum"], state_dict["summed"]
        self._sum_seconds = state_dict["sum_seconds"]

    def interrupt(self) -> None:
        """Stop after the step at hand, with a checkpoint."""
        self.is_interrupted = True
        self.say("stopping after this step")

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        stop_on_signals(self.interrupt)
        self.is_first = trainer.is_global_zero  # of several processes it alone writes
        self._began = self._mark = time.monotonic()
        self._sum = self._sum.to(module.device)
        of_step = self.recipe.batch_size
        done, total = trainer.global_step * of_step, self.recipe.steps * of_step
        self.show(Progress(self.title, total, unit=self.unit, done=done, enabled=self.is_shown))

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        recipe, step = self.recipe, trainer.global_step
        measured: Tensor = module.measured  # type: ignore[assignment]
        now = time.monotonic()
        self.seconds += now - self._mark
        self._sum_seconds += now - self._mark
        self._sum, self._summed = self._sum + measured.to(self._sum.device), self._summed + 1
        is_last = step == recipe.steps
        self.bar.advance(recipe.batch_size)
        if step % self.steps_a_row == 0 or is_last:
            self._end_row(step)
        self.between(module, step)
        is_time_up = self.minutes is not None and time.monotonic() - self._began >= 60 * self.minutes
        # of several processes all stop where one of them has to
        trainer.should_stop = trainer.strategy.reduce_boolean_decision(is_time_up or self.is_interrupted, all=False)
        if step % recipe.save_every == 0 or is_last or trainer.should_stop:
            self._save(trainer, module)
        self._mark = time.monotonic()

    def _end_row(self, step: int) -> None:
        means = [round(value, 5) for value in (self._sum / self._summed).tolist()]
        a_second = round(self._summed * self.recipe.batch_size / max(self._sum_seconds, 1e-9), 1)
        self._sum, self._summed, self._sum_seconds = torch.zeros_like(self._sum), 0, 0.0
        lr = self.recipe.lr * warmup_cosine(step - 1, self.recipe.steps, self.recipe.warmup)
        self.rows.append(self.row(step, dict(zip(self.names, means, strict=True)), lr, a_second))
        if self.is_first:
            self.write_rows()
        shown = ", ".join(
            f"{name.replace('_', ' ')} {value:.3f}" for name, value in zip(self.names, means, strict=True)
        )
        self.say(f"step {step}/{self.recipe.steps}: {shown}, {a_second:.0f} {self.unit}/s")

    def row(self, step: int, means: dict[str, float], lr: float, a_second: float) -> dict[str, Any]:
        """What is written down of the steps since the last row."""
        raise NotImplementedError  # abstract

    def write_rows(self) -> None:
        """Write all rows into the run folder."""
        raise NotImplementedError  # abstract

    def between(self, module: lightning.LightningModule, step: int) -> None:
        """What a subclass measures after a step."""

    def say(self, line: str) -> None:
        if self.is_shown and hasattr(self, "bar"):
            self.bar.say(line)

    def _save(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if not self.is_first:
            trainer.save_checkpoint(self.folder / CHECKPOINT)  # takes part, and writes nothing
            return
        with atomic_write(self.folder / CHECKPOINT, RunError) as unfinished:
            trainer.save_checkpoint(unfinished)


def run_steps(
    module: lightning.LightningModule,
    callback: StepsCallback,
    device: torch.device,
    checkpoint: Path | None = None,
    batches: Iterable[Any] | None = None,
    ranks: Ranks = ALONE,
) -> int:
    """Train from the start or a checkpoint until the schedule ends or the callback stops it; gives the step.

    Args:
        batches: One a step, from the step that the run goes on with; None: a step draws its own.
        ranks: The processes that train together.
    """
    recipe = callback.recipe
    with quiet(), together(ranks), interruptible("stopped at once; --resume goes on from the last checkpoint"):
        trainer = silent_trainer(
            callback.folder,
            precision=recipe.precision,
            clip=recipe.clip,
            accelerator="gpu" if device.type == "cuda" else device.type,
            devices=[device.index or 0] if device.type == "cuda" else 1,
            max_epochs=-1,
            max_steps=recipe.steps,
            callbacks=[callback],
            enable_checkpointing=False,
            ranks=ranks,
        )
        # without a length, and so without a place in it to come back to
        trainer.fit(
            module, iter(batches) if batches is not None else _nothing(), ckpt_path=checkpoint, weights_only=True
        )
    return int(trainer.global_step)


def batches_from(loader: Epochs, step: int) -> Generator[Any, None, None]:
    """One batch a step without end, epoch after epoch, from a step on."""
    epoch, first = divmod(step, len(loader))
    while True:
        yield from loader.epoch(epoch, first)
        epoch, first = epoch + 1, 0


def step_of(checkpoint: Path | None) -> int:
    """The steps that are done in a checkpoint; 0 where there is none."""
    if checkpoint is None:
        return 0
    return int(torch.load(checkpoint, map_location="meta", weights_only=True)["global_step"])


def _nothing() -> Iterable[int]:
    while True:
        yield 0


def device_of(name: str | None) -> torch.device:
    """The device to train on; None: a GPU where there is one.

    Raises:
        OptionError: it is not available, or not one to train on.
    """
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        problem = f"device={name!r} cannot be used ({reason})"
        raise OptionError(problem, fix="use cpu; mt doctor shows what there is") from None
    if device.type not in ("cpu", "cuda", "mps"):
        raise OptionError(f"device={name!r} cannot be trained on", fix="use cpu or cuda")
    return device


def check_minutes(minutes: float | None) -> None:
    """Raises OptionError: no positive number."""
    if minutes is not None and not minutes > 0:
        raise OptionError(f"minutes={minutes} is no time", fix="give a positive number")


def prepare_folder(folder: Path, record: str) -> None:
    """Make the folder of a new run.

    Args:
        record: The name of the file that a run of this kind has.

    Raises:
        RunError: it is a file, or holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        is_run = (folder / record).is_file()
        raise RunError(
            f"{folder} {'holds a run already' if is_run else 'is not empty'}",
            fix="choose another --out" + (", or --resume it" if is_run else ""),
        )
    make_folder(folder)
