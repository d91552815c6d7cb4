"""Standard error for machines: an object a line, whatever happens."""

import contextlib
import io
import json
import sys

import pytest

from mt_core import cli
from mt_core.cli import main
from mt_core.errors import DataWarning
from mt_core.io.json_log import JsonLog, log_event
from mt_core.io.notices import tell
from mt_core.io.progress import Progress


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


@contextlib.contextmanager
def logged():
    """Within, standard error is a log; its objects, without their times, are in the list afterwards."""
    out, found = io.StringIO(), []
    with contextlib.redirect_stderr(JsonLog(out)):
        yield found
    found += [{k: v for k, v in each.items() if k != "time"} for each in objects(out.getvalue())]


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("before", [True, False])
def test_a_training_writes_objects_alone(small_encoder_file, tmp_path, mt, before):
    import numpy as np

    for name, sign in (("up", 1), ("down", -1)):
        (tmp_path / name).mkdir()
        for number in range(6):
            np.save(tmp_path / name / f"{number}.npy", sign * np.linspace(-1, 1, 8 + number, dtype=np.float32))
    asked = ["train", "toy", "--data", str(tmp_path), "--out", str(tmp_path / "run"), "--epochs", "2"]
    asked += ["--encoder", str(small_encoder_file), "--num-workers", "0"]
    done = mt("--log-json", *asked) if before else mt(*asked, "--log-json")
    assert done.code == 0, done.err
    found = objects(done.err)
    epochs = [each for each in found if each["event"] == "epoch"]
    assert [(each["epoch"], each["epochs"]) for each in epochs] == [(1, 2), (2, 2)]
    assert all({"train_loss", "val_accuracy", "time"} <= set(each) for each in epochs)
    last = [each for each in found if each.get("what") == "training"][-1]
    assert last["event"] == "progress" and last["done"] == last["total"]
    assert not isinstance(sys.stderr, JsonLog)  # as it was before the command


def test_an_error_has_its_fix_and_its_exit_code(mt):
    done = mt("info", "smells", "--log-json")
    assert done.code == 2
    error = objects(done.err)[-1]
    assert error["event"] == "error" and "smells" in error["problem"] and error["fix"]
    done = mt("--log-json", "info", "--nothing")
    assert (done.code, objects(done.err)[-1]["kind"]) == (2, "NoSuchOption")


def test_the_environment_asks_for_it_too(mt, monkeypatch):
    monkeypatch.setenv("MT_LOG", "json")
    assert objects(mt("info", "smells").err)[-1]["event"] == "error"


def test_what_stands_behind_two_dashes_is_a_name(mt):
    assert "--log-json" in mt("info", "--", "--log-json").err


def test_lines_are_whole_and_numbers_are_json():
    with logged() as found:
        print("half a ", end="", file=sys.stderr)
        print("line\r", file=sys.stderr)
        print("", file=sys.stderr)
        assert log_event("epoch", loss=float("nan"), name="ü", path=io)
    first, second = found
    assert first == {"event": "line", "text": "half a line"}
    assert (second["loss"], second["name"]) == (None, "ü")


def test_progress_says_how_far_and_how_long():
    with logged() as found, Progress("reading", 4, unit="files") as shown:
        shown.advance(1)
        shown.say("a word")
        shown.advance(3)
    said, last = found
    assert said == {"event": "line", "text": "a word"}
    assert (last["event"], last["done"], last["total"], last["unit"]) == ("progress", 4, 4, "files")
    assert last["seconds_left"] == 0


def test_what_was_left_out_is_reported_as_objects(mt, monkeypatch):
    monkeypatch.setenv("MT_LOG", "json")
    monkeypatch.setattr(cli, "_exit_code", lambda _: tell(DataWarning("left out", "a.csv", "two rows")) or 0)
    (warning,) = objects(mt("list").err)
    assert warning["event"] == "warning" and "two rows" in warning["text"]


def test_without_it_standard_error_is_text(capsys):
    assert main(["info", "smells"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not log_event("epoch")
