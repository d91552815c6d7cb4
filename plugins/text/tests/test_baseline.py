"""Counts of words."""

import pytest
import torch

from mt_core.contract import Classification
from mt_plugin_text.baseline import TextBaseline
from mt_plugin_text.text import Text
from mt_plugin_text.tokenizer import TextTokenizer

torch.manual_seed(0)
BASELINE = TextBaseline(TextTokenizer(8))


def test_words_and_pairs_of_words_are_counted_whatever_their_case() -> None:
    counts = BASELINE.features(Text("Good film, good film"))
    assert sorted(counts[counts > 0]) == [1, 2, 2, 2]  # "film good" once; "good", "film" and "good film" twice


def test_the_order_of_words_and_the_place_in_a_pair_matter() -> None:
    said = [Text("not good"), Text("good not"), Text("not", "good"), Text("good", "not")]
    assert len({BASELINE.features(text).tobytes() for text in said}) == 4


def test_a_text_without_a_word_has_no_count() -> None:
    assert not BASELINE.features(Text("  !")).any()


def test_the_model_is_that_of_tf_idf_with_scikit_learns_own_words() -> None:
    pytest.importorskip("sklearn", reason="its model is scikit-learn's, an extra")
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = ["fine", "dull", "long", "short", "film", "plot", "cast"]
    texts = [f"{words[i % 2]} {words[2 + i % 3]} {words[(i * i) % 7]}" for i in range(40)]
    labels = [i % 2 for i in range(40)]
    features = [BASELINE.features(Text(text)) for text in texts]
    ours = BASELINE.estimator(Classification(classes=("a", "b")), 0).fit(features, labels).predict_proba(features)
    theirs = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000))
    assert abs(ours - theirs.fit(texts, labels).predict_proba(texts)).max() < 0.01
