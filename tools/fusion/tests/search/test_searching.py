"""Exact and approximate search against plain NumPy."""

import numpy as np
import pytest
import torch

from mt_core.errors import MissingDependencyError
from mt_fusion import SearchError, build_index, search
from mt_fusion.searching import approximate, exact


def by_hand(vectors, query, metric: str, k: int, allowed=None) -> list[int]:
    """The nearest rows, in float64, the slow way."""
    vectors, query = np.asarray(vectors, np.float64), np.asarray(query, np.float64)
    scores = []
    for vector in vectors:
        if metric == "cosine":
            scores.append(-(vector @ query) / np.linalg.norm(vector) / np.linalg.norm(query))
        else:
            scores.append(-(vector @ query) if metric == "dot" else np.sqrt(((vector - query) ** 2).sum()))
    order = np.argsort(scores, kind="stable")
    return [int(row) for row in order if allowed is None or allowed[row]][:k]


def sources_of(found) -> list[str]:
    return [record["source"] for record in found]


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_exact_search_finds_the_rows_that_numpy_finds(write_vectors, random_vectors, tmp_path, metric, monkeypatch):
    monkeypatch.setattr(exact, "_BLOCK_BYTES", 4 * 16 * 300)  # many blocks
    vectors, queries = random_vectors(1500), random_vectors(5, seed=1)
    index = build_index(write_vectors("v.parquet", vectors), tmp_path / "i", metric=metric)
    for query, found in zip(queries, search(index, queries, k=7), strict=True):
        assert sources_of(found) == [f"v-{row}.jpg" for row in by_hand(vectors, query, metric, 7)]


def test_scores_are_cosines_products_and_distances(write_vectors, tmp_path):
    path = write_vectors("v.parquet", [[3, 4], [0, 2], [-6, 8]])
    query = np.array([[3.0, 4.0]])
    expected = {"cosine": [1, 0.8, 0.28], "dot": [25, 14, 8], "l2": [0, 13**0.5, 97**0.5]}
    for metric, scores in expected.items():
        found = search(build_index(path, tmp_path / metric, metric=metric), query, k=3)[0]
        assert [round(record["distance" if metric == "l2" else "score"], 6) for record in found] == pytest.approx(
            scores
        )
        assert [record["rank"] for record in found] == [1, 2, 3]


def test_results_name_modality_source_and_row(write_vectors, tmp_path):
    path = write_vectors("v.parquet", np.eye(3), ["a.csv", "a.csv", "b.csv"], rows=[0, 1, 0])
    found = search(build_index(path, tmp_path / "i"), torch.eye(3)[1], k=1)
    assert found == [[{"rank": 1, "score": 1.0, "modality": "image", "source": "a.csv", "row": 1}]]


def test_an_index_holds_the_rows_of_all_its_files(write_vectors, random_vectors, tmp_path):
    one, other = random_vectors(40), random_vectors(30, seed=3)
    index = build_index([write_vectors("a.parquet", one), write_vectors("b.parquet", other)], tmp_path / "i")
    assert index.num_rows == 70
    assert [sources_of(found) for found in search(index, np.stack([one[7], other[9]]), k=1)] == [
        ["a-7.jpg"],
        ["b-9.jpg"],
    ]


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_an_approximate_index_finds_most_of_the_nearest_rows(write_vectors, random_vectors, tmp_path, metric):
    vectors, queries = np.split(random_vectors(3040), [3000])
    index = build_index(write_vectors("v.parquet", vectors), tmp_path / "i", metric=metric, approximate=True)
    found = search(index, queries, k=10)
    shares = [
        len(set(sources_of(records)) & {f"v-{row}.jpg" for row in by_hand(vectors, query, metric, 10)}) / 10
        for query, records in zip(queries, found, strict=True)
    ]
    assert index.is_approximate and np.mean(shares) >= 0.9


def test_scores_of_an_approximate_index_are_exact(write_vectors, random_vectors, tmp_path):
    vectors = random_vectors(2000)
    path = write_vectors("v.parquet", vectors)
    query = random_vectors(1, seed=5)
    near = search(build_index(path, tmp_path / "a", approximate=True), query, k=3)[0]
    true = {record["source"]: record["score"] for record in search(build_index(path, tmp_path / "e"), query, k=200)[0]}
    assert [record["score"] for record in near] == [true[record["source"]] for record in near]


