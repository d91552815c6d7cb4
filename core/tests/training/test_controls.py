"""A run beside its controls: the same samples, the same settings, other encoders; and what is said of the outcome."""

import json

import numpy as np
import pytest
import torch

import mt_core as mt
from mt_core.cli import main
from mt_core.contract import Classification
from mt_core.data.in_memory import InMemoryDataset
from mt_core.encoder.controls import architecture_of, no_encoder_control, random_control
from mt_core.errors import OptionError, RunError
from mt_core.training import control_bench, controls
from mt_core.training.comparison import Comparison, Control, read_comparison
from mt_core.training.intervals import percentile_interval, resampled_rows, student_interval
from mt_core.training.trained_on import training_parts

pytestmark = pytest.mark.usefixtures("toy")
QUICK = {"epochs": 1, "batch_size": 8, "num_workers": 0}


@pytest.fixture
def encoder(small_encoder):
    """As if its weights were trained, so that random ones are a control of it."""
    small_encoder.is_trained = True
    return small_encoder


@pytest.fixture
def folder(tmp_path):
    """30 rising and 30 falling series with noise, without splits."""
    random = np.random.default_rng(0)
    for sign, name in ((1, "rising"), (-1, "falling")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(30):
            series = sign * np.linspace(-1, 1, 16) + random.normal(size=16)
            np.save(tmp_path / "data" / name / f"{number:02}.npy", series.astype(np.float32))
    return tmp_path / "data"


@pytest.fixture
def measured_on(monkeypatch):
    """The samples that each control is trained and measured on, as sets of paths."""
    seen = []

    def paths(dataset):
        return frozenset(str(dataset[index].sample) for index in range(len(dataset)))

    fit, measure, read = control_bench.fit, control_bench.measure, control_bench.read_features
    monkeypatch.setattr(
        control_bench, "fit", lambda model, train, val, **more: seen.append(("train", paths(train), paths(val)))
        or fit(model, train, val, **more)
    )  # fmt: skip
    monkeypatch.setattr(
        control_bench, "measure", lambda model, data, *more, **others: seen.append(("test", paths(data)))
        or measure(model, data, *more, **others)
    )  # fmt: skip
    monkeypatch.setattr(
        control_bench, "read_features", lambda baseline, data, **more: seen.append(("native", paths(data)))
        or read(baseline, data, **more)
    )  # fmt: skip
    return seen


def test_controls_of_a_run_of_several_processes_are_trained_by_one(folder, encoder):
    model = mt.load("toy", encoder=encoder)
    mt.fit(model, folder, **QUICK)
    model.trained_on.recipe.update(devices=2, num_nodes=2, shard=True)
    recipe, _ = training_parts(model)
    assert (recipe.devices, recipe.num_nodes, recipe.shard) == (1, 1, False)


def test_controls_have_the_samples_of_the_run_and_nothing_else(folder, tmp_path, encoder, measured_on):
    model = mt.load("toy", encoder=encoder)
    mt.fit(model, folder, out=tmp_path / "run", **QUICK)
    parts = model.trained_on.parts
    train, val, test = (
        frozenset(str(part[index].sample) for index in range(len(part)))
        for part in (parts.train, parts.val, parts.test)
    )
    loaded = mt.load_run(tmp_path / "run", encoder=encoder)
    result = mt.evaluate(loaded, folder, num_workers=0, controls=True)
    assert measured_on == [("train", train, val), ("test", test)] * 2 + [("native", train), ("native", test)]
    assert [row.kind for row in result.controls.rows] == ["run", "random", "none", "native", "constant"]
    assert result["samples"] == result.controls.samples == len(test)
    assert result.controls.rows[0].value == result["accuracy"]


def test_other_seeds_are_trained_on_the_same_split(folder, encoder, measured_on):
    model = mt.load("toy", encoder=encoder)
    mt.fit(model, folder, **QUICK)
    result = mt.evaluate(model, model.trained_on.parts.test, num_workers=0, controls=True, control_seeds=2)
    assert len({entry for entry in measured_on if entry[0] == "train"}) == 1
    assert len(measured_on) == 2 * (1 + 2 + 2) + 2
    assert {kind: len(result.controls.row(kind).values) for kind in ("run", "random", "none", "native")} == {
        "run": 2, "random": 2, "none": 2, "native": 2,
    }  # fmt: skip
    assert "seeds" in result.controls.intervals


def test_controls_of_an_encoder_that_was_trained_too_begin_from_what_it_was(folder, small_encoder_file):
    before = mt.load_encoder(small_encoder_file).fingerprint
    model = mt.load("toy", encoder=small_encoder_file)
    mt.fit(model, folder, tune="full", **QUICK)
    own = controls._own_encoder(model)
    assert own.fingerprint == before != model.encoder.fingerprint
    result = mt.evaluate(model, model.trained_on.parts.test, num_workers=0, controls=True)
    assert [row.kind for row in result.controls.rows] == ["run", "none", "native", "constant"]


def test_a_folder_with_other_samples_than_those_trained_on_is_refused(folder, tmp_path, encoder):
    model = mt.load("toy", encoder=encoder)
    mt.fit(model, folder, out=tmp_path / "run", **QUICK)
    gone = model.trained_on.parts.train[0].sample
    gone.unlink()
    loaded = mt.load_run(tmp_path / "run", encoder=encoder)
    with pytest.raises(RunError, match="does not hold the samples that the run was trained on"):
        mt.evaluate(loaded, model.trained_on.parts.test, num_workers=0, controls=True)


def test_training_data_that_have_been_moved_are_asked_for_and_taken_from_where_they_are(folder, tmp_path, encoder):
    model = mt.load("toy", encoder=encoder)
    mt.fit(model, folder, out=tmp_path / "run", **QUICK)
    moved = folder.rename(tmp_path / "moved")
    loaded = mt.load_run(tmp_path / "run", encoder=encoder)
    with pytest.raises(OptionError, match="which is not there"):
        mt.evaluate(loaded, moved, num_workers=0, controls=True)
    assert mt.evaluate(loaded, moved, num_workers=0, controls=True, train_data=moved).controls.row("none")


def test_a_model_that_was_not_trained_has_no_controls(small_encoder):
    model = mt.load("toy", encoder=small_encoder)
    task = Classification(classes=("a", "b"))
    model.attach_head(task)
    data = InMemoryDataset([np.ones(8, np.float32)] * 2, [0, 1], task)
    with pytest.raises(OptionError, match="controls need the settings of a training"):
        mt.evaluate(model, data, num_workers=0, controls=True)


def test_a_random_control_has_the_shapes_of_the_encoder_and_none_of_its_weights(small_encoder):
    control, again = random_control(small_encoder, 1), random_control(small_encoder, 1)
    assert control.fingerprint == again.fingerprint != random_control(small_encoder, 2).fingerprint
    before, after = small_encoder.state_dict(), control.state_dict()
    assert {name: tensor.shape for name, tensor in before.items()} == {n: t.shape for n, t in after.items()}
    assert not torch.equal(before["blocks.0.attn.qkv.weight"], after["blocks.0.attn.qkv.weight"])
    small_encoder.verify()


def test_a_named_encoder_has_controls_that_users_can_load_by_name():
    tiny = mt.load_encoder("mt-tiny")
    assert architecture_of(tiny) == "vit_tiny_patch16_224"
    named = {make.name: make for make in (random_control(tiny, 0), random_control(tiny, 3), no_encoder_control(tiny))}
    for name, control in named.items():
        assert mt.load_encoder(name).fingerprint == control.fingerprint
    assert list(named) == [
        "random/vit_tiny_patch16_224", "random/vit_tiny_patch16_224@3", "none/vit_tiny_patch16_224",
    ]  # fmt: skip


def test_a_run_on_random_weights_is_not_its_own_control(folder):
    model = mt.load("toy", encoder="random/vit_tiny_patch16_224")
    mt.fit(model, folder, **QUICK)
    result = mt.evaluate(model, model.trained_on.parts.test, num_workers=0, controls=True)
    assert [row.kind for row in result.controls.rows] == ["run", "none", "native", "constant"]


def test_without_an_encoder_a_pooling_by_cls_is_one_by_the_mean(folder, encoder):
    model = mt.load("toy", encoder=encoder)
    mt.fit(model, folder, **QUICK, head={"pool": "cls+mean"})
    result = mt.evaluate(model, model.trained_on.parts.test, num_workers=0, controls=True)
    assert {row.kind for row in result.controls.rows} == {"run", "random", "none", "native", "constant"}
    assert not any("not measured" in note for note in result.controls.notes)


def test_the_bootstrap_interval_of_a_share_is_that_of_the_binomial_distribution():
    right = np.zeros(400)
    right[:300] = 1
    low, high = percentile_interval(np.array([right[rows].mean() for rows in resampled_rows(400, None)]))
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert low == pytest.approx(0.75 - half, abs=0.008) and high == pytest.approx(0.75 + half, abs=0.008)


def test_samples_of_one_group_are_drawn_together():
    for rows in resampled_rows(6, ["a", "a", "b", "b", "b", None])[:50]:
        counts = np.bincount(rows, minlength=6)
        assert counts[0] == counts[1] and counts[2] == counts[3] == counts[4]


def test_the_interval_over_seeds_is_that_of_students_distribution():
    from scipy import stats

    values = [0.81, 0.84, 0.86, 0.80]
    expected = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert student_interval(values) == pytest.approx(expected, abs=1e-4)
    assert student_interval([0.5]) is None and student_interval([0.5, 0.5]) is None


def comparison(gain, interval, note="", independent=None):
    rows = [
        Control("run", "this run", "", {}, [0.8]),
        Control("none", "no encoder", "", {}, [0.8 - gain], None, gain, interval, note),
    ]
    return Comparison("accuracy", True, rows, "the test part", 50, [0], "", independent=independent)


@pytest.mark.parametrize(
    ("gain", "interval", "note", "says"),
    [
        (0.10, (0.05, 0.15), "", "the encoder helps"),
        (0.01, (-0.03, 0.05), "", "no encoder may have done as well"),
        (-0.01, (-0.05, 0.03), "", "no encoder would have done as well"),
        (-0.10, (-0.15, -0.05), "", "no encoder would have done better"),
        (0.10, (0.05, 0.15), "stopped after 1 of 9 epochs", "whether the encoder helps is not known"),
        (-0.01, (-0.05, 0.03), "stopped after 1 of 9 epochs", "no encoder would have done as well"),
        (0.10, None, "", "the encoder is ahead"),
    ],
)
def test_what_is_said_follows_from_the_interval(gain, interval, note, says):
    assert comparison(gain, interval, note).verdict().startswith(says)


@pytest.mark.parametrize(
    ("independent", "says"),
    [(19, "too few groups (19) to tell"), (50, "the encoder helps"), (20, "the encoder helps"), (None, "the encoder")],
)
def test_nothing_follows_from_few_samples_or_groups_of_them(independent, says):
    verdict = comparison(0.10, (0.05, 0.15), independent=independent).verdict()
    assert verdict.startswith(says) and "0.8000 with it" in verdict


def test_few_samples_are_counted_as_they_are_measured(folder, tmp_path, encoder):
    model = mt.load("toy", encoder=encoder)
    mt.fit(model, folder, **QUICK)
    test = model.trained_on.parts.test
    result = mt.evaluate(model, test, num_workers=0, controls=True)
    assert result.controls.independent == len(test) < 20
    assert result.controls.verdict().startswith("too few samples to tell whether the encoder helps: accuracy")


@pytest.mark.parametrize(
    ("groups", "count"), [(None, 6), (["a", "a", "b", "b", "b", None], 3), ([None] * 6, 6), (["a"] * 6, 1)]
)
def test_samples_of_one_group_count_once(groups, count):
    dataset = InMemoryDataset([np.zeros(8)] * 6, [0] * 6, Classification(classes=("a", "b")))
    dataset.groups = lambda: groups
    assert controls._independent(dataset, 6) == count


def test_nothing_is_said_where_no_encoder_was_not_measured():
    assert Comparison("accuracy", True, [Control("run", "this run", "", {}, [0.8])], "", 5, [0], "").verdict() == ""


def test_training_says_at_its_end_what_the_encoder_adds_only_where_it_was_measured(
    folder, tmp_path, small_encoder_file, capsys
):
    arguments = ["train", "toy", "--data", str(folder), "--encoder", str(small_encoder_file), "--epochs", "1"]
    arguments += ["--batch-size", "8", "--num-workers", "0", "-q", "--out"]
    assert main([*arguments, str(tmp_path / "bare")]) == 0
    assert "encoder" not in capsys.readouterr().out.splitlines()[-1]
    more = ["--controls", "--control-seeds", "1", "--control-minutes", "5"]
    assert main([*arguments, str(tmp_path / "run"), *more]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "encoder" in last and "held-out test part" in last
    kept = read_comparison(tmp_path / "run")
    assert kept.verdict() == last
    assert "Beside its controls" in (tmp_path / "run" / "report.html").read_text()


def test_evaluate_shows_controls_beside_the_result_and_in_the_report(folder, tmp_path, small_encoder_file, capsys):
    run, where = str(tmp_path / "run"), ["--encoder", str(small_encoder_file), "--num-workers", "0", "-q"]
    quick = ["--epochs", "1", "--batch-size", "8"]
    assert main(["train", "toy", "--data", str(folder), "--out", run, *quick, *where]) == 0
    capsys.readouterr()
    asked = ["evaluate", run, "--data", str(folder), *where, "--controls", "--train-data", str(folder)]
    assert main([*asked, "--control-seeds", "1", "--control-minutes", "5"]) == 0
    out = capsys.readouterr().out
    assert "both ends, logistic regression" in out and "no encoder" in out
    assert "Beside its controls" in (tmp_path / "run" / "report.html").read_text()
    assert main([*asked, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["controls"]["rows"][0]["values"] == [record["metrics"]["accuracy"]]
