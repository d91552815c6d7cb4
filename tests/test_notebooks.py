"""In a notebook: one bar below a cell and little else, and an interrupted training that goes on."""

import os
import re
import signal
import threading
import time

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PREPARE = """
import random
from pathlib import Path
import mt_core as mt
draw = random.Random(0)
rows = [(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(240)]
lines = [f"{a:.3f},{b:.3f},{'same' if a * b > 0 else 'other'}" for a, b in rows]
Path("signs.csv").write_text("\\n".join(["a,b,signs", *lines]))
how = {"data_options": {"target": "signs"}, "out": "runs/x", "num_workers": 0, "show_progress": True}
"""
LOAD = 'model = mt.load("tabular", purpose="train")\n'


class Notebook:
    """Cells, executed in a kernel of their own in a folder."""

    def __init__(self, folder, cells):
        self.node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        resources = {"metadata": {"path": str(folder)}}
        self.client = nbclient.NotebookClient(self.node, timeout=500, allow_errors=True, resources=resources)

    def run(self):
        self.client.execute()
        return [cell.outputs for cell in self.node.cells]


def kinds(outputs):
    return [each.output_type + (f" {each.name}" if "name" in each else "") for each in outputs]


def errors(outputs):
    return [f"{each.ename}: {each.evalue}" for each in outputs if each.output_type == "error"]


def test_a_cell_has_one_bar_for_each_thing_that_is_done(tmp_path):
    cells = [
        PREPARE,
        LOAD + "mt.fit(model, 'signs.csv', epochs=3, **how).metrics['accuracy'];",
        "mt.evaluate(model, 'signs.csv', show_progress=True, num_workers=0)['samples'];",
        "mt.embed(model, 'signs.csv', show_progress=True).shape;",
        "mt.evaluate(model, 'signs.csv', num_workers=0)['samples'];",
    ]
    prepared, fitted, measured, embedded, quiet = Notebook(tmp_path, cells).run()
    assert [errors(each) for each in (prepared, fitted, measured, embedded)] == [[], [], [], []]
    assert prepared == [] and quiet == []
    assert kinds(fitted) == ["stream stdout", "display_data", "display_data"]  # data, training, test part
    assert "signs.csv" in fitted[0].text
    training = fitted[1].data
    lines = training["text/plain"].splitlines()
    assert [line[:10] for line in lines] == ["epoch 1/3:", "epoch 2/3:", "epoch 3/3:", "training: "]
    assert re.fullmatch(r"training: \d+ batches, [\d.]+ s", lines[-1])
    assert "<progress" not in training["text/html"]  # it is over
    assert re.fullmatch(r"evaluating: 1 batches, [\d.]+ s", fitted[2].data["text/plain"])
    assert kinds(measured) == ["display_data"] and kinds(embedded) == ["display_data"]
    assert re.fullmatch(r"embedding: 240 samples, [\d.]+ s", embedded[0].data["text/plain"])


def test_an_interrupted_training_says_how_to_go_on_and_goes_on(tmp_path):
    train = LOAD + "result = mt.fit(model, 'signs.csv', epochs=12, batch_size=32, **how)"
    again = train.replace("**how", "resume=True, **how")
    look = "print(len(result.history), sorted(path.name for path in Path('runs/x').iterdir()))"
    notebook = Notebook(tmp_path, [PREPARE, train, "print('the kernel goes on')", again, look])
    stopped = threading.Thread(target=_interrupt, args=(notebook, tmp_path / "runs/x/metrics.csv"))
    stopped.start()
    prepared, interrupted, after, resumed, looked = notebook.run()
    stopped.join()
    assert errors(prepared) == []
    (said,) = errors(interrupted)
    assert said.startswith("KeyboardInterrupt: stopped; go on with") and "until then it predicts with epoch" in said
    assert after[0].text == "the kernel goes on\n"
    assert kinds(interrupted).count("display_data") == 1
    assert errors(resumed) == [] and errors(looked) == []
    count, _, names = looked[0].text.partition(" ")
    assert count == "12" and "checkpoints" not in names and "tmp" not in names
    first = next(each for each in resumed if each.output_type == "display_data")
    assert "epoch 12/12" in first.data["text/plain"] and "epoch 1/12" not in first.data["text/plain"]


def _interrupt(notebook, file):
    """As the button of a notebook does, after the second epoch."""
    until = time.monotonic() + 240
    while time.monotonic() < until and not (file.exists() and len(file.read_text().splitlines()) >= 3):
        time.sleep(0.05)
    os.kill(notebook.client.km.provisioner.pid, signal.SIGINT)
