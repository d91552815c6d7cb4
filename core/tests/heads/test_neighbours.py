"""Nearest neighbours, held against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler, normalize

from mt_core.contract import MISSING_CLASS, Classification, Features, Forecasting, Multilabel, Regression
from mt_core.errors import OptionError
from mt_core.heads.neighbours import COUNTS, NeighbourHead, NeighbourOptions, neighbour_head

WIDTH = 5


@pytest.fixture
def vectors():
    random = np.random.default_rng(0)
    scales = np.array([1, 10, 0.1, 3, 1])
    return [(random.normal(size=(n, WIDTH)) * scales + 5).astype(np.float32) for n in (60, 25)]


def prepared(train, test, distance):
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    return (normalize(train), normalize(test)) if distance == "cosine" else (train, test)


def head_for(task, targets, train, neighbours, distance, **options):
    head = NeighbourHead(WIDTH, task, NeighbourOptions(neighbours=neighbours, distance=distance, **options))
    head.calibrate(targets)
    head.remember(torch.from_numpy(train), task.stack(targets))
    return head.eval()


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("neighbours", [1, 3, 10])
def test_classes_and_their_shares_are_scikit_learns(vectors, neighbours, distance):
    train, test = vectors
    labels = np.arange(60) % 3
    head = head_for(Classification(classes=tuple("abc")), labels.tolist(), train, neighbours, distance)
    fitted, asked = prepared(train, test, distance)
    shares = KNeighborsClassifier(neighbours).fit(fitted, labels).predict_proba(asked)
    given = head.from_pooled(torch.from_numpy(test)).softmax(-1).numpy()
    np.testing.assert_allclose(given, (shares * neighbours + 1 / 3) / (neighbours + 1), atol=1e-5)
    decoded = [each["prediction"] for each in head.decode(head.from_pooled(torch.from_numpy(test)))]
    assert decoded == ["abc"[index] for index in shares.argmax(1)]


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_numbers_are_scikit_learns_mean_in_their_own_unit(vectors, distance):
    train, test = vectors
    numbers = 100 + 7 * train[:, 0].astype(float)
    head = head_for(Regression(names=("n",)), numbers.tolist(), train, 5, distance)
    fitted, asked = prepared(train, test, distance)
    expected = KNeighborsRegressor(5).fit(fitted, numbers).predict(asked)
    given = [each["prediction"] for each in head.decode(head.from_pooled(torch.from_numpy(test)))]
    np.testing.assert_allclose(given, expected, rtol=1e-4)


def test_labels_are_counted_among_the_neighbours_that_have_them_known(vectors):
    train, test = vectors
    targets = [(float(i % 2), float("nan") if i % 3 else 1.0) for i in range(60)]
    head = head_for(Multilabel(labels=("x", "y")), targets, train, 7, "euclidean")
    fitted, asked = prepared(train, test, "euclidean")
    given = head.from_pooled(torch.from_numpy(test)).sigmoid().numpy()
    for row, query in zip(given, asked, strict=True):
        near = np.argsort(((fitted - query) ** 2).sum(1))[:7]
        has_x, knows_y = sum(i % 2 for i in near), sum(i % 3 == 0 for i in near)
        np.testing.assert_allclose(row, [(has_x + 0.5) / 8, (knows_y + 0.5) / (knows_y + 1)], atol=1e-5)


def test_samples_without_a_known_target_are_nobodys_neighbours(vectors):
    train, _ = vectors
    targets = [i % 2 for i in range(59)] + [MISSING_CLASS]
    head = head_for(Classification(classes=tuple("ab")), targets, train, 1, "euclidean")
    assert len(head.vectors_NP) == 59


def test_balanced_neighbours_count_inversely_to_the_frequency_of_their_class(vectors):
    train, test = vectors
    targets = [int(i >= 50) for i in range(60)]
    task = Classification(classes=tuple("ab"))
    plain, balanced = (
        head_for(task, targets, train, 60, "euclidean", class_weights=how).from_pooled(torch.from_numpy(test))
        for how in ("none", "balanced")
    )
    assert (plain.argmax(1) == 0).all()  # all are asked, and 50 of 60 are of the first class
    torch.testing.assert_close(balanced[:, 0], balanced[:, 1])


def test_a_saved_head_is_loaded_with_as_many_samples_as_it_had(vectors):
    train, test = vectors
    task = Classification(classes=tuple("ab"))
    head = head_for(task, [i % 2 for i in range(60)], train, None, None)
    head.choose(3, "euclidean")
    again = NeighbourHead(WIDTH, task)
    again.load_state_dict(head.state_dict())
    assert (again.neighbours, again.distance) == (3, "euclidean")
    assert torch.equal(again.from_pooled(torch.from_numpy(test)), head.from_pooled(torch.from_numpy(test)))


def test_a_column_that_never_changes_is_no_distance(vectors):
    train, test = vectors
    train[:, 2] = test[:, 2] = 4
    head = head_for(Classification(classes=tuple("ab")), [i % 2 for i in range(60)], train, 3, "euclidean")
    assert head.from_pooled(torch.from_numpy(test)).isfinite().all()


def test_more_neighbours_than_samples_are_all_of_them(vectors):
    train, _ = vectors
    head = head_for(Classification(classes=tuple("ab")), [0, 1, 1], train[:3], None, None)
    assert head.counts() == [count for count in COUNTS if count <= 3]
    asked = head_for(Classification(classes=tuple("ab")), [0, 1, 1], train[:3], 50, None)
    assert asked.counts() == [3]


def test_features_are_pooled_as_the_options_say(vectors):
    train, _ = vectors
    head = NeighbourHead(WIDTH, Classification(classes=tuple("ab")), NeighbourOptions(pool="max", neighbours=1))
    head.calibrate([0, 1])
    head.remember(torch.from_numpy(train[:2]), torch.tensor([0, 1]))
    tokens = torch.stack([torch.from_numpy(train[1]) - 1, torch.from_numpy(train[1])])[None]
    assert head(Features(tokens)).argmax(1).tolist() == [1]


def test_a_task_without_one_target_a_sample_is_refused_with_what_to_use():
    with pytest.raises(OptionError, match="probe"):
        neighbour_head(WIDTH, Forecasting(channels=("a",), horizon=2, mean=(0.0,), scale=(1.0,)))


def test_options_that_a_recipe_suggests_for_another_head_are_left_out_and_a_users_are_refused():
    task = Classification(classes=tuple("ab"))
    suggested = {"pool": "mean+max", "dropout": 0.3}
    head = neighbour_head(WIDTH, task, suggested=suggested, options=suggested)
    assert head.options.pool == "mean+max" and len(head.mean_P) == 2 * WIDTH
    with pytest.raises(OptionError, match="hidden"):
        neighbour_head(WIDTH, task, suggested=suggested, options={**suggested, "hidden": 8})
    with pytest.raises(OptionError, match="class_weights"):
        neighbour_head(WIDTH, Regression(names=("n",)), options={"class_weights": "balanced"})
