"""What a linear model makes of the words."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Baseline, Classification, Multilabel
from mt_plugin_text.text import Text

_WIDTH = 1 << 18  # places that words and pairs are hashed to
_WORD = re.compile(r"\w\w+")


class TextBaseline(Baseline):
    """Counts of words and of pairs of words, hashed to places; those of a second text apart from those of the first.

    Source: Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning, arXiv:0902.2206.
    """

    description = "TF-IDF of words and pairs of words, linear model"

    def features(self, sample: Text) -> NDArray[np.float32]:
        """(262,144) counts."""
        counts = np.zeros(_WIDTH, np.float32)
        for number, text in enumerate((sample.first, sample.second or "")):
            words = _WORD.findall(text.lower())
            for term in (*words, *map(" ".join, pairwise(words))):
                counts[zlib.crc32(f"{number} {term}".encode("utf-8", "surrogatepass")) % _WIDTH] += 1
        return counts

    def estimator(self, task: AnyTask, seed: int) -> Any:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import make_pipeline

        is_classifier = isinstance(task, Classification | Multilabel)
        return make_pipeline(TfidfTransformer(), LogisticRegression(C=10, max_iter=1000) if is_classifier else Ridge())
