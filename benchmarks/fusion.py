"""Several inputs at once against each alone, late fusion, and native models: `python benchmarks/fusion.py`.

Each arm is trained on the same items with the same recipe and measured on the same test part, seeds 0, 1, 2. With
--missing a share of the inputs of the test items is taken away at random, and the same model is measured with these
inputs absent, and with zeros in their place. `MT_DATA` names the folder of the paired datasets. What is measured is
kept, a line each, in benchmarks/results/fusion.jsonl; what is there is not measured again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from fusion_items import DATA, SETS, ItemSet, Rows
from torch import Tensor

import mt_core as mt
from mt_core.contract import Tokens
from mt_core.training.intervals import resampled_rows

RESULTS = Path(__file__).parent / "results" / "fusion.jsonl"
MISSING = 0.3
PROBE = {"head": {"pool": "cls+mean+max"}}


def arms(data: ItemSet) -> dict[str, dict[str, Any]]:
    """The options of the model and of its head, by arm."""
    listed = ",".join(data.inputs.values())
    one = {f"only {name}": {"inputs": text} for name, text in data.inputs.items()}
    late = {"inputs": listed, "fusion": "late"}  # probes are solved, so inputs stand side by side in both
    return {**one, "fused": {"inputs": listed}, "late": late, "mean of each": {}, "native": {}}


def measure(data: ItemSet, arm: str, options: Mapping[str, Any], tune: str, seed: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        train, test = data.make(Path(folder), seed)
        for row in (*train, *test):
            row["at"] = folder
        started = time.perf_counter()
        if arm == "native":
            for name, predicted in data.native(train, test, seed).items():
                yield record(data, f"native {name}", "native", seed, score(data, predicted, test, train), started)
            return
        table = Path(folder) / "test.csv"
        if arm == "mean of each":
            alone = [trained(data, {"inputs": text}, tune, seed, Path(folder)) for text in data.inputs.values()]
            outputs = np.mean([predicted_of(model, table) for model in alone], axis=0)
            yield record(data, arm, tune, seed, score(data, outputs, test, train), started)
            return
        model = trained(data, options, tune, seed, Path(folder))
        yield record(data, arm, tune, seed, score(data, predicted_of(model, table), test, train), started)
        for how in ("absent", "zeros") if arm == "fused" else ():
            outputs = predicted_of(model, table, how, seed)
            yield record(data, f"{arm}, {MISSING:.0%} {how}", tune, seed, score(data, outputs, test, train), started)


def trained(data: ItemSet, options: Mapping[str, Any], tune: str, seed: int, folder: Path) -> Any:
    """The trained model of an arm."""
    recipe = {**(PROBE if tune == "probe" else data.recipe), "tune": tune, "seed": seed, "num_workers": 0}
    recipe["head"] = {**recipe.get("head", {}), **data.head}
    if options.get("fusion") == "late" and tune != "probe":
        recipe["head"]["views"] = "attention"
    model = load(options, seed, folder, data, "embed" if tune == "probe" else "train")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mt.fit(model, folder, data_options={**data.options, "target": data.target}, **recipe)
    return model


def load(options: Mapping[str, Any], seed: int, folder: Path, data: ItemSet, purpose: Literal["embed", "train"]) -> Any:
    """The model, its inputs settled by the training table as `mt train` does, in the views of the purpose."""
    from mt_fusion.fused.dataset import FusedDataset

    chosen = {**data.options, "target": data.target, "inputs": options["inputs"]}
    opened = FusedDataset.open(folder, "train", options=FusedDataset.Options.parse(chosen))
    inputs = opened.tokenizer_options()["inputs"]
    views = {name: value for name, value in data.views.items() if name.partition(".")[0] in inputs}
    own = {name: value for name, value in options.items() if name != "inputs"}
    return mt.load(inputs, purpose=purpose, seed=seed, **own, **views)


def predicted_of(model: Any, table: Path, missing: str = "", seed: int = 0) -> np.ndarray:
    """What the head says of each row: the probability of each class, or the number."""
    from mt_core.data.batches import encoding, features_of
    from mt_fusion.fused.tokenizer import PRESENT

    tokenizer = model.tokenizer
    items = [tokenizer.prepare(item) for item in tokenizer.stream(table)]
    generator = np.random.default_rng(seed)
    if missing:
        lacking = [_lacking(item[PRESENT].numpy(), generator) for item in items]
        if missing == "absent":
            items = [
                tokenizer.keep_inputs(
                    item, [name for name, gone in zip(tokenizer.inputs, each, strict=True) if not gone]
                )
                for item, each in zip(items, lacking, strict=True)
            ]
        else:
            items = [dict(item, lacking=torch.tensor(each)) for item, each in zip(items, lacking, strict=True)]
    outputs = []
    model.eval()
    with encoding(model, "32"):
        for first in range(0, len(items), 64):
            chosen = items[first : first + 64]
            outputs.append(model.head(zeroed(model, chosen) if missing == "zeros" else features_of(model, chosen)))
    decoded = model.head.decode(torch.cat(outputs))
    if "probabilities" in decoded[0]:
        return np.array([list(each["probabilities"].values()) for each in decoded])
    return np.array([each["prediction"] for each in decoded], float).reshape(len(decoded), -1)[:, 0]


def _lacking(present: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Which inputs are taken away, never all."""
    gone = present & (generator.random(len(present)) < MISSING)
    if gone.sum() == present.sum():
        gone[generator.choice(np.flatnonzero(present))] = False
    return gone


