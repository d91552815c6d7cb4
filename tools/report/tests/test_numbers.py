"""Numbers of a report are those that scikit-learn computes from the predictions of `mt.predict`."""

import numpy as np
import pytest
from sklearn import metrics

import mt_core as mt
from mt_report.part import open_part

ABOUT = pytest.approx


def predicted(model, split=None):
    """Targets and predictions of the part that a report is about."""
    dataset = open_part(model, None, split).dataset
    samples = [dataset[index].sample for index in range(len(dataset))]
    return dataset, mt.predict(model, samples)


@pytest.fixture
def cells(html):
    """Of each row of a table its numbers, by its name: `cells(text, caption)`."""

    def read(text, caption):
        return {name: [value.replace(",", "") for value in values] for name, *values in html.rows_of(text, caption)}

    return read


def test_classes(cells, trained, reported):
    model, text = trained("classification"), reported("classification")[1]
    dataset, answers = predicted(model)
    names = dataset.task.classes
    truth, best = list(dataset.targets()), [names.index(each["prediction"]) for each in answers]
    shown = cells(text, "Metrics")
    assert float(shown["accuracy (higher is better)"][0]) == ABOUT(metrics.accuracy_score(truth, best), abs=1e-4)
    assert float(shown["balanced_accuracy"][0]) == ABOUT(metrics.balanced_accuracy_score(truth, best), abs=1e-4)
    score = [each["probabilities"]["yes"] for each in answers]
    assert float(shown["auroc"][0]) == ABOUT(
        metrics.roc_auc_score(np.array(truth) == names.index("yes"), score), abs=1e-4
    )
    matrix = metrics.confusion_matrix(truth, best, labels=range(len(names)))
    drawn = [list(map(int, cells(text, "Confusion matrix")[name])) for name in names]
    assert drawn == matrix.tolist()


def test_numbers(cells, trained, reported):
    model, text = trained("regression"), reported("regression")[1]
    dataset, answers = predicted(model)
    truth, values = list(dataset.targets()), [each["prediction"] for each in answers]
    known, rmse, mae, r2, bias = map(float, cells(text, "Errors of each quantity")["price"])
    assert known == len(truth)
    assert rmse == ABOUT(metrics.root_mean_squared_error(truth, values), rel=1e-3)
    assert mae == ABOUT(metrics.mean_absolute_error(truth, values), rel=1e-3)
    assert r2 == ABOUT(metrics.r2_score(truth, values), abs=1e-3)
    assert bias == ABOUT(np.mean(values) - np.mean(truth), abs=1e-3)
    interval = cells(text, "Metrics")["rmse (lower is better)"][1].split(" to ")
    assert float(interval[0]) < rmse < float(interval[1])


@pytest.mark.slow
def test_forecasts(cells, trained, reported):
    model, text = trained("forecasting"), reported("forecasting")[1]
    dataset, answers = predicted(model)
    task = dataset.task
    true_NHC = np.array([dataset[index].target for index in range(len(dataset))])
    window_NTC = np.array([dataset[index].sample.values for index in range(len(dataset))])
    values_NHC = np.array([np.array([each["prediction"][name] for name in task.channels]).T for each in answers])
    shown = cells(text, "Errors beside simple forecasts")
    for name, forecast in (("the run", values_NHC), ("naive: last value repeated", window_NTC[:, -1:, :])):
        error = (forecast - true_NHC) / np.array(task.scale)
        assert float(shown[name][0]) == ABOUT(np.mean(error**2), rel=1e-3)
        assert float(shown[name][1]) == ABOUT(np.mean(np.abs(error)), rel=1e-3)


@pytest.mark.slow
def test_masks(cells, trained, reported):
    model, text = trained("segmentation"), reported("segmentation")[1]
    dataset, answers = predicted(model)
    true = np.concatenate([np.asarray(dataset[index].target).ravel() for index in range(len(dataset))])
    masks = [np.repeat(each["prediction"]["values"], each["prediction"]["lengths"]) for each in answers]
    ious = metrics.jaccard_score(true, np.concatenate(masks), average=None)
    shown = cells(text, "Intersection over union of each class")
    assert [float(shown[name][0]) for name in dataset.task.classes] == ABOUT(ious.tolist(), abs=1e-4)


@pytest.mark.slow
def test_labels(cells, trained, reported):
    model, text = trained("multilabel"), reported("multilabel")[1]
    dataset, answers = predicted(model)
    truth_NL = np.array(list(dataset.targets()))
    shown = cells(text, "Each label")
    for index, name in enumerate(dataset.task.labels):
        score = [each["probabilities"][name] for each in answers]
        assert float(shown[name][1]) == ABOUT(metrics.roc_auc_score(truth_NL[:, index], score), abs=1e-3)
        assert float(shown[name][2]) == ABOUT(metrics.average_precision_score(truth_NL[:, index], score), abs=1e-3)
