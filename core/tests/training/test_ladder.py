"""The ladder: every rung on the same data within a time budget, one chosen on validation, and that one tested once."""

import json
import math
import time

import numpy as np
import pytest

import mt_core as mt
from mt_core.cli import main
from mt_core.cli.ladder import RUNGS as OF_THE_COMMAND
from mt_core.errors import OptionError, RunError
from mt_core.training.module import TrainingModule
from mt_core.training.rungs import RUNGS, Rung, recommend

pytestmark = pytest.mark.usefixtures("toy")


def rungs(**values):
    return [Rung(name, values=dict(enumerate(each))) for name, each in values.items()]


def test_the_best_is_recommended_where_it_is_better_by_more_than_chance():
    name, why = recommend(rungs(knn=(0.5, 0.52, 0.51), full=(0.9, 0.91, 0.92)), "accuracy", 0.1, higher_is_better=True)
    assert name == "full" and "best validation accuracy, 0.9100, over 3 seeds" in why


def test_a_cheaper_one_within_a_standard_error_seed_by_seed_is_recommended():
    # differences 0, 0.02 and -0.01: mean 0.0033, standard error 0.0088
    climbed = rungs(knn=(0.1, 0.1, 0.1), probe=(0.80, 0.88, 0.92), full=(0.80, 0.90, 0.91))
    name, why = recommend(climbed, "accuracy", 0.1, higher_is_better=True)
    assert name == "probe" and "one standard error (0.0088)" in why and "full with 0.8700" in why


def test_where_runs_differ_wildly_a_cheaper_one_still_has_to_keep_most_of_the_gain():
    climbed = rungs(knn=(0.1, 0.9, 0.5), full=(0.95, 0.9, 0.92))
    assert recommend(climbed, "accuracy", 0.1, higher_is_better=True)[0] == "full"


def test_lower_is_better_where_the_metric_is_an_error():
    climbed = rungs(knn=(3.0, 3.1, 3.2), full=(1.0, 1.1, 1.05))
    name, why = recommend(climbed, "rmse", 5.0, higher_is_better=False)
    assert name == "full" and "1.0500" in why


@pytest.mark.parametrize("seeds", [1, 2])
def test_with_few_seeds_the_best_is_taken_and_said_to_be_uncertain(seeds):
    climbed = rungs(knn=(0.5, 0.9)[:seeds], full=(0.8, 0.8)[:seeds])
    name, why = recommend(climbed, "accuracy", 0.1, higher_is_better=True)
    assert name == "full" and "chance cannot be told apart" in why


def test_rungs_are_compared_on_the_seeds_that_all_had_time_for():
    climbed = rungs(knn=(0.7, 0.2, 0.2), full=(0.6,))
    assert recommend(climbed, "accuracy", 0.1, higher_is_better=True)[0] == "knn"


def test_of_equals_the_cheapest_is_taken():
    climbed = rungs(knn=(0.9, 0.9, 0.9), full=(0.9, 0.9, 0.9))
    assert recommend(climbed, "accuracy", 0.1, higher_is_better=True)[0] == "knn"


def test_what_is_no_better_than_the_constant_answer_is_said_so():
    _, why = recommend(rungs(knn=(0.5,)), "accuracy", 0.6, higher_is_better=True)
    assert "constant answer (0.6000)" in why


def test_an_unknown_metric_value_is_worse_than_any_other():
    climbed = rungs(knn=(math.nan, math.nan, math.nan), full=(0.2, 0.3, 0.2))
    assert recommend(climbed, "auroc", math.nan, higher_is_better=True)[0] == "full"


# whole ladders


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder per class."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for sign, name in ((1, "rising"), (-1, "falling")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(20):
            series = sign * np.linspace(-1, 1, 12 + number) + 0.3 * random.normal(size=12 + number)
            np.save(tmp_path / "data" / name / f"{number}.npy", series.astype(np.float32))
    return tmp_path


SETTINGS = {"epochs": 1, "batch_size": 8, "num_workers": 0, "test_fraction": 0.2}


def climbed(folder, encoder, **more):
    given = {"minutes": 5, "seeds": 2, "encoder": encoder, **SETTINGS, **more}
    return mt.ladder("toy", folder / "data", folder / "out", **given)


