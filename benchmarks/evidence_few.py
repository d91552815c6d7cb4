"""What few labels teach: 5 and 20 a class, or 50 and 200 numbers, of three draws, around each encoder, which is frozen.

How is chosen on the rest of the training samples with two other draws of labels, for each arm and encoder by itself:
the probe (ridge regression on the vectors of `mt embed`, in each view), or tokenizer and head trained by steps.
What was chosen is then trained on the three draws and measured once on the test samples.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from evidence_datasets import Few
from evidence_native import answers_of, native_answers
from evidence_records import Key, Line, Metric, Records, hash_of
from evidence_samples import Indices, Samples, examples_of, opened, targets_of
from evidence_untrained import constant_answer, metric_of, probe_answers, recipe_of
from evidence_vectors import SEEDS, Vectors, encoder_of, fingerprint_of, of_one_size
from machine import training_precision

import mt_core as mt
from mt_core.data.subsets import Subset
from mt_core.errors import DataWarning, MtWarning
from mt_core.plugins import get

REGIME, CHOICE = "few", "choice"
CHOICE_SEEDS = (100, 101)
PROBE = "probe"


@dataclass(frozen=True)
class Way:
    """One of the recipes that are chosen from.

    Attributes:
        view: Of the vectors that a probe is fitted to.
        options: Of the tokenizer that is trained by steps.
    """

    is_probe: bool = False
    view: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def ways_of(samples: Samples, views: Sequence[str | None]) -> dict[str, Way]:
    """What may be chosen, by name, the same for all arms.

    Args:
        views: Of the vectors; see `Vectors.views`.
    """
    evidence, few = samples.evidence, _few(samples)
    plugin = get(evidence.modality)
    if few.trained is not None:
        trained = few.trained
    elif plugin.manifest.views is not None:
        own = {name: value for name, value in evidence.options.items() if name != "view"}
        trained = {"tokens": {**own, "view": "tokens"}, "picture": {"view": "picture"}}
    elif evidence.options:
        trained = {"convolutions": evidence.options, "patches": {}}
    else:
        trained = {"tokens": {}}
    probes = {PROBE if view is None else f"{PROBE} of {view}": Way(is_probe=True, view=view) for view in views}
    return {**probes, **{name: Way(options=options) for name, options in trained.items()}}


def draw(samples: Samples, labels: int, seed: int) -> tuple[Indices, Indices]:
    """The rows of the training samples that have a label, and those of the others that a choice is made on."""
    targets = targets_of(samples.train)
    order = np.random.default_rng(seed).permutation(len(targets))
    if samples.is_classes:
        drawn = np.concatenate([order[targets[order] == each][:labels] for each in np.unique(targets)])
    else:
        drawn = order[:labels]
    others = order[~np.isin(order, drawn)][: _few(samples).most_val]
    return np.sort(drawn), np.sort(others)


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm on one dataset.

    Attributes:
        tiny: See `encoder_of`.
    """

    name: str
    samples: Samples
    vectors: Vectors
    records: Records
    tiny: str

    @property
    def ways(self) -> dict[str, Way]:
        return ways_of(self.samples, self.vectors.views())

    def key(self, regime: str, seed: int, labels: int, way: str) -> Key:
        recipe = hash_of({**recipe_of(self.samples), "way": way, "how": self._how(way, seed, labels)})
        # a choice is made around one drawing of random weights
        of_weights = 0 if regime == CHOICE else seed
        fingerprint = fingerprint_of(self.name, of_weights, self.tiny)
        return Key(self.samples.name, regime, self.name, seed, labels, recipe, fingerprint, self.samples.identity)

    def _how(self, name: str, seed: int, labels: int) -> Any:
        if self.name == "native":
            return "native"
        way = self.ways[name]
        if way.is_probe:
            return self.vectors.described(self.name, seed if seed in SEEDS else 0, way.view)
        few = replace(_few(self.samples), trained=None, labels=(labels,))
        return [dict(way.options), self.samples.evidence.recipe, repr(few)]

    def answers(self, name: str, rows: Indices, seed: int, *, choosing: bool) -> Any:
        """Of the test samples, or of the training samples that a choice is made on."""
        of_weights = 0 if choosing else seed
        samples, way = self.samples, self.ways[name]
        others = draw(samples, _labels_of(samples, rows), seed)[1] if choosing else None
        if way.is_probe:
            train, test = self.vectors.of(self.name, of_weights, way.view)
            if others is None:
                return probe_answers(samples, train, test, rows, np.arange(len(samples.test)))
            return probe_answers(replace(samples, test=samples.train), train, train, rows, others)
        asked = samples.test if others is None else Subset(samples.train, others.tolist(), "unlabelled")
        return trained_answers(samples, encoder_of(self.name, of_weights, self.tiny), way, rows, seed, asked)


