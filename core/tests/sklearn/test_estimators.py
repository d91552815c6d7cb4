"""Estimators among scikit-learn's own tools: pipelines, searches, tables with a column of paths."""

import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import mt_core as mt
from mt_core.encoder.plain_vit import build_vit
from mt_core.encoder.random_weights import draw_weights
from mt_core.errors import RunError
from mt_core.sklearn import Classifier, Embedder, InvalidDataError, Regressor

pd = pytest.importorskip("pandas")

of_texts = pytest.mark.skipif(find_spec("mt_plugin_text") is None, reason="the plugin of texts is not installed")


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    """An encoder of one block, 192 wide, by its file."""
    vit = build_vit("vit_tiny_patch16_224", depth=1)
    tensors = vit.state_dict()
    draw_weights(tensors, 0)
    path = tmp_path_factory.mktemp("encoder") / "one.safetensors"
    save_file(tensors, path)
    return str(path)


@pytest.fixture(scope="session")
def rows():
    """Forty rows of two numbers, whose first tells their class."""
    numbers = np.random.default_rng(0).normal(size=(40, 2))
    return numbers, np.where(numbers[:, 0] > 0, "high", "low")


@pytest.fixture(scope="session")
def classifier(encoder, rows):
    return Classifier("tabular", encoder=encoder, epochs=8, lr=0.01, batch_size=8).fit(*rows)


def test_a_classifier_learns_and_says_how_sure_it_is(classifier, rows):
    numbers, names = rows
    assert classifier.classes_.tolist() == ["high", "low"]
    probabilities = classifier.predict_proba(numbers)
    assert probabilities.shape == (40, 2) and np.allclose(probabilities.sum(1), 1)
    assert (classifier.classes_[probabilities.argmax(1)] == classifier.predict(numbers)).all()
    assert classifier.score(numbers, names) == (classifier.predict(numbers) == names).mean() > 0.8
    assert classifier.n_features_in_ == 2


def test_a_fitted_one_is_saved_as_a_run_and_not_pickled(classifier, rows, tmp_path):
    numbers, _ = rows
    with pytest.raises(TypeError, match=r"is not pickled: save it with \.save"):
        pickle.dumps(classifier)
    classifier.save(tmp_path / "saved")
    loaded = Classifier.load(tmp_path / "saved")
    np.testing.assert_array_equal(loaded.predict_proba(numbers), classifier.predict_proba(numbers))
    assert loaded.get_params() == classifier.get_params()
    assert mt.predict(mt.load_run(tmp_path / "saved"), numbers)[0]["prediction"] in ("0: high", "1: low")
    with pytest.raises(RunError, match="there already"):
        classifier.save(tmp_path / "saved")
    with pytest.raises(RunError, match="holds a Classifier"):
        Regressor.load(tmp_path / "saved")
    with pytest.raises(RunError, match="holds no estimator"):
        Embedder.load(tmp_path)


def test_a_clone_is_new_and_an_unfitted_one_is_pickled_for_other_processes(classifier):
    copied = clone(classifier)
    assert copied.get_params() == classifier.get_params() and not hasattr(copied, "model_")
    assert pickle.loads(pickle.dumps(copied)).get_params() == copied.get_params()


def test_numbers_are_predicted_in_the_shape_of_the_targets(encoder, rows):
    numbers, _ = rows
    model = Regressor("tabular", encoder=encoder, epochs=1, batch_size=8).fit(numbers, 100 * numbers)
    assert model.predict(numbers[:3]).shape == (3, 2)
    alone = clone(model).fit(numbers, 100 * numbers[:, 0])
    assert alone.predict(numbers[:3]).shape == (3,) and -10 < alone.score(numbers, 100 * numbers[:, 0]) <= 1


@of_texts
def test_vectors_of_texts_enter_a_pipeline(encoder):
    texts = ["a fine film", "a bad film"] * 8
    pipeline = make_pipeline(Embedder("text", encoder=encoder), LogisticRegression())
    assert cross_val_score(pipeline, texts, [1, 0] * 8, cv=2).mean() == 1.0


