"""The table of what is trained with all labels, from `results/evidence.jsonl`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from evidence_datasets import DATASETS
from evidence_select import measured_fingerprint
from evidence_tables import shown

from mt_core.training.intervals import student_interval

ENCODERS = ("mt-tiny", "random/vit_tiny_patch16_224", "none/vit_tiny_patch16_224")
METRICS = {"accuracy": "%", "rmse": "RMSE", "mse": "MSE"}
Row = Mapping[str, Any]


def full_table(rows: Sequence[Row], natives: Mapping[str, str], tiny: str) -> str:
    """A row a dataset and rung: the mean over seeds of each arm, with Student's interval where there are several.

    Args:
        natives: What the native baseline reaches with all training samples, by dataset.
        tiny: The fingerprint of mt-tiny. Where it was not measured stand the last weights that were, marked as such.
    """
    counted = _counted(rows, tiny)
    values: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["encoder"] != "mt-tiny" or row["fingerprint"] == counted[_place(row)]:
            values[_place(row)][row["encoder"]].append(row["metrics"])
    table = [
        "| modality | data, metric | test samples | trained | mt-tiny | random weights | no encoder | constant | "
        "native baseline |",
        "|---" * 9 + "|",
    ]
    modalities = list(dict.fromkeys(evidence.modality for evidence in DATASETS.values()))
    order = sorted(
        (modalities.index(DATASETS[name].modality), list(DATASETS).index(name), rung) for name, rung in values
    )
    for _, place, rung in order:
        name = list(DATASETS)[place]
        found = values[name, rung]
        metrics = next(iter(found.values()))[0]
        metric = next(each for each in METRICS if each in metrics)
        scale, unit = (100 if metric == "accuracy" else 1), METRICS[metric]
        of_arms = [[scale * each[metric] for each in found[encoder]] for encoder in ENCODERS]
        own, *controls = (_mean(each, unit) for each in of_arms)
        is_earlier = counted.get((name, rung), tiny) != tiny
        cells = [
            DATASETS[name].modality,
            f"{DATASETS[name].title} `{name}`, {unit}",
            f"{int(metrics['samples']):,}",
            rung,
            f"{own} (earlier weights)" if is_earlier else own,
            *controls,
            shown(scale * metrics[f"naive_{metric}"], unit),
            natives.get(name, "-"),
        ]
        table.append("| " + " | ".join(cells) + " |")
    return "\n".join(table)


def _counted(rows: Sequence[Row], tiny: str) -> dict[tuple[str, str], str]:
    """The weights of mt-tiny that a dataset and rung is shown with, by their fingerprint."""
    own: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row["encoder"] == "mt-tiny":
            own[_place(row)].append(row["fingerprint"])
    return {place: measured_fingerprint(fingerprints, tiny) for place, fingerprints in own.items()}


def _place(row: Row) -> tuple[str, str]:
    return row["dataset"], row.get("rung", "frozen")


def _mean(values: Sequence[float], unit: str) -> str:
    if not values:
        return "-"
    interval = student_interval(values) if len(values) > 1 else None
    digits = f"{np.mean(values):.2f}" if unit == "%" else shown(float(np.mean(values)), unit)
    if interval is None:
        return digits + (f" ({len(values)} seeds)" if len(values) > 1 else "")
    half = (interval[1] - interval[0]) / 2
    return f"{digits} ± {half:.2f}" if unit == "%" else f"{digits} ± {shown(half, unit)}"
