"""Lightning as a part of ours: without its own remarks, and stopped so that a run can go on."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt_core.data.precision import Precision
from mt_core.training.ranks import ALONE, Ranks, lost_process

if TYPE_CHECKING:
    import lightning

_STOPPING = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what a cluster sends before it takes the machine away."""

_HINTS = (
    ".*does not have many workers.*",
    ".*log_every_n_steps.*",
    ".*LeafSpec.*",
    ".*exists and is not",
    ".*in eval mode.*",
    ".*all_gather is deprecated.*",
    ".*training_step. returned .None.*",
    ".*find_unused_parameters.*",
    ".*sync_dist=True.*",
    ".*returned a view tensor.*",
    ".*[Bb]arrier.*device.*",
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's banners and hints, which speak to its own users."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for about in _HINTS:
                warnings.filterwarnings("ignore", message=about)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def silent_trainer(
    folder: Path,
    *,
    precision: Precision,
    clip: float,
    ranks: Ranks = ALONE,
    averages: bool = True,
    **settings: Any,
) -> lightning.Trainer:
    """A trainer that shows, logs and tries out nothing of its own.

    Args:
        folder: Where it may write.
        clip: Largest norm of the gradient.
        ranks: The processes that train together, by Lightning's data-parallel strategy.
        averages: Whether that averages the gradients; else the module does.
        settings: Of Lightning.
    """
    import lightning

    if ranks.count > 1:
        settings |= _of_several(ranks, averages)
    return lightning.Trainer(
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        gradient_clip_val=clip,
        logger=False,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=str(folder),
        **settings,
    )


def _of_several(ranks: Ranks, averages: bool) -> dict[str, Any]:
    """What a trainer takes for one of several processes that were started already."""
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning.pytorch.strategies import DDPStrategy

    class Connected(DDPStrategy):
        """Starts and ends the group of processes, and leaves the module as it is."""

        def configure_ddp(self) -> None: ...

    by_torchrun = TorchElasticEnvironment() if "LOCAL_WORLD_SIZE" in os.environ else None
    return {
        "devices": ranks.devices,
        "num_nodes": ranks.count // ranks.devices,
        # a step may leave parameters out: those of an input that no sample of it has
        "strategy": DDPStrategy(find_unused_parameters=True) if averages else Connected(),
        "plugins": [by_torchrun or SLURMEnvironment(auto_requeue=False)],
        "use_distributed_sampler": False,
    }


class Epochs:
    """What Lightning iterates once an epoch: the batches of the epoch that it is in when it asks for the first.

    Lightning makes the iterator of a resumed run before it knows the epoch.
    """

    def __init__(self, batches: Any, current: Callable[[], int]) -> None:
        self.batches, self.current = batches, current

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        yield from self.batches.epoch(self.current())


@contextlib.contextmanager
def together(ranks: Ranks) -> Iterator[None]:
    """Within, the processes of a training are connected; what follows, each does for itself.

    Raises:
        RunError: another process is gone; says how to go on.
    """
    from torch import distributed

    try:
        yield
    except RuntimeError as error:
        if (lost := lost_process(error, ranks)) is not None:
            raise lost from error
        raise
    if ranks.count > 1 and distributed.is_initialized():
        distributed.destroy_process_group()


@contextlib.contextmanager
def interruptible(how_to_go_on: str) -> Iterator[None]:
    """Where Lightning would end the interpreter, on Ctrl-C or SIGTERM, say how to go on.

    Raises:
        KeyboardInterrupt: with that message; the next Ctrl-C does what it did before.
    """
    try:
        with _handlers_kept():
            yield
    except (SystemExit, KeyboardInterrupt):
        raise KeyboardInterrupt(how_to_go_on) from None


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Lightning leaves Ctrl-C without effect where it was pressed before the first step."""
    before = {each: signal.getsignal(each) for each in _STOPPING if _is_main_thread()}
    try:
        yield
    finally:
        for each, handler in before.items():
            if handler is not None:  # not one of Python's
                signal.signal(each, handler)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """From now on call this on Ctrl-C and on SIGTERM; a Ctrl-C after that ends at once.

    For a callback's `on_train_start`: Lightning sets a handler for SIGTERM before, which ends a run between any two
    steps whether or not there is a checkpoint, and takes back all handlers when training ends. Signals reach the main
    thread alone, so elsewhere nothing is done.
    """
    if not _is_main_thread():
        return
    at_once = signal.getsignal(signal.SIGINT)

    def act(*_: object) -> None:
        stop()
        signal.signal(signal.SIGINT, at_once)

    for each in _STOPPING:
        signal.signal(each, act)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
