"""`mt_session_start`, `mt_session_finish` and `mt_step_end`: what plugins are told of; and `mt_doctor_lines`."""

import pytest
import torch

import mt_core as mt
from mt_core.plugins import get

SESSIONS = """
@hookimpl
def mt_session_start(modality, command):
    seen.append(("start", modality, command))
@hookimpl
def mt_session_finish(modality, command, error):
    seen.append(("finish", modality, command, type(error).__name__))
"""
STEPS = """
stop_at = None
@hookimpl
def mt_step_end(modality, step, loss):
    seen.append((step, loss))
    if step == stop_at:
        raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    ("job", "commands"),
    [
        ("fit", ["train"]),
        ("evaluate", ["train", "evaluate"]),
        ("predict", ["train", "predict"]),
        ("embed", ["embed"]),
        ("embed_files", ["embed"]),
    ],
)
def test_a_session_is_told_from_beginning_to_end(hooked, work, job, commands):
    module = hooked(SESSIONS)
    getattr(work, job)()
    assert module.seen == [
        told for command in commands for told in (("start", "toy", command), ("finish", "toy", command, "NoneType"))
    ]


def test_the_end_of_a_session_tells_what_ended_it(hooked, work):
    module = hooked(SESSIONS)
    with pytest.raises(mt.InputError):
        mt.embed(work.model(), ["missing.npy"])
    assert module.seen[-1] == ("finish", "toy", "embed", "InputError")


def test_a_session_ends_also_by_a_ctrl_c(hooked, work):
    module = hooked(STEPS + SESSIONS)
    module.stop_at = 1
    with pytest.raises(KeyboardInterrupt):
        work.fit()
    assert module.seen[0] == ("start", "toy", "train")
    assert module.seen[-1] == ("finish", "toy", "train", "KeyboardInterrupt")


def test_steps_are_counted_from_one_with_the_loss_of_each(hooked, work):
    module = hooked(STEPS)
    result = work.fit(epochs=2)
    assert [step for step, _ in module.seen] == [1, 2, 3, 4]  # 16 samples in batches of 8, twice
    losses = [loss for _, loss in module.seen]
    assert [row["train_loss"] for row in result.history] == pytest.approx([sum(losses[:2]) / 2, sum(losses[2:]) / 2])


def test_a_resumed_run_counts_on_from_its_checkpoint(hooked, work):
    module = hooked(STEPS)
    module.stop_at = 4
    with pytest.raises(KeyboardInterrupt):
        work.fit(epochs=3, out=work.folder / "run")
    module.stop_at, module.seen[:] = None, []
    work.fit(epochs=3, out=work.folder / "run", resume=True)
    assert [step for step, _ in module.seen] == [3, 4, 5, 6]  # the checkpoint is that of the first epoch's end


def test_a_step_is_over_when_the_weights_have_changed(hooked, work):
    module = hooked("@hookimpl\ndef mt_step_end(step):\n    seen.append(watched.project.weight.clone())")
    model = work.model()
    module.watched = model.tokenizer
    before = model.tokenizer.project.weight.clone()
    work.fit(model)
    assert not torch.equal(module.seen[0], before)


def test_a_hook_that_fails_at_every_step_is_told_once(hooked, work, told):
    hooked("@hookimpl\ndef mt_step_end(step):\n    raise ValueError(step)")
    work.fit(epochs=2)
    assert told() == [
        "warning: toy (mt-plugin-toy 1.0): the hook mt_step_end failed (ValueError: 1); the work goes on without it"
    ]


def test_doctor_shows_the_lines_of_plugins_after_its_own(hooked, work, capsys):
    hooked("@hookimpl\ndef mt_doctor_lines():\n    return ['toy: in tune', 'toy: wound up']")
    assert work.doctor() == 0
    assert capsys.readouterr().out.endswith("toy: in tune\ntoy: wound up\n")
    assert get("toy").name == "toy"
