"""What the native baselines that plugins declare answer of the same samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from evidence_samples import Indices, Samples

import mt_core as mt
from mt_core.contract import Classification, Forecasting
from mt_core.data.subsets import Subset
from mt_core.heads import default_head
from mt_core.plugins import get
from mt_core.training.baseline import FeatureTable, fit_predict, read_features

READING = {"batch_size": 64, "num_workers": 0, "skip_unreadable": False}
SEED = 0


def native_answers(samples: Samples, rows: Indices | None = None) -> tuple[Any, str]:
    """Its answers of the test samples, each by the fold that it is tested in, and what it is.

    Args:
        rows: The training samples, in place of those of the folds.
    """
    plugin = get(samples.evidence.modality)
    model = mt.load(samples.evidence.modality, encoder="none/vit_tiny_patch16_224")
    tokenizer = model.tokenizer
    known = samples.train if rows is None else Subset(samples.train, rows.tolist(), "labelled")
    tokenizer.calibrate([known[row] for row in range(len(known))])
    baseline = plugin.baseline(tokenizer)
    tables = [read_features(baseline, part, **READING) for part in (samples.train, samples.test)]
    found: Any = None
    for fit, left in samples.folds if rows is None else [(rows, np.arange(len(samples.test)))]:
        head = default_head(tokenizer.width, samples.task, plugin.head)
        head.calibrate([samples.train.targets()[row] for row in fit])
        of_fold = FeatureTable(tables[0].features[fit], tables[0].target[fit])
        decoded = head.decode(fit_predict(baseline, head, of_fold, tables[1].features[left], SEED))
        answers = answers_of(samples, decoded)
        found = np.zeros((len(samples.test), *answers.shape[1:]), answers.dtype) if found is None else found
        found[left] = answers
    return found, baseline.description


def answers_of(samples: Samples, decoded: list[dict[str, Any]]) -> Any:
    """(m,) classes, (m, 1) numbers or (m, H, C) steps of what a head decodes, or `mt.predict` gives."""
    task, predictions = samples.task, [row["prediction"] for row in decoded]
    if isinstance(task, Classification):
        return np.array([task.classes.index(name) for name in predictions], np.int64)
    if isinstance(task, Forecasting):
        return np.array([[row[channel] for channel in task.channels] for row in predictions]).swapaxes(1, 2)
    return np.array(predictions, np.float64).reshape(len(predictions), -1)
