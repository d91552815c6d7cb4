"""What benchmarks/evidence.py computes from measurements, and how it keeps them."""

import importlib
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """A module of benchmarks/, by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def make_line(script):
    """A line of an arm whose test samples are right (1) or wrong (0)."""
    records = script("evidence_records")

    def make(arm, right, seed=0, **changes):
        right = np.asarray(right, float)
        metric = records.resampled_metric(lambda rows: 100 * float(right[rows].mean()), len(right))
        given = {"dataset": "fsdd", "regime": "untrained", "labels": None, "recipe": "r", "data": "d"}
        key = records.Key(**{**given, "arm": arm, "seed": seed, "fingerprint": arm, **changes})
        return records.Line(key, {"probe": metric}, 9, len(right), 0.1, {"unit": "%", "constant": 10.0})

    return make


def test_an_interval_of_a_share_is_that_of_the_binomial_distribution(script, make_line):
    right = np.arange(400) % 4 > 0  # 75 %: a standard error of 2.165 points
    estimate = script("evidence_intervals").mean_over_seeds({0: make_line("none", right).metrics["probe"]})
    assert estimate.value == 75
    assert (estimate.low, estimate.high) == pytest.approx((75 - 1.96 * 2.165, 75 + 1.96 * 2.165), abs=0.8)


def test_a_difference_is_paired_by_samples(script, make_line):
    """Two arms that are right on the same samples but for ten differ surely, however hard the samples are."""
    second = np.arange(400) % 2 == 0
    first = second | (np.arange(400) < 20)
    found = script("evidence_intervals").difference(
        {0: make_line("mt-tiny", first).metrics["probe"]}, {0: make_line("none", second).metrics["probe"]}
    )
    assert found.value == pytest.approx(2.5) and 0 < found.low < 2.5 < found.high < 5


def test_seeds_that_differ_widen_the_interval_by_their_standard_error(script):
    """Three seeds without any spread over samples: standard deviation 2, so a standard error of 2 / sqrt(3)."""
    records, intervals = script("evidence_records"), script("evidence_intervals")
    seeds = {seed: records.Metric(value, np.full(500, value)) for seed, value in enumerate((68.0, 70.0, 72.0))}
    drawn = intervals._mean_resampled(seeds)
    assert intervals.mean_over_seeds(seeds).value == 70
    assert drawn.std() == pytest.approx(2 / np.sqrt(3), rel=0.1)


def test_a_line_comes_back_from_its_file_as_it_was(script, make_line, tmp_path):
    records = script("evidence_records")
    file, line = records.Records(tmp_path / "some.jsonl"), make_line("none", [1, 0, 1, 1] * 20)
    file.add(line)
    found = file.find(line.key)
    assert found.metrics["probe"].value == 75
    np.testing.assert_allclose(found.metrics["probe"].resampled, line.metrics["probe"].resampled, atol=0.02)


def test_the_rest_of_a_line_of_a_killed_process_spoils_nothing(script, make_line, tmp_path):
    records = script("evidence_records")
    file = records.Records(tmp_path / "some.jsonl")
    file.add(make_line("none", [1, 0]))
    whole = file.path.read_text()
    file.path.write_text(whole + whole[: len(whole) // 2])
    file.add(make_line("random", [1, 1]))
    assert [line.key.arm for line in file.lines()] == ["none", "random"]


def test_of_two_measurements_the_later_counts(script, make_line):
    lines = [make_line("none", [1, 0, 0, 0]), make_line("none", [1, 1, 0, 0], recipe="newer")]
    (compared,) = script("evidence_select").selected(lines, "untrained", "tiny")
    assert compared.mean("none").value == 50


def test_a_control_is_shown_in_the_view_that_it_does_best_in(script, make_line):
    lines = [make_line("random", [1, 0]), make_line("random", [1, 1], recipe="tokens")]
    for line, view in zip(lines, ("picture", "tokens"), strict=True):
        line.about["view"] = view
    (compared,) = script("evidence_select").selected(lines, "untrained", "tiny")
    assert compared.mean("random").value == 100


def test_other_weights_of_mt_tiny_count_only_where_the_shipped_ones_were_not_measured(script, make_line):
    selected = script("evidence_select").selected
    old, new = make_line("mt-tiny", [1, 0], fingerprint="old"), make_line("mt-tiny", [1, 1], fingerprint="new")
    assert selected([new, old], "untrained", "new")[0].mean("mt-tiny").value == 100
    assert selected([new, old], "untrained", "newest")[0].mean("mt-tiny").value == 50


def test_apart_means_that_both_differences_are_above_zero(script, make_line):
    good, fair = np.arange(200) % 10 > 0, np.arange(200) % 2 > 0
    for random, expected in ((fair, "**yes**"), (good, "no: as random")):
        lines = [make_line("mt-tiny", good), make_line("random", random), make_line("none", fair)]
        (compared,) = script("evidence_select").selected(lines, "untrained", "mt-tiny")
        assert script("evidence_tables").apart(compared, "probe") == expected


def test_less_is_better_for_errors(script, make_line):
    lines = [make_line(arm, right) for arm, right in (("mt-tiny", [0] * 50), ("random", [1] * 50), ("none", [1] * 50))]
    for line in lines:
        line.about["unit"] = "RMSE"
    (compared,) = script("evidence_select").selected(lines, "untrained", "mt-tiny")
    assert compared.gain("none", "probe").value == 100 and compared.is_ahead(metric="probe")


def test_tasks_are_named_by_patterns(script):
    tasks = script("evidence").tasks
    assert tasks(["fsdd/few/mt-tiny"], full=False) == [("fsdd", "few", "mt-tiny")]
    assert {arm for _, _, arm in tasks(["fsdd"], full=True)} == {"mt-tiny", "random", "none", "native"}
    assert not any(regime == "full" for _, regime, _ in tasks([], full=False))
    assert {regime for name, regime, _ in tasks(["stsb_*"], full=True)} == {"untrained"}


def test_the_probe_finds_what_is_linear_and_ignores_what_does_not_vary(script):
    readout, draw = script("evidence_readout"), np.random.default_rng(0)
    features = np.column_stack([draw.normal(size=(300, 5)), np.full(300, 3.0)])
    values = features[:, :1] * 2 - 1
    found = readout.ridge_values(features[:200], values[:200], features[200:])
    np.testing.assert_allclose(found, values[200:], atol=0.02)
    classes = (features[:, 1] > 0).astype(np.int64)
    assert (readout.ridge_classes(features[:200], classes[:200], features[200:]) == classes[200:]).mean() > 0.9


def test_the_figure_shows_the_share_of_the_way_to_no_error(script, make_line):
    (compared,) = script("evidence_select").selected([make_line("none", [1, 1, 1, 0])], "untrained", "tiny")
    assert script("evidence_figure").share(55, compared) == pytest.approx(0.5)  # of 10 to 100


def test_ratios_of_cost_are_read_from_what_the_scripts_print(script):
    text = "a machine\nfrozen / full: time 0.500, memory 0.690\nlora / full: time 0.7, memory 1.0"
    cost = script("evidence_cost")
    rows = cost.found_in({cost.STEPS: text})
    assert [row["ratio"] for row in rows] == ["0.500", "0.690", "0.7", "1.0"]
    assert {row["machine"] for row in rows} == {"a machine"}


def test_with_all_labels_each_row_is_of_the_shipped_weights_where_they_were_measured(script):
    def row(dataset, fingerprint, accuracy):
        metrics = {"accuracy": accuracy, "samples": 9, "naive_accuracy": 0.1}
        return {"dataset": dataset, "seed": 0, "encoder": "mt-tiny", "fingerprint": fingerprint, "metrics": metrics}

    rows = [row("fsdd", "old", 0.5), row("fsdd", "shipped", 0.75), row("mutag", "old", 0.625)]
    table = script("evidence_full_table").full_table(rows, {}, "shipped")
    assert "75.00" in table and "50.00" not in table and "62.50 (earlier weights)" in table
