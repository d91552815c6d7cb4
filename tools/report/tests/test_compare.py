"""mt compare: runs side by side."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from sklearn.metrics import accuracy_score

import mt_core as mt
from mt_core.errors import OptionError, RunError
from mt_report import compare_runs
from mt_report.comparing.command import command
from mt_report.comparing.samples import samples_tested
from mt_report.part import open_part
from mt_report.run_facts import read_run


@pytest.fixture
def compare():
    """Runs `mt compare …`: exit code and output; an error of ours is raised."""

    def call(*arguments):
        words = [*(str(each) for each in arguments), "--num-workers", "0", "-q", "--device", "cpu"]
        ran = CliRunner().invoke(command, words, standalone_mode=False)
        if ran.exception is not None:
            raise ran.exception
        return ran.return_value, ran.stdout

    return call


@pytest.fixture(scope="module")
def runs(trained, encoder, tmp_path_factory):
    """Folders of a run, of one with another rate on the same data and split, and of one that was split otherwise."""
    first = trained("classification")
    root = json.loads((read_run(first.run).folder / "run.json").read_text())["data"]["root"]
    folder = tmp_path_factory.mktemp("runs")
    for name, settings in (("fast", {"lr": 0.02}), ("other", {"seed": 5})):
        model = mt.load("tabular", encoder=encoder, purpose="train")
        how = {"data_options": {"target": "answer"}, "num_workers": 0, "batch_size": 16, "epochs": 2, **settings}
        mt.fit(model, root, out=folder / name, **how)
    return first.run, folder / "fast", folder / "other"


def test_a_pair_on_the_same_samples_has_values_intervals_and_a_difference(runs, monkeypatch):
    monkeypatch.setattr("mt_core.training.intervals.RESAMPLES", 100)
    found = compare_runs(runs[:2], num_workers=0)
    assert found.are_comparable and [each.group for each in found.contenders] == ["A", "A"]
    for each, folder in zip(found.contenders, runs, strict=False):
        model = mt.load_run(folder)
        dataset = open_part(model, None, None).dataset
        names = dataset.task.classes
        answers = mt.predict(model, [dataset[index].sample for index in range(len(dataset))])
        best = [names.index(answer["prediction"]) for answer in answers]
        assert each.value == pytest.approx(accuracy_score(list(dataset.targets()), best), abs=1e-6)
        assert each.interval[0] <= each.value <= each.interval[1]
    first, second = found.contenders
    assert first.gain is None and second.gain == pytest.approx(second.value - first.value)
    assert second.gain_interval[0] <= second.gain <= second.gain_interval[1]
    assert dict(found.settings)["lr"][1] == "0.02" and "seed" not in dict(found.settings)


def test_other_samples_are_marked_and_make_the_exit_code_one(compare, runs):
    code, out = compare(*runs, "--recorded")
    assert code == 1
    rows = [line.split() for line in out.splitlines()[2:5]]
    assert [row[-1] for row in rows] == ["A", "A", "B"]
    assert "These runs were not tested on the same samples. Only metrics of one letter compare (A: " in out
    assert "  seed " in out and "  lr " in out
    code, out = compare(*runs[:2], "--recorded")
    assert code == 0 and "All were tested on the same samples." in out


def test_the_order_and_the_folder_of_the_samples_do_not_matter_and_targets_do(runs, tmp_path):
    facts = read_run(runs[0])
    moved = tmp_path / "moved"
    shutil.copytree(runs[0], moved)
    record = json.loads((moved / "run.json").read_text())
    table = tmp_path / "copy.csv"
    lines = Path(record["data"]["root"]).read_text()
    table.write_text(lines)
    record["data"]["root"] = str(table)
    (moved / "run.json").write_text(json.dumps(record))
    assert samples_tested(read_run(moved)).fingerprint == samples_tested(facts).fingerprint != ""
    table.write_text(lines.replace(",yes", ",maybe").replace(",no", ",yes").replace(",maybe", ",no"))
    assert samples_tested(read_run(moved)).fingerprint != samples_tested(facts).fingerprint


def test_where_the_data_are_gone_the_records_decide(runs, compare, tmp_path):
    copies = []
    for number, run in enumerate((runs[0], runs[1], runs[2])):
        copies.append(tmp_path / str(number))
        shutil.copytree(run, copies[-1])
        record = json.loads((copies[-1] / "run.json").read_text())
        record["data"]["root"] = "/gone/away.csv"
        (copies[-1] / "run.json").write_text(json.dumps(record))
    code, out = compare(*copies[:2])
    assert code == 0 and "was not measured, its record is shown" in out and "/gone/away.csv" in out
    assert compare(*copies, "--recorded")[0] == 1
    (copies[0] / "training_samples.npy").unlink()
    code, out = compare(*copies[:2], "--recorded")
    assert code == 1 and "is not known: do not compare their metrics" in out


def test_json_and_a_page(compare, runs, tmp_path, html):
    code, out = compare(*runs, "--recorded", "--json", "-o", tmp_path / "new" / "c.html")
    found = json.loads(out)
    assert code == 1 and [run["tested_on"] for run in found["runs"]] == ["A", "A", "B"]
    assert found["metric"] == "accuracy" and not found["are_comparable"] and found["settings"]["lr"][1] == "0.02"
    text = (tmp_path / "new" / "c.html").read_text()
    assert html.loaded_from_outside(text) == [] and len(html.Elements(text).of("svg")) == 2
    settings = {name: values for name, *values in html.rows_of(text, "Settings that differ")}
    assert settings["seed"] == ["0", "0", "5"]


def test_what_cannot_be_compared_is_refused(compare, runs, trained, tmp_path):
    with pytest.raises(OptionError, match="at least two runs"):
        compare(runs[0])
    with pytest.raises(OptionError, match=r"of the task classification and .* of regression"):
        compare(runs[0], trained("regression").run)
    with pytest.raises(RunError, match="holds no run"):
        compare(runs[0], tmp_path)


@pytest.mark.slow
def test_runs_that_find_objects_have_intervals_and_a_gain_of_nothing_over_themselves(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("mt_core.training.intervals.RESAMPLES", 100)
    run = trained("detection").run
    again = shutil.copytree(run, tmp_path / "again")
    first, second = compare_runs([run, again], num_workers=0).contenders
    assert first.value == second.value == pytest.approx(read_run(run).record["test_metrics"]["map"], abs=1e-6)
    assert first.interval[0] <= first.value <= first.interval[1]
    assert second.gain == 0 and second.gain_interval == (0, 0)
