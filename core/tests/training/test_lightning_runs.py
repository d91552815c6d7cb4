"""What Lightning does with signals and with its own remarks, as a part of ours."""

import itertools
import logging
import signal
import threading

import lightning
import pytest
import torch

from mt_core.training.lightning_runs import interruptible, quiet, stop_on_signals


class Signalled(lightning.LightningModule):
    """One weight; a signal comes at a moment."""

    def __init__(self, what, moment):
        super().__init__()
        self.what, self.moment, self.weight = what, moment, torch.nn.Parameter(torch.ones(()))

    def setup(self, stage):
        if self.moment == "setup":
            signal.raise_signal(self.what)

    def training_step(self, batch, index):
        if self.moment == index:
            signal.raise_signal(self.what)
        return self.weight.square()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def trained(module):
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=-1,
        max_steps=4,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, itertools.repeat(0))
    return trainer


@pytest.fixture
def handlers():
    """Those of a test, in place of the process's."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield lambda: [signal.getsignal(each) for each in before]
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize(
    ("what", "moment"), [(signal.SIGINT, "setup"), (signal.SIGINT, 2), (signal.SIGTERM, 2)], ids=str
)
def test_a_run_that_a_signal_ends_says_how_to_go_on_and_the_next_signal_is_heard(handlers, what, moment):
    before = handlers()
    with pytest.raises(KeyboardInterrupt, match=r"^go on so$"), quiet(), interruptible("go on so"):
        trained(Signalled(what, moment))
    assert handlers() == before
    assert before[0] is signal.default_int_handler


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_calls_what_stops_and_a_ctrl_c_after_it_ends_at_once(handlers, what):
    calls = []
    stop_on_signals(lambda: calls.append(what))
    signal.raise_signal(what)
    signal.raise_signal(signal.SIGTERM)
    assert calls == [what, what]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert calls == [what, what]


def test_in_another_thread_signals_are_left_alone_and_training_works(handlers):
    before, steps = handlers(), []

    def work():
        with quiet(), interruptible(""):
            stop_on_signals(lambda: None)
            steps.append(trained(Signalled(None, None)).global_step)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert steps == [4] and handlers() == before


def test_lightning_is_quiet_and_then_speaks_again():
    logger = logging.getLogger("lightning.pytorch")
    before = logger.getEffectiveLevel()
    with pytest.raises(ZeroDivisionError), quiet():
        assert not logger.isEnabledFor(logging.WARNING) and logger.isEnabledFor(logging.ERROR)
        raise ZeroDivisionError
    assert logger.getEffectiveLevel() == before