def _labels_of(samples: Samples, rows: Indices) -> int:
    """How many labels a class, or in all, were asked for when these rows were drawn."""
    if not samples.is_classes:
        return len(rows)
    return int(np.bincount(targets_of(samples.train)[rows]).max())


def trained_answers(samples: Samples, encoder: Any, way: Way, rows: Indices, seed: int, asked: Any) -> Any:
    """Tokenizer and head trained by steps around a frozen encoder."""
    few = _few(samples)
    modality, per_epoch = samples.evidence.modality, -(-len(rows) // few.batch_size)
    settings = {name: value for name, value in samples.evidence.recipe.items() if name in ("lr", "head")}
    options = of_one_size(modality, way.options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (DataWarning, MtWarning))
        model = mt.load(modality, encoder=encoder, purpose="train", seed=seed, **options)
        mt.fit(
            model,
            Subset(samples.train, rows.tolist(), f"{len(rows)} labelled"),
            val=Subset(samples.train, rows[:2].tolist(), "two of them, for the progress"),
            seed=seed,
            keep="last",
            epochs=max(1, round(few.steps / per_epoch)),
            batch_size=few.batch_size,
            precision=training_precision(),
            num_workers=0,
            **settings,
        )
        given = [example.sample for example in examples_of(asked)]
        return answers_of(samples, mt.predict(model, given, batch_size=64))


def _few(samples: Samples) -> Few:
    assert samples.evidence.few is not None
    return samples.evidence.few


def measure(name: str, arm: str, records: Records, tiny: str, until: float = float("inf")) -> Iterator[Line]:
    """The lines of an arm that are not on record yet, those of the choice first."""
    with opened(name, few=True) as samples:
        of_arm = Arm(arm, samples, Vectors(samples, tiny), records, tiny)
        for labels in _few(samples).labels:
            if arm == "native":
                yield from _native(of_arm, labels, until)
                continue
            chosen = yield from _choice(of_arm, labels, until)
            if chosen is None:
                return
            for seed in SEEDS:
                line = _measured(of_arm, REGIME, seed, labels, chosen, until)
                if line is not None:
                    yield line


def _choice(arm: Arm, labels: int, until: float) -> Iterator[Line]:  # type: ignore[misc]
    """The lines of the choice; returns what is chosen, the first of equals; None where the time is up."""
    tried: dict[str, list[float]] = {}
    for way in arm.ways:
        for seed in CHOICE_SEEDS:
            line = arm.records.find(arm.key(CHOICE, seed, labels, way))
            if line is None:
                line = _measured(arm, CHOICE, seed, labels, way, until)
                if line is None:
                    return None
                yield line
            tried.setdefault(way, []).append(next(iter(line.metrics.values())).value)
    sign = 1 if arm.samples.is_classes else -1
    return max(tried, key=lambda way: sign * float(np.mean(tried[way])))  # type: ignore[return-value]


def _measured(arm: Arm, regime: str, seed: int, labels: int, way: str, until: float) -> Line | None:
    """One measurement; None where it is on record already or the time is up."""
    key, started = arm.key(regime, seed, labels, way), time.monotonic()
    if started > until or arm.records.find(key) is not None:
        return None
    samples, choosing = arm.samples, regime == CHOICE
    rows, others = draw(samples, labels, seed)
    answers = arm.answers(way, rows, seed, choosing=choosing)
    targets = targets_of(samples.train)[others] if choosing else targets_of(samples.test)
    metric = metric_of(replace(samples, groups=None) if choosing else samples, answers, targets)
    if choosing:  # its interval is of no use
        metric = Metric(metric.value, metric.resampled[:0])
    trained = {} if arm.ways[way].is_probe else {"precision": training_precision()}
    about = {"way": way, **trained, **constant_answer(samples)}
    return arm.records.add(Line(key, {"value": metric}, len(rows), len(targets), time.monotonic() - started, about))


def _native(arm: Arm, labels: int, until: float) -> Iterator[Line]:
    for seed in SEEDS:
        key, started = arm.key(REGIME, seed, labels, "native"), time.monotonic()
        if started > until or arm.records.find(key) is not None:
            continue
        rows, _ = draw(arm.samples, labels, seed)
        answers, description = native_answers(arm.samples, rows)
        metric = metric_of(arm.samples, answers, targets_of(arm.samples.test))
        about = {"way": description, **constant_answer(arm.samples)}
        seconds = time.monotonic() - started
        yield arm.records.add(Line(key, {"value": metric}, len(rows), len(arm.samples.test), seconds, about))