def zeroed(model: Any, items: list[dict[str, Tensor]]) -> Any:
    """Features of items whose lacking inputs have as many tokens as before, all of them zero."""
    tokenizer = model.tokenizer
    lacking = torch.stack([item["lacking"] for item in items])
    batch = tokenizer.collate([{name: value for name, value in item.items() if name != "lacking"} for item in items])
    values, masks = [], []
    for number in range(len(tokenizer.inputs)):
        only = {name: tensor for name, tensor in batch.items() if name == "present" or name.startswith(f"{number}/")}
        if len(only) == 1:
            continue
        tokens = tokenizer(only)
        values.append(tokens.values * ~lacking[:, number, None, None])
        masks.append(tokens.real())
    return model.encoder(Tokens(torch.cat(values, 1), torch.cat(masks, 1)))


def score(data: ItemSet, predicted: np.ndarray, test: Rows, train: Rows) -> dict[str, float]:
    """The metric, and its standard error over resampled test items."""
    truth = [row[data.target] for row in test]
    measured = _metric(data, predicted, truth, sorted({row[data.target] for row in train}))
    groups = [row[data.options["group"]] for row in test] if "group" in data.options else None
    values = [measured(rows) for rows in resampled_rows(len(test), groups)]
    return {
        "value": measured(np.arange(len(test))),
        "low": float(np.quantile(values, 0.025)),
        "high": float(np.quantile(values, 0.975)),
    }


def _metric(data: ItemSet, predicted: np.ndarray, truth: list[str], classes: list[str]) -> Any:
    from sklearn.metrics import roc_auc_score

    if data.metric == "rmse":
        numbers = np.array(truth, float)
        return lambda rows: float(np.sqrt(np.mean((predicted[rows] - numbers[rows]) ** 2)))
    if data.metric == "accuracy":
        right = np.array([classes[at] for at in predicted.argmax(1)]) == np.array(truth)
        return lambda rows: float(right[rows].mean())
    positive = data.head["positive"]
    shown = predicted if predicted.ndim == 1 else predicted[:, classes.index(positive)]
    is_positive = np.array(truth) == positive
    return lambda rows: (
        float(roc_auc_score(is_positive[rows], shown[rows])) if 0 < is_positive[rows].sum() < len(rows) else 0.5
    )


def record(data: ItemSet, arm: str, tune: str, seed: int, found: Mapping[str, float], started: float) -> dict[str, Any]:
    seconds = round(time.perf_counter() - started, 1)
    return {
        "dataset": data.name,
        "arm": arm,
        "tune": tune,
        "seed": seed,
        "metric": data.metric,
        **found,
        "seconds": seconds,
    }


def lines() -> list[str]:
    """The table of docs/items.md: the mean over seeds, and from the lowest to the highest of them."""
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    kinds = ("only", "fused", "mean of each", "late", "native all", "fused, 30% absent", "fused, 30% zeros")
    told = [
        "| items | metric | best input alone | fused | mean of each | late | native | 30 % absent | 30 % zeros |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, data in SETS.items():
        own = [row for row in rows if row["dataset"] == name and row["tune"] in ("probe", "native")]
        if not own:
            continue
        arms_of: dict[str, list[float]] = {}
        for row in own:
            arms_of.setdefault(row["arm"], []).append(row["value"])
        lower = data.metric == "rmse"
        singles = [arm for arm in arms_of if arm.startswith("only ")]
        best = (min if lower else max)(singles, key=lambda arm: np.mean(arms_of[arm]))
        cells = [f"{best.removeprefix('only ')} {_span(arms_of[best])}"]
        cells += [_span(arms_of.get(arm, [])) for arm in kinds[1:]]
        told.append(f"| {name} ({' + '.join(data.inputs)}) | {data.metric} | {' | '.join(cells)} |")
    return told


def _span(values: list[float]) -> str:
    if not values:
        return "-"
    spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
    return f"{np.mean(values):.3g}{spread}"


def write_table() -> None:
    """Put the table between its marks in docs/items.md."""
    page = Path(__file__).parents[1] / "docs/items.md"
    before, begin, rest = page.read_text("utf-8").partition("<!-- fusion: begin -->\n")
    _, end, after = rest.partition("<!-- fusion: end -->")
    page.write_text(before + begin + "\n".join(lines()) + "\n" + end + after, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="write the table of docs/items.md, and measure nothing")
    parser.add_argument("--only", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--tune", default="probe", choices=["probe", "frozen"], help="the head, or tokenizers too")
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    if chosen.table:
        write_table()
        return
    if not DATA.is_dir():
        parser.error("MT_DATA names no folder of data")
    for seed in range(chosen.seeds):
        for name in chosen.only:
            for arm, options in arms(SETS[name]).items():
                tune = chosen.tune if arm != "native" else "native"
                if not is_known(name, arm, tune, seed):
                    for row in measure(SETS[name], arm, options, tune, seed):
                        keep(row)


def is_known(name: str, arm: str, tune: str, seed: int) -> bool:
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    wanted = {"dataset": name, "tune": tune, "seed": seed}
    return any(row.items() >= wanted.items() and row["arm"].startswith(arm) for row in rows)


def keep(row: Mapping[str, Any]) -> None:
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")
    what = f"{row['dataset']}, {row['arm']}, {row['tune']}, seed {row['seed']}"
    print(f"{what}: {row['metric']} {row['value']:.4f} ({row['seconds']} s)", flush=True)


if __name__ == "__main__":
    main()