@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize("share", [0.5, 0.02])
def test_a_condition_holds_in_an_approximate_index(write_vectors, random_vectors, tmp_path, monkeypatch, few, share):
    monkeypatch.setattr(approximate, "FEW", few)  # both ways: the engine's own condition, and all rows that fulfil it
    vectors, queries = np.split(random_vectors(3020), [3000])
    index = build_index(write_vectors("v.parquet", vectors), tmp_path / "i", approximate=True)
    allowed = np.arange(3000) < 3000 * share  # `size` is the row's number here
    found = search(index, queries, k=10, where=f"size < {3000 * share}")
    shares = []
    for query, records in zip(queries, found, strict=True):
        rows = [int(record["source"][2:-4]) for record in records]
        assert len(rows) == 10 and allowed[rows].all()
        shares.append(len(set(rows) & set(by_hand(vectors, query, "cosine", 10, allowed))) / 10)
    assert np.mean(shares) >= (1 if few else 0.9)


def test_a_condition_that_few_rows_fulfil_gives_fewer_than_k(write_vectors, random_vectors, tmp_path, monkeypatch):
    monkeypatch.setattr(approximate, "FEW", 0)
    path = write_vectors("v.parquet", random_vectors(2000))
    for is_approximate in (False, True):
        index = build_index(path, tmp_path / str(is_approximate), approximate=is_approximate)
        assert len(search(index, random_vectors(1), k=10, where="size in (3, 1999)")[0]) == 2
        assert search(index, random_vectors(1), k=10, where="size < 0") == [[]]


def test_a_million_rows_are_searched_approximately(write_vectors, random_vectors, tmp_path, monkeypatch):
    from mt_fusion.searching import building

    monkeypatch.setattr(building, "APPROXIMATE_FROM", 50)
    path = write_vectors("v.parquet", random_vectors(50))
    assert build_index(path, tmp_path / "a").is_approximate
    assert not build_index(path, tmp_path / "e", approximate=False).is_approximate
    assert not build_index(write_vectors("w.parquet", random_vectors(49)), tmp_path / "f").is_approximate


def test_faiss_that_is_missing_is_an_error_with_its_command(write_vectors, random_vectors, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "mt-fusion\[search\]"; or --exact'):
        build_index(write_vectors("v.parquet", random_vectors(50)), tmp_path / "i", approximate=True)
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize(
    ("queries", "says"),
    [
        (np.ones((1, 3)), "vectors are 1 x 3, those of the index 16 wide"),
        (np.full((1, 16), np.nan), "not a number throughout"),
        (np.zeros((1, 16)), "a vector is zero"),
    ],
)
def test_vectors_that_cannot_be_searched_for_are_refused(write_vectors, random_vectors, tmp_path, queries, says):
    index = build_index(write_vectors("v.parquet", random_vectors(20)), tmp_path / "i")
    with pytest.raises(SearchError, match=says):
        search(index, queries, k=1)


@pytest.mark.parametrize("k", [0, 21])
def test_k_is_no_larger_than_the_index(write_vectors, random_vectors, tmp_path, k):
    index = build_index(write_vectors("v.parquet", random_vectors(20)), tmp_path / "i")
    with pytest.raises(SearchError, match=rf"k={k}, and the index .* holds 20 rows"):
        search(index, random_vectors(1), k=k)


def test_a_file_of_vectors_is_a_query_for_each_of_its_rows(write_vectors, random_vectors, tmp_path):
    path = write_vectors("v.parquet", random_vectors(20))
    index = build_index(path, tmp_path / "i")
    assert [found[0]["source"] for found in search(index, path, k=1)] == [f"v-{row}.jpg" for row in range(20)]
    other = write_vectors("w.parquet", random_vectors(3), encoder_fingerprint="other")
    with pytest.raises(SearchError, match=r"another space than the index: another encoder \(eeeeeeeeeeee…, other\)"):
        search(index, other, k=1)