@pytest.mark.slow
def test_every_rung_leaves_runs_and_the_recommended_one_is_tested_on_what_none_has_seen(folder, small_encoder_file):
    encoder = small_encoder_file
    result = climbed(folder, encoder, rungs=("probe", "knn"))
    assert [rung.name for rung in result.rungs] == ["knn", "probe"]
    for rung in result.rungs:
        assert set(rung.values) == {0, 1} and rung.seconds > 0 and not rung.skipped
        for seed, run in rung.runs.items():
            record = json.loads((run / "run.json").read_text())
            assert record["val_metrics"]["accuracy"] == rung.values[seed]
            assert record["test_metrics"] is None
    chosen = next(rung for rung in result.rungs if rung.name == result.recommended)
    for seed, run in chosen.runs.items():
        model = mt.load_run(run, encoder=encoder)
        measured = mt.evaluate(model, folder / "data", num_workers=0)  # what the run has not seen
        assert measured["accuracy"] == pytest.approx(result.test[seed]) and measured["samples"] == 8


def test_a_rung_that_is_not_for_the_task_or_not_installed_is_left_out_with_the_reason(
    folder, small_encoder_file, monkeypatch
):
    monkeypatch.setattr("mt_core.training.lora.find_spec", lambda name: None)
    result = climbed(folder, small_encoder_file, rungs=("knn", "lora"))
    left_out = result.rungs[1]
    assert "peft" in left_out.skipped and not left_out.values and result.recommended == "knn"
    with pytest.raises(OptionError, match="peft"):
        climbed(folder, small_encoder_file, rungs=("lora",), overwrite=True)


def test_a_ladder_ends_in_its_time_with_what_there_was_time_for(folder, small_encoder_file):
    began = time.monotonic()
    result = climbed(folder, small_encoder_file, rungs=("knn", "probe"), minutes=1e-6, seeds=50)
    assert len(result.rungs[0].values) == 1 and result.remark(result.rungs[0]) == "time for 1 of 50 seeds"
    assert time.monotonic() - began < 60


def test_a_folder_with_something_in_it_is_left_alone(folder, small_encoder_file):
    (folder / "out").mkdir()
    (folder / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        climbed(folder, small_encoder_file, overwrite=True)
    assert (folder / "out" / "thesis.tex").read_text() == "mine"


def test_an_unknown_rung_is_refused(folder, small_encoder_file):
    with pytest.raises(OptionError, match="ridge"):
        climbed(folder, small_encoder_file, rungs=("knn", "ridge"))


def test_the_rungs_of_the_command_are_those_of_the_ladder():
    assert OF_THE_COMMAND == RUNGS


def test_the_command_prints_a_table_and_writes_it(folder, small_encoder_file, capsys):
    line = ["ladder", "toy", "--data", "data", "--out", "lad", "--encoder", str(small_encoder_file), "--device", "cpu"]
    line += ["--minutes", "5", "--seeds", "1", "--rungs", "knn,probe,frozen", "--no-cache", "-H", "pool=mean"]
    line += [
        "--layers",
        "last",
        "--token-budget",
        "64",
        "-O",
        "noise=0.1",
        "-S",
        "num_workers=0",
        "-S",
        "epochs=1",
        "--precision",
        "fp32",
    ]
    assert main(line) == 0
    runs = [json.loads(path.read_text()) for path in (folder / "lad").rglob("run.json")]
    assert len(runs) == 3 and {run["recipe"]["precision"] for run in runs} == {"32"}
    assert {run["encoder"]["token_budget"] for run in runs} == {"merge:64"}
    told = capsys.readouterr()
    table = told.out.splitlines()
    assert table[0].split() == "rung validation accuracy trained parameters seconds peak memory".split()
    assert [row.split()[0] for row in table[1:4]] == ["knn", "probe", "frozen"]
    record = json.loads((folder / "lad" / "ladder.json").read_text())
    assert any(row == f"recommended: {record['reason']}" for row in table)
    assert f"{record['rungs'][0]['mean']:.4f}" in table[1] and "knn, seed 0" in told.err
    assert (folder / "lad" / "ladder.png").read_bytes().startswith(b"\x89PNG")
    assert main(line) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*line, "--resume"]) == 0
    assert capsys.readouterr().out.splitlines() == table
    assert main([*line, "--overwrite", "-q"]) == 0
    assert main([*line[:-1], "--rungs", "ridge"]) == 2


def test_views_and_options_of_the_data_reach_the_ladder(folder, small_encoder_file, capsys):
    line = ["ladder", "toy", "--data", "data", "--out", "lad", "--encoder", str(small_encoder_file)]
    assert main([*line, "--view", "picture"]) == 2
    assert "view" in capsys.readouterr().err
    assert main([*line, "-D", "colour=red"]) == 2
    assert "colour" in capsys.readouterr().err


# a ladder that goes on


def weights(run):
    return (run / "weights.safetensors").read_bytes()


