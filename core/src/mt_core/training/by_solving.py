"""Training on stored vectors without steps: nearest neighbours and solved linear heads, chosen on validation."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mt_core.contract import ModalityDataset, Tokenizer
from mt_core.data.subsets import Subset
from mt_core.data.training_data import TrainingData
from mt_core.errors import MtError, MtWarning, OptionError
from mt_core.heads.neighbours import NeighbourHead
from mt_core.heads.pooled import parts_of
from mt_core.model import MetaTransformer
from mt_core.training.features import pooled_features
from mt_core.training.metrics import Meter
from mt_core.training.probe import is_linear, solutions
from mt_core.training.recipe import Recipe
from mt_core.training.run import load_weights, save_weights
from mt_core.training.run_record import write_history
from mt_core.training.selection import best_row
from mt_core.training.trained import Trained, reading_of

_WITHOUT = 0.25
"""The share of items that a probe sees a second time, with inputs left out."""

Setting = Mapping[str, float | str]


def is_solved(model: MetaTransformer, recipe: Recipe) -> bool:
    """Whether a recipe's head is not trained by steps: nearest neighbours, and a probe that is a linear map."""
    return recipe.tune == "knn" or (recipe.tune == "probe" and is_linear(model.require_head()))


def train_by_solving(
    model: MetaTransformer, recipe: Recipe, parts: TrainingData, folder: Path, until: float, show_progress: bool
) -> Trained:
    """Fit the head, and write a row for each setting that was tried and the weights of the best one.

    Where the time is up while vectors are computed, the head is fitted to those there are, drawn at random, with a
    warning.
    """
    started = time.monotonic()
    failed: list[MtError] = []
    _check_neighbours(model.require_head(), len(parts.train))
    val = _vectors(model, recipe, parts.val, failed, show_progress)
    whole: ModalityDataset = parts.train
    if recipe.max_minutes is not None:
        order = list(range(len(whole)))
        random.Random(recipe.seed).shuffle(order)
        whole = Subset(whole, order, "in random order")
    train = _vectors(model, recipe, whole, failed, show_progress, until)
    num_whole = len(train[0])
    is_cut = num_whole + len(failed) < len(parts.train)
    if is_cut:
        warnings.warn(
            f"the time is up: the head is fitted to {num_whole:,} of {len(parts.train):,} training samples",
            MtWarning,
            stacklevel=2,
        )
    if len(model.tokenizer.inputs) > 1 and not is_cut:
        partial = _vectors(model, recipe, whole, [], show_progress, until, without_some(model.tokenizer, recipe.seed))
        if len(partial[0]):
            train = torch.cat([train[0], partial[0]]), torch.cat([train[1], partial[1]])
    head: Any = model.require_head()
    tried = _neighbours(head, train, val) if isinstance(head, NeighbourHead) else _probe(head, train, val)
    rows: list[dict[str, float]] = []
    settings: list[Setting] = []
    model.eval()
    for number, (setting, output) in enumerate(tried, start=1):
        meter = Meter(model, head)
        with torch.inference_mode():
            meter.update(output, val[1].to(model.device))
        values = {f"val_{name}": value for name, value in meter.compute().items()}
        numbers = {name: float(value) for name, value in setting.items() if not isinstance(value, str)}
        rows.append({"epoch": number, **numbers, **values, "seconds": round(time.monotonic() - started, 2)})
        started = time.monotonic()
        settings.append(setting)
        if best_row(rows, head) is rows[-1]:
            save_weights(model, folder, number)
        write_history(folder, rows)
        if time.monotonic() > until:
            break
    load_weights(model, folder)
    kept = best_row(rows, head)
    seconds = sum(row["seconds"] for row in rows)
    chosen = {**settings[rows.index(dict(kept))], **({"samples": num_whole} if is_cut else {})}
    return Trained(rows, kept, seconds, failed, is_time_up=is_cut, chosen=chosen)


def _check_neighbours(head: Any, num_samples: int) -> None:
    """Refuse more neighbours than there are training samples, before any of them is encoded."""
    wanted = head.options.neighbours if isinstance(head, NeighbourHead) else None
    if wanted is not None and wanted > num_samples:
        raise OptionError(
            f"neighbours={wanted}, and there are {num_samples:,} training samples",
            fix=f"give at most {num_samples}, or leave it out: then it is chosen on the validation part",
        )


def _vectors(
    model: MetaTransformer,
    recipe: Recipe,
    dataset: ModalityDataset,
    failed: list[MtError],
    show_progress: bool,
    until: float | None = None,
    changed: Callable[[Mapping[str, Tensor]], dict[str, Tensor] | None] | None = None,
) -> tuple[Tensor, Tensor]:
    head: Any = model.require_head()
    vectors, targets = pooled_features(
        model,
        dataset,
        head.options.pool,
        precision=recipe.precision,
        skip_unreadable=recipe.skip_unreadable,
        show_progress=show_progress,
        failed=failed,
        until=until,
        parts=parts_of(head),
        changed=changed,
        **reading_of(recipe),
    )
    return vectors.to(model.device), targets.to(model.device)


def without_some(tokenizer: Tokenizer, seed: int) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor] | None]:
    """Leaves inputs out of a quarter of the items at random, some of each and never all, so that a head can predict
    without them; the other items, and those of one input, are left out."""
    draw = random.Random(seed)

    def changed(item: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        names = tokenizer.inputs_in(item)
        if len(names) < 2 or draw.random() >= _WITHOUT:
            return None
        return tokenizer.keep_inputs(item, draw.sample(names, draw.randint(1, len(names) - 1)))

    return changed


Tried = Iterator[tuple[Setting, Tensor]]
"""What was tried, and what the head gives of the validation samples with it."""


def _neighbours(head: NeighbourHead, train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor]) -> Tried:
    head.remember(*train)
    counts = head.counts()
    for distance in head.distances():
        nearest = head.nearest(val[0], max(counts), distance)
        for count in reversed(counts):  # of equals the first is kept
            head.choose(count, distance)
            yield {"neighbours": count, "distance": distance}, head.answers(nearest[:, :count])


def _probe(head: Any, train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor]) -> Tried:
    head.eval()
    for penalty in solutions(head, *train):
        with torch.inference_mode():
            output = head.from_pooled(val[0])
        yield {"penalty": penalty}, output
