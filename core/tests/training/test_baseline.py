"""Native baselines: what scikit-learn reaches on the features that a plugin declares, measured by the head."""

import sys

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mt_core as mt
from mt_core.contract import Baseline, Classification, Multilabel, Regression
from mt_core.data.in_memory import InMemoryDataset
from mt_core.errors import InputError, MissingDependencyError, OptionError
from mt_core.heads import ClassificationHead, MultilabelHead, RegressionHead
from mt_core.heads.neighbours import NeighbourHead
from mt_core.plugins import get
from mt_core.training.baseline import check_head, check_installed, fit_predict, read_features
from mt_core.training.metrics import values_of

pytestmark = pytest.mark.usefixtures("toy")
READING = {"batch_size": 16, "num_workers": 0, "skip_unreadable": False}


class Whole(Baseline):
    """The series as it is."""

    model = "forest"

    def features(self, sample):
        return sample


def drawn(count, seed):
    """Series of 6 numbers, the classes of which no plane tells apart without errors."""
    random = np.random.default_rng(seed)
    series = random.normal(size=(count, 6)).astype(np.float32)
    classes = (series[:, 0] + series[:, -1] + 0.5 * random.normal(size=count) > 0).astype(int)
    return series, classes


def metrics_of(baseline, head, train, test):
    output = fit_predict(baseline, head, train, test.features, 0)
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(output, test.target))
    return values_of(metrics)


@pytest.fixture
def tokenizer(small_encoder):
    return mt.load("toy", encoder=small_encoder).tokenizer


def tables(baseline, task, train, test):
    return [read_features(baseline, InMemoryDataset(*part, task), **READING) for part in (train, test)]


@pytest.mark.parametrize("kind", [ClassificationHead, NeighbourHead])
def test_the_score_is_that_of_scikit_learn_on_the_same_features(tokenizer, kind):
    (train, known), (test, true) = drawn(80, 0), drawn(60, 1)
    task = Classification(classes=("a", "b"))
    baseline = get("toy").baseline(tokenizer)
    tables_of_both = tables(baseline, task, (train, known.tolist()), (test, true.tolist()))
    measured = metrics_of(baseline, kind(8, task), *tables_of_both)
    alone = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train[:, [0, -1]], known)
    assert measured["accuracy"] == pytest.approx(alone.score(test[:, [0, -1]], true))
    assert 0.7 < measured["accuracy"] < 1


@pytest.mark.parametrize("kind", [RegressionHead, NeighbourHead])
def test_numbers_are_measured_in_their_own_unit_and_unknown_ones_are_left_out(tokenizer, kind):
    (train, _), (test, _) = drawn(60, 2), drawn(30, 3)
    task = Regression(names=("sum", "first"))
    known = np.stack([1000 + 50 * train.sum(1), train[:, 0]], axis=1)
    known[:10, 1] = np.nan
    true = np.stack([1000 + 50 * test.sum(1), test[:, 0]], axis=1)
    head = kind(8, task)
    head.calibrate(known.tolist())
    measured = metrics_of(Whole(tokenizer), head, *tables(Whole(tokenizer), task, (train, known), (test, true)))
    forests = [
        RandomForestRegressor(300, random_state=0).fit(train[rows], known[rows, column]).predict(test)
        for column, rows in ((0, slice(None)), (1, slice(10, None)))
    ]
    expected = np.sqrt(np.square(np.stack(forests, axis=1) - true).mean())
    assert measured["rmse"] == pytest.approx(expected, rel=1e-3)


def test_each_label_has_a_model_of_its_own_and_one_that_never_occurs_is_predicted_never(tokenizer):
    (train, known), (test, true) = drawn(60, 4), drawn(30, 5)
    task = Multilabel(labels=("often", "never"))
    parts = [(series, [[float(label), 0.0] for label in labels]) for series, labels in ((train, known), (test, true))]
    baseline = Whole(tokenizer)
    train_table, test_table = tables(baseline, task, *parts)
    output = fit_predict(baseline, MultilabelHead(8, task), train_table, test_table.features, 0)
    assert (output[:, 1] < -10).all() and 0.6 < ((output[:, 0] > 0).numpy() == true).mean()


@pytest.mark.parametrize("count", [2, 3])
def test_a_support_vector_machine_predicts_what_that_of_scikit_learn_predicts(tokenizer, count):
    class Vector(Whole):
        model = "svm"

    (train, _), (test, _) = drawn(90, 7), drawn(40, 8)
    known, true = ((np.digitize(series[:, 0] + series[:, -1], [0, 1][: count - 1])) for series in (train, test))
    task = Classification(classes=("a", "b", "c")[:count])
    of_train, of_test = tables(Vector(tokenizer), task, (train, known.tolist()), (test, true.tolist()))
    output = fit_predict(Vector(tokenizer), ClassificationHead(8, task), of_train, of_test.features, 0)
    machine = make_pipeline(StandardScaler(), SVC(C=100, break_ties=True)).fit(train, known)
    assert output.argmax(1).tolist() == machine.predict(test).tolist()


def test_what_scikit_learn_refuses_is_an_error_of_ours(tokenizer):
    class Refused(Whole):
        def estimator(self, task, seed):
            return LogisticRegression(C=-1)

    series, classes = drawn(20, 9)
    task = Classification(classes=("a", "b"))
    table, _ = tables(Refused(tokenizer), task, (series, classes.tolist()), (series, classes.tolist()))
    with pytest.raises(InputError, match="cannot be fitted to 20 samples"):
        fit_predict(Refused(tokenizer), ClassificationHead(8, task), table, table.features, 0)


def test_features_that_are_nearly_all_zero_are_kept_sparse_and_are_the_same(tokenizer):
    class Spread(Baseline):
        def features(self, sample):
            vector = np.zeros(500)
            vector[: len(sample)] = sample
            return vector

    series, classes = drawn(40, 6)
    data = InMemoryDataset(series, classes.tolist(), Classification(classes=("a", "b")))
    table = read_features(Spread(tokenizer), data, **READING)
    assert table.features.shape == (40, 500) and table.features.nnz == 240
    assert np.allclose(table.features.toarray()[:, :6], series)


def test_vectors_of_two_widths_are_refused(tokenizer):
    data = InMemoryDataset([np.ones(6), np.ones(7)], [0, 1], Classification(classes=("a", "b")))
    with pytest.raises(InputError, match="6 and 7 numbers wide"):
        read_features(Whole(tokenizer), data, **READING)
    with pytest.raises(InputError, match="6 and 7 numbers wide"):
        read_features(Whole(tokenizer), data, **{**READING, "batch_size": 1})


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingDependencyError, match=r"mt-core\[baselines\]"):
        check_installed()


def test_a_head_whose_scores_only_its_plugin_knows_is_refused():
    class Own(ClassificationHead.__base__):
        kinds = ("classification",)

    with pytest.raises(OptionError, match="no native baseline for classification with Own"):
        check_head(Own(8, Classification(classes=("a", "b"))))
