"""Progress on a terminal, in a notebook and elsewhere."""

import io
import re
import sys
import warnings
from types import SimpleNamespace

import pytest

from mt_core.io import notebook
from mt_core.io import progress as module
from mt_core.io.progress import Progress, announce


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def cell(monkeypatch):
    """A kernel: what its one output showed, the latest last."""
    shown = []

    def display(content, raw, display_id):
        shown.append(content)
        return SimpleNamespace(update=lambda content, raw: shown.append(content))

    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    monkeypatch.setattr(notebook, "_SECONDS_BETWEEN", 0)
    return shown


def test_a_notebook_shows_one_output_that_changes(cell, capsys):
    with Progress("training", 4, unit="batches") as bar:
        bar.advance(1)
        bar.say("epoch 1/2: <fine>")
        bar.advance(3)
    assert capsys.readouterr() == ("", "")
    assert cell[0]["text/plain"] == "training: 0/4 batches, 0.0/s"
    assert '<progress value="0" max="4"' in cell[0]["text/html"]
    assert '<progress value="1" max="4"' in cell[1]["text/html"]
    assert "epoch 1/2: &lt;fine&gt;" in cell[-1]["text/html"] and "<progress" not in cell[-1]["text/html"]
    assert re.fullmatch(r"epoch 1/2: <fine>\ntraining: 4 batches, \d\.\d s", cell[-1]["text/plain"])


def test_what_was_interrupted_says_how_far_it_came(cell):
    with pytest.raises(KeyboardInterrupt), Progress("reading", 9) as bar:
        bar.advance(2)
        raise KeyboardInterrupt
    assert cell[-1]["text/plain"].startswith("reading: 2 of 9, ")


def test_of_many_lines_a_notebook_shows_the_latest(cell):
    with Progress("training", 1) as bar:
        for number in range(30):
            bar.say(f"line {number}")
    lines = cell[-1]["text/plain"].splitlines()
    assert lines[0] == "… 18 lines" and lines[-2] == "line 29" and len(lines) == 14


def test_announcements_stand_on_standard_output_of_a_notebook_and_else_on_standard_error(cell, capsys, monkeypatch):
    announce("data: x", "target: y")
    assert capsys.readouterr() == ("data: x\ntarget: y\n", "")
    monkeypatch.delitem(sys.modules, "IPython")
    announce("data: x")
    assert capsys.readouterr() == ("", "data: x\n")


def test_a_hint_at_widgets_is_no_warning_of_a_notebook(cell):
    with warnings.catch_warnings(action="error"):
        notebook.ignore_hints()
        warnings.warn("IProgress not found. Please update jupyter and ipywidgets.", UserWarning, stacklevel=1)
        with pytest.raises(UserWarning, match="another"):
            warnings.warn("another", UserWarning, stacklevel=1)


def test_an_interactive_shell_on_a_terminal_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert not notebook.in_notebook()


def test_without_a_terminal_there_are_lines_and_few_of_them(capsys, monkeypatch):
    moments = iter([0.0, 4.0, 11.0, 11.0, 12.0, 30.0, 30.0, 31.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(moments))
    with Progress("reading", 4, unit="files") as bar:
        bar.advance(1)
        bar.advance(1)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and said[0].startswith("reading: 2/4 files, ")


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_bar_fits_a_narrow_terminal(monkeypatch, columns):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    with Progress("embedding", 123_456, unit="samples") as bar:
        bar.advance(98_765)
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    lines = [line for line in re.split(r"[\r\n]", drawn) if line.strip()]
    assert lines and max(map(len, lines)) <= columns
    assert "98765/123456" in lines[-1] or columns == 20
