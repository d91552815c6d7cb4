"""How well the cosine of untrained vectors ranks pairs of sentences: STS-B, Spearman's rank correlation, times 100."""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from evidence_datasets import DATASETS, data_folder
from evidence_records import Floats, Key, Line, Records, hash_of, resampled_metric
from evidence_vectors import SEEDS, encoder_of, fingerprint_of

import mt_core as mt
from mt_plugin_text.baseline import TextBaseline
from mt_plugin_text.text import Text


def measure(name: str, arm: str, records: Records, tiny: str, until: float = float("inf")) -> Iterator[Line]:
    """The lines of an arm that are not on record yet. The tokenizer has pretrained vectors of words, so that only
    random weights depend on a seed."""
    path = data_folder() / DATASETS[name].path / f"stsb-en-{name.partition('_')[2]}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    texts = [Text(row[place]) for place in (0, 1) for row in rows]
    scores = np.array([float(row[2]) for row in rows])
    data = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    for seed in SEEDS if arm == "random" else (0,):
        started = time.monotonic()
        recipe = hash_of({"version": 1, "measure": "cosine"})
        key = Key(name, "untrained", arm, seed, None, recipe, fingerprint_of(arm, seed, tiny), data)
        if started > until or records.find(key) is not None:
            continue
        vectors: Any = _native(texts) if arm == "native" else _unit(_embedded(texts, arm, seed, tiny))
        metric = _correlation(vectors, scores)
        about = {"unit": "Spearman", "constant": 0.0, "view": None}
        if arm == "native":
            about["baseline"] = "TF-IDF of words and pairs of words, cosine"
        yield records.add(Line(key, {"cosine": metric}, 0, len(rows), time.monotonic() - started, about))


def _embedded(texts: list[Text], arm: str, seed: int, tiny: str) -> Floats:
    model = mt.load("text", encoder=encoder_of(arm, seed, tiny), seed=seed)
    return np.asarray(mt.embed(model, texts, batch_size=64), np.float64)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12))


def _native(texts: list[Text]) -> Any:
    """Sparse rows of length 1."""
    from scipy.sparse import csr_matrix, vstack
    from sklearn.feature_extraction.text import TfidfTransformer

    baseline = TextBaseline(mt.load("text", encoder="none/vit_tiny_patch16_224").tokenizer)
    counts = vstack([csr_matrix(baseline.features(text)) for text in texts])
    return TfidfTransformer().fit_transform(counts)


def _correlation(vectors: Any, scores: Floats) -> Any:
    from scipy.stats import spearmanr

    first, second = vectors[: len(scores)], vectors[len(scores) :]
    product = first.multiply(second) if hasattr(first, "multiply") else first * second
    cosines = np.asarray(product.sum(1)).ravel()
    return resampled_metric(
        lambda rows: 100 * float(np.nan_to_num(spearmanr(cosines[rows], scores[rows]).statistic)), len(scores)
    )
