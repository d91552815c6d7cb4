"""mt report on the command line."""

import json
import shutil
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mt_core.errors import DatasetError, InputError, MissingDependencyError, MissingSplitError, OptionError, RunError
from mt_report.command import command
from mt_report.run_facts import read_run


@pytest.fixture
def report():
    """Runs `mt report …`: exit code and output; an error of ours is raised."""

    def call(*arguments):
        ran = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
        if ran.exception is not None:
            raise ran.exception
        return ran.return_value, ran.stdout

    return call


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run of the classification, and where its data lie."""
    folder = tmp_path / "run"
    shutil.copytree(trained("classification").run, folder)
    return folder, Path(json.loads((folder / "run.json").read_text())["data"]["root"])


def test_a_run_becomes_a_file_in_its_folder_that_is_opened(report, run, encoder, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    code, out = report(run[0], "--encoder", encoder.name, "--num-workers", "0", "--open", "-q")
    assert code == 0 and opened == [(run[0] / "full-report.html").as_uri()]
    first, second = out.splitlines()
    assert first.startswith("accuracy ") and "held-out test part" in first
    assert second.startswith(f"report: {run[0]}/full-report.html (")


def test_another_part_and_other_data_are_named_in_the_report(report, run, encoder, tmp_path):
    how = ("--encoder", encoder.name, "--num-workers", "0", "-q", "--device", "cpu")
    _, out = report(run[0], "--split", "val", "-o", tmp_path / "new" / "v.html", *how)
    assert "held-out part (seed 0)" in out
    text = (tmp_path / "new" / "v.html").read_text()
    assert "also selected the epoch" in text
    other = tmp_path / "other.csv"
    other.write_text("\n".join(["a,b,answer", *(f"{a / 7},{-a / 9},{('no', 'yes')[a % 2]}" for a in range(3, 33))]))
    _, out = report(run[0], "--data", other, "--split", "all", "-o", tmp_path / "o.html", "--map", "pca", *how)
    assert "accuracy" in out and "on 30 samples of" in out


def test_without_its_data_the_record_is_shown_and_the_reason(html, report, run, encoder):
    record = json.loads((run[0] / "run.json").read_text())
    record["data"]["root"] = "/gone/away.csv"
    (run[0] / "run.json").write_text(json.dumps(record))
    _, out = report(run[0], "--encoder", encoder.name, "-q", "-o", run[0] / "r.html")
    assert out.startswith("from the record alone: ") and "/gone/away.csv, which is not there" in out
    text = (run[0] / "r.html").read_text()
    assert "As the training recorded it" in text and "/gone/away.csv, which is not there" in text
    assert f"{record['test_metrics']['accuracy']:.4g}" in text
    assert len(html.Elements(text).of("svg")) == 2


def test_controls_that_were_measured_stand_beside_the_metric(report, run, encoder):
    rows = [
        {
            "kind": "run",
            "title": "this run",
            "description": "own",
            "metrics": {},
            "values": [0.9],
            "interval": [0.8, 1.0],
        },
        {"kind": "none", "title": "no encoder", "description": "none/x", "metrics": {}, "values": [0.7], "gain": 0.2},
    ]
    record = {"format": 1, "metric": "accuracy", "higher_is_better": True, "rows": rows, "measured_on": "some.csv"}
    record |= {"samples": 40, "seeds": [0], "intervals": "", "notes": [], "independent": 40}
    (run[0] / "controls.json").write_text(json.dumps(record))
    report(run[0], "--encoder", encoder.name, "--num-workers", "0", "-q", "-o", run[0] / "r.html")
    text = (run[0] / "r.html").read_text()
    assert "The encoder is ahead: accuracy 0.7000 without it, 0.9000 with it" in text
    assert "Controls were not measured" not in text


def test_what_cannot_be_reported_is_refused(report, run, encoder, tmp_path):
    how = ("--encoder", encoder.name, "--num-workers", "0", "-q")
    with pytest.raises(RunError, match="holds no run"):
        report(tmp_path)
    with pytest.raises((InputError, DatasetError), match="nowhere"):
        report(run[0], "--data", tmp_path / "nowhere", *how)
    with pytest.raises((OptionError, MissingSplitError), match="nosuch"):
        report(run[0], "--split", "nosuch", *how)
    with pytest.raises(RunError, match="cannot be understood"):
        record = json.loads((run[0] / "run.json").read_text())
        del record["encoder"]
        (run[0] / "run.json").write_text(json.dumps(record))
        read_run(run[0])


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"head": None, "task": None}, "was adapted without labels"),
        ({"task": {"kind": "alignment"}}, "aligns several inputs"),
        ({"val_metrics": None}, "has no metrics yet"),
    ],
)
def test_a_run_without_predictions_is_refused(report, run, changed, problem):
    record = json.loads((run[0] / "run.json").read_text())
    (run[0] / "run.json").write_text(json.dumps({**record, **changed}))
    with pytest.raises(RunError, match=problem):
        report(run[0], "-q")


def test_the_peak_memory_of_the_training_is_in_the_report(html, reported, trained):
    shown = dict(html.rows_of(reported("classification")[1], "Cost of the training"))
    peak = read_run(trained("classification").run).record["peak_memory"]
    expected = "not measured" if peak is None else f"{peak / 1e9:.3g} GB" if peak >= 1e9 else f"{peak / 1e6:.3g} MB"
    assert shown["peak memory of the training"] == expected


def test_the_energy_of_the_training_is_in_the_report(html, report, run, encoder):
    record = json.loads((run[0] / "run.json").read_text())
    (run[0] / "run.json").write_text(json.dumps({**record, "energy": {"processors": 7200.0, "gpu": 1.5}}))
    report(run[0], "--encoder", encoder.name, "--num-workers", "0", "-q")
    shown = dict(html.rows_of((run[0] / "full-report.html").read_text(), "Cost of the training"))
    assert shown["energy of the processors"] == "7,200 J (2 Wh)" and shown["energy of the GPU"].startswith("1.5 J")
    assert record["energy"] == {} or record["energy"]["processors"] > 0  # where this machine tells


def test_a_map_by_umap_needs_umap(report, run, encoder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(MissingDependencyError, match="umap-learn"):
        report(run[0], "--map", "umap", "--encoder", encoder.name, "--num-workers", "0", "-q")
    assert not list(run[0].glob("full-report*"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Tensorflow not installed")
@pytest.mark.parametrize("count", [3, 40, 300])
def test_umap_lays_vectors_out_so_that_groups_stay_apart(count):
    pytest.importorskip("umap")
    from mt_report.sections.vector_map import _umap

    vectors = np.random.default_rng(0).normal(size=(count, 16)).astype(np.float32)
    vectors[: count // 2] += 20
    plane = _umap(vectors)
    assert plane.shape == (count, 2) and np.isfinite(plane).all()
    assert (plane == _umap(vectors)).all()
    if count > 3:
        near = np.linalg.norm(plane[:, None] - plane[None], axis=-1) + 1e9 * np.eye(count)
        is_first = np.arange(count) < count // 2
        assert (is_first[near.argmin(1)] == is_first).all()


def test_the_command_that_is_shown_has_the_settings_of_the_run(trained, encoder):
    facts = read_run(trained("classification").run)
    words = facts.command().split()
    assert words[:3] == ["mt", "train", "tabular"]
    for flag, value in (("--epochs", "2"), ("--batch-size", "16"), ("-D", "target=answer")):
        assert words[words.index(flag) + 1] == value