@of_texts
def test_the_vectors_are_those_of_embed_and_survive_saving(encoder, tmp_path):
    texts = pd.Series(["one", "two words"], name="about")
    embedder = Embedder("text", encoder=encoder).set_output(transform="default")
    vectors = embedder.fit_transform(texts)
    np.testing.assert_array_equal(vectors, mt.embed(mt.load("text", encoder=encoder), list(texts)))
    assert len(embedder.get_feature_names_out()) == vectors.shape[1]
    embedder.save(tmp_path / "e")
    np.testing.assert_array_equal(Embedder.load(tmp_path / "e").transform(texts), vectors)


def test_a_column_of_paths_stands_beside_numbers(encoder, tmp_path):
    from PIL import Image

    paths = []
    for level in range(8):
        paths.append(str(tmp_path / f"{level}.png"))
        Image.new("RGB", (32, 32), (30 * level,) * 3).save(paths[-1])
    table = pd.DataFrame({"photo": paths, "price": range(8)})
    columns = make_column_transformer(
        (Embedder("image", encoder=encoder, options={"size": 32}), ["photo"]), ("passthrough", ["price"])
    )
    found = columns.fit_transform(table)
    assert found.shape == (8, 193) and found[:, -1].tolist() == list(range(8))
    assert columns.get_feature_names_out()[-1] == "passthrough__price"


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_search_over_settings_of_the_training(encoder, rows, n_jobs):
    search = GridSearchCV(
        Classifier("tabular", encoder=encoder, batch_size=8), {"epochs": [1, 8], "lr": [0.01]}, cv=2, n_jobs=n_jobs
    )
    search.fit(*rows)
    assert search.best_params_["epochs"] == 8 and search.score(*rows) > 0.8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "there are no samples"),
        (np.zeros((3, 0)), "0 feature"),
        (np.ones(3) * 1j, "Complex"),
        (np.array(1.0), "single"),
    ],
)
def test_what_holds_no_samples_is_a_value_error(encoder, given, said):
    with pytest.raises(InvalidDataError, match=said):
        Embedder("tabular", encoder=encoder).fit(given)


def test_errors_of_the_core_are_value_errors_here(encoder):
    with pytest.raises(ValueError, match="smells"):
        Embedder("smells", encoder=encoder).fit(["a"])
    with pytest.raises(InvalidDataError, match="one class alone"):
        Classifier("tabular", encoder=encoder).fit([[1.0], [2.0]], ["a", "a"])


ON_PURPOSE = {"check_estimators_pickle"}
ROUNDED = {"check_methods_subset_invariance", "check_methods_sample_order_invariance"}


@pytest.mark.parametrize(
    ("estimator", "others"),
    [
        (Embedder(), ROUNDED),
        pytest.param(Classifier(epochs=4, lr=0.01, batch_size=8), set(), marks=pytest.mark.slow),
        pytest.param(Regressor(epochs=4, lr=0.01, batch_size=8), ROUNDED, marks=pytest.mark.slow),
    ],
    ids=["Embedder", "Classifier", "Regressor"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scikit_learns_own_checks_pass_but_those_listed_in_the_documentation(encoder, estimator, others):
    results = check_estimator(clone(estimator).set_params(encoder=encoder), on_fail=None, on_skip=None)
    failed = {each["check_name"]: str(each["exception"]) for each in results if each["status"] == "failed"}
    assert ON_PURPOSE <= set(failed) <= ON_PURPOSE | others, failed
    assert sum(each["status"] == "passed" for each in results) >= 40


def test_numbers_of_a_sample_are_the_same_to_rounding_in_any_batch(encoder, rows):
    numbers, _ = rows
    model = Regressor("tabular", encoder=encoder, epochs=1, batch_size=8).fit(numbers, 100 * numbers[:, 0])
    alone = np.concatenate([model.predict(numbers[[row]]) for row in range(10)])
    np.testing.assert_allclose(alone, model.predict(numbers)[:10], rtol=1e-4, atol=1e-4)
