"""Which view trains better: tokens or pictures, each with the same steps, on held-out parts of training data.

    OMP_NUM_THREADS=1 MT_DATA=... python benchmarks/training_views.py [--only fsdd] [--seeds 3] [--tiny FILE] [--lr 1]
    python benchmarks/training_views.py --table [--write]

Tokenizer and head are trained around a frozen encoder, which is mt-tiny unless `--tiny` names other weights: so many
steps of 16 samples for either view, at the learning rate of the modality's recipe times `--lr`, on three quarters of at
most 400 training samples; what is measured is the last quarter. No test part is opened. The seed draws the quarter, the
weights and the order. What is on record in `benchmarks/results/training_views.jsonl` for the same weights, options and
data is not measured again; `--table` prints what is on record for these weights, each view at its better rate, and
`--write` puts it into docs/views.md.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from evidence_datasets import DATASETS, Evidence
from evidence_native import answers_of
from evidence_records import Key, Line, Metric, Records, hash_of
from evidence_samples import Samples, arranged, examples_of, targets_of
from evidence_untrained import metric_of, unit_of
from evidence_vectors import encoder_of
from machine import training_precision

import mt_core as mt
from mt_core.data.sample_hash import sample_hashes
from mt_core.data.subsets import Subset
from mt_core.errors import DataWarning, MtWarning
from mt_core.plugins import get

RESULTS = Path(__file__).parent / "results" / "training_views.jsonl"
PAGE = Path(__file__).parents[1] / "docs" / "views.md"
BEGIN, END = "<!-- written by benchmarks/training_views.py -->\n", "<!-- end -->\n"
VIEWS = ("tokens", "picture")
MOST, BATCH = 400, 16
VAL_SHARE = 0.25


@dataclass(frozen=True)
class Compared:
    """One dataset.

    Attributes:
        name: In `evidence_datasets`.
        modality: Another than there, where another reads the same files.
        drawn: Options of the tokenizer beside view=picture.
        options: Those beside view=tokens; None: as in `evidence_datasets`.
        steps: Of training.
    """

    name: str
    modality: str = ""
    drawn: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] | None = None
    steps: int = 60

    @property
    def evidence(self) -> Evidence:
        known = DATASETS[self.name]
        return replace(known, modality=self.modality or known.modality, most_train=MOST)

    def model_options(self, view: str) -> dict[str, Any]:
        own = self.evidence.options if self.options is None else self.options
        return {**(self.drawn if view == "picture" else own), "view": view}

    @property
    def title(self) -> str:
        return f"{self.evidence.modality}, {self.evidence.title}"


COMPARED = (
    Compared("racketsports"),
    Compared("fsdd"),
    Compared("indian_pines"),
    Compared("mutag"),
    Compared("lidarnet", drawn={"upright": "y"}),
    Compared("esol"),
    Compared("racketsports", "timeseries", options={"patch": 8, "stride": 4}, drawn={"patch": 8, "stride": 4}),
    Compared("california"),
    Compared("epilepsy"),
    Compared("ucf101", drawn={"frames": 8}, steps=30),
    Compared("adult"),
    Compared("sst2"),
)


def opened_training(compared: Compared, data: Path) -> Samples:
    """The training part alone, drawn at random where it is larger."""
    dataset = get(compared.evidence.modality).dataset
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        whole = dataset.open(data, "train", options=dataset.Options.parse(compared.evidence.data_options))
    rows = np.sort(np.random.default_rng(0).permutation(len(whole))[:MOST])
    train = Subset(whole, rows.tolist(), f"{len(rows)} of them")
    identity = hash_of([sample_hashes(train).tobytes().hex(), targets_of(train).tolist()])
    return Samples(compared.name, compared.evidence, train, train, [], None, identity)


def measured(compared: Compared, view: str, seed: int, samples: Samples, arguments: argparse.Namespace) -> Line:
    """Train on three quarters, and measure on the last."""
    evidence, started = compared.evidence, time.process_time()
    order = np.random.default_rng(seed).permutation(len(samples.train))
    held, kept = np.split(order, [round(VAL_SHARE * len(order))])
    train = Subset(samples.train, np.sort(kept).tolist(), "three quarters")
    val = Subset(samples.train, np.sort(held).tolist(), "the last quarter")
    recipe = {**get(evidence.modality).manifest.recipe, **evidence.recipe}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (DataWarning, MtWarning))
        model = mt.load(
            evidence.modality,
            encoder=encoder_of("mt-tiny", 0, arguments.tiny),
            purpose="train",
            seed=seed,
            **compared.model_options(view),
        )
        mt.fit(
            model,
            train,
            val=Subset(train, [0, 1], "two of them, for the progress"),
            seed=seed,
            keep="last",
            epochs=max(1, round(compared.steps * BATCH / len(train))),
            batch_size=BATCH,
            lr=arguments.lr * float(recipe.get("lr", 1e-3)),
            head=recipe.get("head", {}),
            num_workers=0,
            precision=training_precision(),
        )
        answers = answers_of(samples, mt.predict(model, [example.sample for example in examples_of(val)]))
    metric = metric_of(replace(samples, train=train, test=val), answers, targets_of(val))
    about = {"view": view, "lr": arguments.lr, "unit": unit_of(samples)}
    key = _key(compared, view, seed, samples, arguments)
    # its interval is of no use
    single = Metric(metric.value, metric.resampled[:0])
    return Line(key, {"value": single}, len(train), len(val), time.process_time() - started, about)


def _key(compared: Compared, view: str, seed: int, samples: Samples, arguments: argparse.Namespace) -> Key:
    evidence = compared.evidence
    how = [compared.model_options(view), compared.steps, evidence.recipe, arguments.lr, BATCH]
    fingerprint = encoder_of("mt-tiny", 0, arguments.tiny).fingerprint
    name = f"{evidence.modality}/{compared.name}"
    return Key(name, "views", "mt-tiny", seed, None, hash_of(how), fingerprint, samples.identity)


def measure_all(arguments: argparse.Namespace) -> None:
    from machine import machine

    print(machine())
    records = Records(RESULTS)
    asked = [each for each in COMPARED if not arguments.only or {each.name, each.evidence.modality} & {*arguments.only}]
    for seed, compared in product(range(arguments.seeds), asked):  # a killed run has as many seeds of each dataset
        with arranged(compared.evidence) as (data, _):
            samples = opened_training(compared, data)
            for view in VIEWS:
                if records.find(_key(compared, view, seed, samples, arguments)) is None:
                    line = records.add(measured(compared, view, seed, samples, arguments))
                    value = f"{line.metrics['value'].value:.4g} {line.about['unit']}"
                    print(f"{compared.title} {view} seed {seed}: {value}, {line.seconds:.0f} s", flush=True)


def table(arguments: argparse.Namespace) -> Iterator[str]:
    """A row a dataset: mean and range of each view at its better rate."""
    fingerprint = encoder_of("mt-tiny", 0, arguments.tiny).fingerprint
    lines = [line for line in Records(RESULTS).lines() if line.key.fingerprint == fingerprint]
    yield "| modality, dataset | trained on, measured on | tokens | picture | CPU seconds a run |"
    yield "|---|---|---|---|---|"
    for compared in COMPARED:
        name = f"{compared.evidence.modality}/{compared.name}"
        own = [line for line in lines if line.key.dataset == name]
        cells, seconds = [], []
        for view in VIEWS:
            found = _better([line for line in own if line.about["view"] == view])
            cells.append(_shown(found))
            seconds.append(f"{np.mean([line.seconds for line in found]):.0f}" if found else "")
        if own:
            sizes = f"{own[0].num_train:,}, {own[0].num_test:,}"
            yield f"| {compared.title} | {sizes} | {' | '.join(cells)} | {', '.join(seconds)} |"


def _better(lines: list[Line]) -> list[Line]:
    """Those of the learning rate with the better mean."""
    by_rate = {line.about["lr"]: [other for other in lines if other.about["lr"] == line.about["lr"]] for line in lines}
    sign = -1 if lines and lines[0].about["unit"] == "%" else 1
    return min(by_rate.values(), key=lambda found: sign * float(np.mean(_values(found))), default=[])


def _values(lines: list[Line]) -> list[float]:
    return [line.metrics["value"].value for line in lines]


def _shown(lines: list[Line]) -> str:
    if not lines:
        return ""
    values, unit = _values(lines), lines[0].about["unit"]
    digits = ".1f" if unit == "%" else ",.0f" if max(values) > 100 else ".3f"
    low, mean, high = (format(each, digits) for each in (min(values), float(np.mean(values)), max(values)))
    rate = lines[0].about["lr"]
    between = f" ({low} to {high})" if len(values) > 1 else ""
    return f"{mean} {unit}{between}{'' if rate == 1 else f', {rate:g} times the rate'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="DATASET|MODALITY")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lr", type=float, default=1.0, help="Times the learning rate of the modality's recipe.")
    parser.add_argument("--tiny", default="mt-tiny", metavar="FILE", help="Other weights to measure as mt-tiny.")
    parser.add_argument("--table", action="store_true", help="Print what is on record.")
    parser.add_argument("--write", action="store_true", help="Into docs/views.md.")
    arguments = parser.parse_args()
    if not arguments.table:
        measure_all(arguments)
    lines = "\n".join(table(arguments))
    print(lines)
    if arguments.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{lines}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