@pytest.mark.slow
def test_a_ladder_that_was_killed_goes_on_to_what_an_undisturbed_one_gives(folder, small_encoder_file, monkeypatch):
    whole = climbed(folder, small_encoder_file, rungs=("knn", "frozen"))
    kept = {(rung.name, seed): weights(run) for rung in whole.rungs for seed, run in rung.runs.items()}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt, match="--resume"):
        training_step = TrainingModule.training_step

        def stopping(self, batch, index):
            if self.recipe.seed == 1:
                raise KeyboardInterrupt
            return training_step(self, batch, index)

        patch.setattr(TrainingModule, "training_step", stopping)
        climbed(folder, small_encoder_file, rungs=("knn", "frozen"), overwrite=True)
    record = json.loads((folder / "out" / "ladder.json").read_text())
    assert record["status"] == "unfinished" and not (folder / "out" / "ladder.png").exists()
    assert [[*rung["values"]] for rung in record["rungs"]] == [["0", "1"], ["0"]]
    before = [run.stat().st_mtime_ns for run in (folder / "out").glob("*-0/run.json")]
    result = climbed(folder, small_encoder_file, rungs=("knn", "frozen"), resume=True)
    assert [run.stat().st_mtime_ns for run in (folder / "out").glob("*-0/run.json")] == before
    assert [rung.values for rung in result.rungs] == [rung.values for rung in whole.rungs]
    assert {(rung.name, seed): weights(run) for rung in result.rungs for seed, run in rung.runs.items()} == kept
    assert (result.reason, result.test, result.baseline) == (whole.reason, whole.test, whole.baseline)


def test_a_complete_ladder_takes_more_seeds_and_rungs_and_measures_nothing_twice(
    folder, small_encoder_file, monkeypatch
):
    first = climbed(folder, small_encoder_file, rungs=("knn",), seeds=1)
    more = climbed(folder, small_encoder_file, rungs=("probe",), resume=True)
    assert [(rung.name, set(rung.values)) for rung in more.rungs] == [("knn", {0}), ("probe", {0, 1})]
    assert more.rungs[0].values == first.rungs[0].values and more.seconds > first.seconds
    monkeypatch.setattr("mt_core.training.ladder_runs.fit", None)
    monkeypatch.setattr("mt_core.training.ladder_runs.evaluate", None)
    again = climbed(folder, small_encoder_file, rungs=("probe",), resume=True)
    assert again.lines() == more.lines()


def test_a_ladder_goes_on_with_the_data_and_options_it_was_started_with_alone(folder, small_encoder_file):
    encoder, how = small_encoder_file, {"rungs": ("knn",), "seeds": 1}
    climbed(folder, encoder, **how)
    changes = {
        "encoder": ("random/vit_tiny_patch16_224", {}),
        "encoder.layers": (encoder, {"layers": (0, 2)}),
        "tokenizer_options": (encoder, {"tokenizer_options": {"noise": 0.5}}),
        "settings": (encoder, {"epochs": 2}),
    }
    for named, (other, change) in changes.items():
        with pytest.raises(RunError, match=rf"other settings \(.*{named}"):
            climbed(folder, other, resume=True, **how, **change)
    for file in (folder / "data" / "rising").glob("*.npy"):
        np.save(file, -np.load(file))
    with pytest.raises(RunError, match=r"other settings \(data\): data\.samples\n"):
        climbed(folder, encoder, resume=True, **how)


def test_there_is_nothing_to_go_on_with_where_there_is_no_ladder(folder, small_encoder_file):
    with pytest.raises(RunError, match="holds no ladder"):
        climbed(folder, small_encoder_file, resume=True)


def test_a_ladder_takes_encoder_and_options_of_a_model_and_leaves_it_as_it_was(folder, small_encoder):
    model = mt.load("toy", encoder=small_encoder, noise=0.5)
    before = small_encoder.fingerprint
    result = mt.ladder(model, folder / "data", folder / "out", seeds=1, rungs=("full",), **SETTINGS)
    record = json.loads((result.rungs[0].runs[0] / "run.json").read_text())
    assert record["tokenizer"]["options"]["noise"] == 0.5 and record["encoder"]["fingerprint"] == before
    assert model.head is None and model.encoder.is_frozen
    small_encoder.verify()
    with pytest.raises(OptionError, match="its own encoder"):
        mt.ladder(model, folder / "data", folder / "other", layers="last")


def test_what_a_ladder_sets_itself_is_not_taken_as_a_setting(folder, small_encoder_file):
    with pytest.raises(OptionError, match="a ladder sets seed itself") as refusal:
        climbed(folder, small_encoder_file, seed=3)
    assert refusal.value.fix == "give seeds"
