"""Anomalies in series against their controls, and the table of docs/segments.md.

    MT_DATA=... python benchmarks/segments.py run [--only nyc_taxi/mt-tiny] [--seeds 1] [--minutes 30]
    python benchmarks/segments.py table    the table between the markers of docs/segments.md

The seven series of NAB's realKnownCause, each tested by models that were trained on the six others with one recipe,
which was set before any test. The measure is the area under the ROC curve over the steps of the series, those within a
window of NAB against the others. `native` learns nothing: how many standard deviations a value lies from the mean of
the `lookback` steps before it. What is on record in benchmarks/results/segments.jsonl, a line each, is not measured
again.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from dense_bench import DenseBench, Measured, encoder_of

FOLDER = "realKnownCause"
SERIES = {
    "ambient_temperature_system_failure": "ambient temperature",
    "cpu_utilization_asg_misconfiguration": "CPU",
    "ec2_request_latency_system_failure": "EC2 latency",
    "machine_temperature_system_failure": "machine temperature",
    "nyc_taxi": "taxi",
    "rogue_agent_key_hold": "key hold",
    "rogue_agent_key_updown": "key up/down",
}
ARMS = {
    "mt-tiny": "mt-tiny, frozen",
    "random": "random weights, frozen",
    "none": "no encoder",
    "native": "rolling z-score",
}
RECIPE = {"epochs": 4, "batch_size": 16, "lr": 2e-3, "keep": "last", "num_workers": 0}
TOKENIZER = {"labels": "steps", "lookback": 336}
HEAD = {"class_weights": "balanced"}
EVERY = 2
"""Of the training windows, which overlap by half, so that an arm takes a quarter of a minute of one core a series."""

_RESAMPLES = 10_000


def recipe_of(arm: str) -> dict[str, Any]:
    if arm == "native":
        return {"lookback": TOKENIZER["lookback"]}
    return {"recipe": RECIPE, "tokenizer": TOKENIZER, "head": HEAD, "every": EVERY}


def measure(series: str, arm: str, seed: int) -> Measured:
    """Metrics of one arm on one series."""
    from mt_core.data.subsets import Subset
    from mt_plugin_timeseries.dataset import TimeSeriesDataset

    root = Path(os.environ["MT_DATA"]) / "time_series" / "NAB"
    options = TimeSeriesDataset.Options(**TOKENIZER, group="file", test_group=(f"{FOLDER}/{series}",))
    train, test = (TimeSeriesDataset.open(root, split, options=options) for split in ("train", "test"))
    used = Subset(train, list(range(0, len(train), EVERY)), "every second window")
    values = native(test) if arm == "native" else trained(arm, seed, used, test)
    return Measured(values, (len(used), len(test)))


def trained(arm: str, seed: int, train: Any, test: Any) -> dict[str, float]:
    import mt_core as mt
    from mt_core.data.subsets import Subset

    model = mt.load("timeseries", encoder=encoder_of(arm, seed), purpose="train", seed=seed, **TOKENIZER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # the last epoch is kept, so a single window is enough to watch it
        mt.fit(model, train, Subset(train, [0], "watched"), seed=seed, head=HEAD, **RECIPE)
        return mt.evaluate(model, test, num_workers=0)


def native(test: Any) -> dict[str, float]:
    """The rolling z-score of each step."""
    import pandas as pd
    from sklearn.metrics import roc_auc_score

    labels_T = np.concatenate([test[row].target for row in range(len(test))])
    parts = [test[row].sample for row in range(len(test))]
    values_T = pd.Series(np.concatenate([part.values[part.part.first : part.part.last, 0] for part in parts]))
    before = values_T.shift(1).rolling(TOKENIZER["lookback"], min_periods=2)
    scores_T = ((values_T - before.mean()).abs() / before.std().clip(lower=1e-8)).fillna(0)
    return {"auroc": float(roc_auc_score(labels_T, scores_T))}


class SegmentsBench(DenseBench):
    def table(self) -> str:
        """Of each arm the area on each series, and the mean over the series that are on record with an interval that
        resamples series."""
        lines = super().table().splitlines()
        records = self.records()
        lines[0] = lines[0].replace("| seeds |", "| mean of the series, 95 % | seeds |")
        lines[1] += "---|"
        for at, arm in enumerate(self.arms, start=2):
            of_series: dict[str, list[float]] = {}
            for each in records:
                if each["arm"] == arm and each["key"] == self.key(each["dataset"], arm, each["seed"]):
                    of_series.setdefault(each["dataset"], []).append(each["metrics"]["auroc"])
            means = np.array([np.mean(values) for values in of_series.values()])
            cell = "-"
            if len(means) == len(self.datasets):
                drawn = np.random.default_rng(0).choice(means, (_RESAMPLES, len(means))).mean(1)
                low, high = np.percentile(drawn, [2.5, 97.5])
                cell = f"{means.mean():.3f} ({low:.3f} to {high:.3f})"
            before, _, seeds = lines[at].rstrip(" |").rpartition(" | ")
            lines[at] = f"{before} | {cell} | {seeds} |"
        return "\n".join(lines)


BENCH = SegmentsBench(
    "segments", SERIES, ARMS, {"auroc": "AUC"}, recipe_of, measure, without_seed=("native",)
)  # fmt: skip

if __name__ == "__main__":
    BENCH.main(__doc__)
