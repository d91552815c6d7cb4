"""Linear heads that are solved, held against scikit-learn's and against the equations."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

import mt_core as mt
from mt_core.contract import Classification, Multilabel, Regression, Segmentation
from mt_core.errors import OptionError
from mt_core.heads import default_head
from mt_core.plugins import get
from mt_core.training.probe import PENALTIES, is_linear, solutions

N, WIDTH = 80, 6


@pytest.fixture
def vectors():
    return torch.from_numpy(np.random.default_rng(1).normal(size=(N, WIDTH)) * [1, 5, 1, 0.2, 1, 1] + 3).float()


def standardised(vectors):
    """As the head sees them: each vector normalised, then each number standardised."""
    normal = torch.nn.functional.layer_norm(vectors, (WIDTH,)).double().numpy()
    return (normal - normal.mean(0)) / normal.std(0)


def solved(task, targets, vectors, **options):
    """What the head gives for the vectors after each penalty."""
    head = default_head(WIDTH, task, options=options)
    head.calibrate(targets)
    given = {}
    for penalty in solutions(head.eval(), vectors, task.stack(targets)):
        with torch.no_grad():
            given[penalty] = head.from_pooled(vectors).numpy()
    assert tuple(given) == PENALTIES
    return given


def test_numbers_are_ridge_regression_in_closed_form(vectors):
    numbers = (4 * vectors[:, 0] - vectors[:, 1] + 50).tolist()
    features = standardised(vectors)
    wanted = (np.array(numbers) - np.mean(numbers)) / np.std(numbers)
    for penalty, output in solved(Regression(names=("n",)), numbers, vectors).items():
        weights = np.linalg.solve(features.T @ features + N * penalty * np.eye(WIDTH), features.T @ wanted)
        np.testing.assert_allclose(output[:, 0], features @ weights, atol=1e-4)
        np.testing.assert_allclose(output[:, 0], Ridge(N * penalty).fit(features, wanted).predict(features), atol=1e-4)


def test_a_number_that_is_not_known_for_some_samples_is_solved_on_the_others(vectors):
    both = torch.stack([vectors[:, 0], vectors[:, 1]], 1).numpy()
    some = both.copy()
    some[::3, 1] = np.nan
    task = Regression(names=("a", "b"))
    output = solved(task, some.tolist(), vectors)[0.1][:, 1]
    features, known = standardised(vectors), ~np.isnan(some[:, 1])
    wanted = (some[known, 1] - some[known, 1].mean()) / some[known, 1].std()
    expected = Ridge(known.sum() * 0.1).fit(features[known], wanted).predict(features)
    np.testing.assert_allclose(output, expected, atol=1e-4)


@pytest.mark.parametrize("classes", ["ab", "abc"])
def test_classes_are_scikit_learns_logistic_regression(vectors, classes):
    labels = (np.argsort(np.argsort(vectors[:, 0].numpy() + vectors[:, 2].numpy())) * len(classes) // N).tolist()
    features = standardised(vectors)
    outputs = solved(Classification(classes=tuple(classes)), labels, vectors)
    for penalty in (1.0, 0.1, 0.01):
        # of two classes scikit-learn has one weight, the difference of ours: half the penalty on each of two halves
        strength = 1 / (penalty * N) * (2 if len(classes) == 2 else 1)
        expected = LogisticRegression(C=strength, tol=1e-8, max_iter=1000).fit(features, labels).predict_proba(features)
        given = torch.from_numpy(outputs[penalty]).softmax(-1).numpy()
        np.testing.assert_allclose(given, expected, atol=2e-3)


def test_labels_are_a_logistic_regression_each(vectors):
    targets = np.stack([vectors[:, 0].numpy() > 3, vectors[:, 1].numpy() > 3], 1).astype(float)
    output = solved(Multilabel(labels=("x", "y")), targets.tolist(), vectors)[0.1]
    features = standardised(vectors)
    for column in range(2):  # the loss is a mean over both labels
        regression = LogisticRegression(C=1 / (2 * N * 0.1), tol=1e-8, max_iter=1000).fit(features, targets[:, column])
        given = 1 / (1 + np.exp(-output[:, column]))
        np.testing.assert_allclose(given, regression.predict_proba(features)[:, 1], atol=2e-3)


def test_what_is_solved_is_a_linear_map_of_one_vector_a_sample():
    task = Classification(classes=tuple("ab"))
    assert is_linear(default_head(WIDTH, task))
    assert not is_linear(default_head(WIDTH, task, options={"hidden": 4}))
    assert not is_linear(default_head(WIDTH, Segmentation(classes=tuple("ab"))))


# the whole rungs, on the toy modality


@pytest.fixture
def model(toy, small_encoder):
    return mt.load("toy", encoder=small_encoder)


def demo(split="train", size=48):
    return get("toy").dataset.demo(split, size=size)


QUICK = {"num_workers": 0, "batch_size": 16}


@pytest.mark.parametrize("tune", ["knn", "probe"])
def test_a_rung_that_is_solved_leaves_a_run_like_any_other(model, small_encoder, tmp_path, tune):
    before = model.tokenizer_fingerprint()
    result = mt.fit(model, demo(), demo("val", 24), tune=tune, out=tmp_path / "run", **QUICK)
    assert result.metrics["accuracy"] > result.baseline["accuracy"]
    assert model.tokenizer_fingerprint() == before
    assert result.chosen and result.metrics["accuracy"] == max(row["val_accuracy"] for row in result.history)
    loaded = mt.load_run(tmp_path / "run", encoder=small_encoder)
    samples = [demo("test", 6)[index].sample for index in range(6)]
    assert mt.predict(loaded, samples) == mt.predict(model, samples)
    assert mt.evaluate(loaded, demo("val", 24))["accuracy"] == pytest.approx(result.metrics["accuracy"])
    assert (mt.embed(loaded, samples) == mt.embed(model, samples)).all()
    again = mt.fit(mt.load("toy", encoder=small_encoder), demo(), tune=tune, out=tmp_path / "run", resume=True, **QUICK)
    assert again.was_complete and (again.metrics, again.chosen) == (result.metrics, result.chosen)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"run.json", "weights.safetensors", "metrics.csv", "report.html"}


def test_neighbours_train_no_parameter(model, tmp_path):
    mt.fit(model, demo(), demo("val", 24), tune="knn", **QUICK)
    assert model.parameter_counts().trainable == 0


@pytest.mark.parametrize(("first", "second"), [("knn", "probe"), ("probe", "knn"), ("knn", "frozen")])
def test_a_model_goes_from_one_rung_to_another(model, first, second):
    mt.fit(model, demo(), demo("val", 24), tune=first, **QUICK)
    result = mt.fit(model, demo(), demo("val", 24), tune=second, epochs=1, **QUICK)
    assert 0 <= result.metrics["accuracy"] <= 1


@pytest.mark.usefixtures("feature_cache")
@pytest.mark.parametrize("tune", ["knn", "probe"])
def test_features_are_computed_once_for_both(model, small_encoder, monkeypatch, tune):
    mt.fit(model, demo(), demo("val", 24), tune="knn", **QUICK)
    again = mt.load("toy", encoder=small_encoder)
    monkeypatch.setattr(type(again), "encode", lambda *_: pytest.fail("a feature was computed twice"))
    mt.fit(again, demo(), demo("val", 24), tune=tune, **QUICK)


def test_where_the_time_is_up_the_head_is_fitted_to_the_vectors_so_far(model):
    with pytest.warns(mt.MtWarning, match="16 of 48 training samples"):
        mt.fit(model, demo(), demo("val", 24), tune="knn", max_minutes=1e-9, **QUICK)


def test_a_head_that_had_no_time_for_all_samples_is_resumed(model, small_encoder, tmp_path):
    given = {"tune": "knn", "out": tmp_path / "run", **QUICK}
    with pytest.warns(mt.MtWarning, match="16 of 48 training samples"):
        mt.fit(model, demo(), demo("val", 24), max_minutes=1e-9, **given)
    assert (tmp_path / "run" / "metrics.csv").read_text().count("\n") == 2  # the heading, and a setting that was tried
    assert "fitted to 16 of its samples" in mt.load_run(tmp_path / "run", encoder=small_encoder).description
    again = mt.load("toy", encoder=small_encoder)
    resumed = mt.fit(again, demo(), demo("val", 24), resume=True, **given)
    assert not resumed.was_complete and "samples" not in resumed.chosen
    assert len(again.require_head().vectors_NP) == 48


def test_an_unreadable_sample_is_an_error_or_left_out(model):
    data = demo()
    data.samples[3] = np.zeros(1, np.float32)
    with pytest.raises(mt.MtError, match="at least 4 numbers"):
        mt.fit(model, data, demo("val", 24), tune="probe", **QUICK)
    with pytest.warns(mt.MtWarning, match="skipped"):
        mt.fit(model, data, demo("val", 24), tune="probe", skip_unreadable=True, **QUICK)


def test_more_neighbours_than_training_samples_are_refused_before_any_is_encoded(model, monkeypatch):
    monkeypatch.setattr("mt_core.training.by_solving.pooled_features", None)
    train = get("toy").dataset.demo(size=40)
    with pytest.raises(OptionError, match="neighbours=500, and there are 40 training samples") as refusal:
        mt.fit(model, train, train, tune="knn", num_workers=0, head={"neighbours": 500})
    assert "at most 40" in refusal.value.fix


def test_an_input_that_an_item_lacks_adds_nothing_to_what_a_probe_gives():
    generator = np.random.default_rng(2)
    vectors = generator.normal(size=(N, 2 * WIDTH)) + 5
    vectors[: N // 4, WIDTH:] = 0  # these lack the second input
    numbers = vectors[:, 0] + generator.normal(size=N)
    normal = torch.nn.functional.layer_norm(torch.from_numpy(vectors).view(N, 2, WIDTH), (WIDTH,)).flatten(1).numpy()
    there = np.repeat([True, False], WIDTH) | (np.arange(N) >= N // 4)[:, None]
    counted = np.where(there, normal, np.nan)
    features = np.where(there, (normal - np.nanmean(counted, 0)) / np.nanstd(counted, 0), 0)
    wanted = (numbers - numbers.mean()) / numbers.std()
    head = default_head(WIDTH, Regression(names=("n",)), options={"pool": "mean", "parts": 2})
    head.calibrate(numbers.tolist())
    task = Regression(names=("n",))
    for penalty in solutions(head.eval(), torch.from_numpy(vectors).float(), task.stack(numbers.tolist())):
        with torch.no_grad():
            given = head.from_pooled(torch.from_numpy(vectors).float())[:, 0].numpy()
        expected = Ridge(N * penalty).fit(features, wanted).predict(features)
        np.testing.assert_allclose(given, expected, atol=1e-4)
