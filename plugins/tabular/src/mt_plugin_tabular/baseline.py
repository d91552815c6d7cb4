"""What boosted trees make of the same columns.  C columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Baseline, Classification, Multilabel
from mt_plugin_tabular.categories import KNOWN
from mt_plugin_tabular.cells import Row
from mt_plugin_tabular.tokenizer import TabularTokenizer

_MISSING = -1e7  # below all numbers, so that a tree can tell them apart
_MOST_CATEGORIES = 254  # that the trees take as such; more are in the order of their frequency


class TabularBaseline(Baseline):
    """The columns as the tokenizer reads them: numbers in standard deviations, categories as their indices."""

    description = "the columns, boosted trees"
    model = "boosting"
    tokenizer: TabularTokenizer

    def features(self, sample: Row) -> NDArray[np.float64]:
        """(C,) numbers first, then categories."""
        prepared = self.tokenizer.prepare(sample)
        numbers = np.nan_to_num(prepared["numbers"].numpy().astype(np.float64), nan=_MISSING)
        return np.concatenate([numbers, prepared["categories"].numpy()])

    def estimator(self, task: AnyTask, seed: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        columns = sorted(self.tokenizer.columns, key=lambda column: column.kind == "category")
        is_category = [
            column.kind == "category" and len(column.categories) + KNOWN <= _MOST_CATEGORIES for column in columns
        ]
        is_classifier = isinstance(task, Classification | Multilabel)
        boosted = HistGradientBoostingClassifier if is_classifier else HistGradientBoostingRegressor
        return boosted(categorical_features=is_category, random_state=seed)
