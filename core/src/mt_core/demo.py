"""Every installed modality through one frozen encoder, in one table and one page.

What `make demo` runs. Nothing is downloaded; each row says whether its data is real or synthetic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mt_core.contract import AnyTask, Classification, Forecasting, ModalityDataset, Regression
from mt_core.data.batches import encoding, features_of
from mt_core.data.precision import has_bf16
from mt_core.data.reading import prepare
from mt_core.embedding import predict_in_memory
from mt_core.encoder import Encoder
from mt_core.errors import MtError
from mt_core.io.html import Page, new_figure
from mt_core.model import MetaTransformer, make_tokenizer
from mt_core.plugins import get, list_modalities
from mt_core.training import Recipe, baseline_metrics, evaluate, fit
from mt_core.training.curves import curves

TRAIN_SAMPLES, TEST_SAMPLES = 384, 128
EPOCHS, BATCH = 12, 16


@dataclass(frozen=True)
class Row:
    """What the demonstration measured of one modality.

    Attributes:
        tokens: Mean number of real tokens of a test sample.
        rate: Samples a second from file to vector, on one reader.
        metric: Name of the head's primary metric; `value` after training, `baseline` for a constant answer, `untrained`
            with tokenizer and head as they were drawn.
        history: A row an epoch.
        vectors, targets: Of the test samples after training, for the picture.
        task: What the targets are of.
        forecast: The decoded prediction of the first test sample, where the task is to forecast; else None.
    """

    modality: str
    source: str
    tokens: float
    trainable: int
    frozen: int
    rate: float
    metric: str
    value: float
    baseline: float
    untrained: float
    seconds: float
    history: list[dict[str, float]]
    vectors: np.ndarray
    targets: Sequence[Any]
    task: AnyTask
    forecast: dict[str, list[float]] | None = None


def run_demo(
    encoder: Encoder, out: Path, *, seconds_each: float, tell: Callable[[str], None]
) -> tuple[list[Row], list[MtError]]:
    """Train and measure every installed modality, and write `report.html` into a folder.

    Args:
        seconds_each: Training time of each modality, at the most.
        tell: Is given a line now and then.

    Returns:
        The rows, and the errors of the modalities that could not be shown.
    """
    rows, errors = [], []
    for number, name in enumerate(list_modalities(), start=1):
        tell(f"[{number}/{len(list_modalities())}] {name}")
        try:
            rows.append(_show(name, encoder, out / "runs" / name, seconds_each))
            row = rows[-1]
            tell(f"    {row.metric} {row.value:.3f} (baseline {row.baseline:.3f}), {row.seconds:.0f} s of training")
        except MtError as error:
            errors.append(error)
            tell(f"    {error}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_bytes(_page(encoder, rows, errors).html())
    return rows, errors


def _show(name: str, encoder: Encoder, folder: Path, seconds: float) -> Row:
    plugin = get(name)
    train = plugin.dataset.demo("train", size=TRAIN_SAMPLES, seed=0)
    test = plugin.dataset.demo("test", size=TEST_SAMPLES, seed=0)
    tokenizer = make_tokenizer(plugin.tokenizer, encoder, plugin.dataset.demo_options, seed=0)
    model = MetaTransformer(name, tokenizer, encoder)
    precision = "bf16" if has_bf16(model.device) else "32"
    brief = {"epochs": EPOCHS, "batch_size": BATCH, "max_minutes": seconds / 60, "precision": precision}
    recipe = Recipe.over(plugin.manifest.recipe, brief)
    untrained = _untrained(model, train, test, recipe)
    result = fit(model, train, out=folder, overwrite=True, recipe=recipe, show_progress=True)
    head = model.require_head()
    measured = evaluate(model, test)
    tokens, rate, vectors = _embed(model, test)
    counts = model.parameter_counts()
    return Row(
        modality=name,
        source=train.source,
        tokens=tokens,
        trainable=counts.trainable,
        frozen=counts.frozen,
        rate=rate,
        metric=head.primary,
        value=measured[head.primary],
        baseline=baseline_metrics(head, train.targets(), test.targets()).get(head.primary, float("nan")),
        untrained=untrained,
        seconds=result.seconds,
        history=result.history,
        vectors=vectors,
        targets=test.targets(),
        task=head.task,
        forecast=_first_forecast(model, test) if isinstance(head.task, Forecasting) else None,
    )


def _untrained(model: MetaTransformer, train: ModalityDataset, test: ModalityDataset, recipe: Recipe) -> float:
    """The primary metric with tokenizer and head as they were drawn."""
    model.tokenizer.calibrate(train[index] for index in range(len(train)))
    head = model.attach_head(train.task, **recipe.head)
    head.calibrate(train.targets())
    return evaluate(model, test)[head.primary]


def _embed(model: MetaTransformer, test: ModalityDataset) -> tuple[float, float, np.ndarray]:
    """Mean real tokens a sample, samples a second from file to vector, and the vectors."""
    num_tokens, vectors = 0, []
    started = time.monotonic()
    for first in range(0, len(test), BATCH):
        chunk = range(first, min(first + BATCH, len(test)))
        items = [prepare(model.tokenizer, test[index].sample) for index in chunk]
        with encoding(model, "32"):
            features = features_of(model, items)
        mask = features.mask
        num_tokens += int(mask.sum()) if mask is not None else features.tokens.shape[0] * features.tokens.shape[1]
        vectors.append(features.pooled.float().cpu().numpy())
    rate = len(test) / (time.monotonic() - started)
    return num_tokens / len(test), rate, np.concatenate(vectors)


HEADER = (
    "modality",
    "data",
    "tokens",
    "trainable",
    "frozen",
    "samples/s",
    "metric",
    "trained",
    "constant",
    "untrained",
)


def cells(row: Row) -> tuple[Any, ...]:
    """One row of the table, under `HEADER`."""
    return (
        row.modality,
        row.source,
        round(row.tokens, 1),
        row.trainable,
        row.frozen,
        round(row.rate, 1),
        row.metric,
        round(row.value, 3),
        round(row.baseline, 3),
        round(row.untrained, 3),
    )


def _page(encoder: Encoder, rows: Sequence[Row], errors: Sequence[MtError]) -> Page:
    page = Page("One frozen encoder, every installed modality")
    page.note(f"Encoder: {encoder.description}. Fingerprint {encoder.fingerprint}.")
    page.note(
        "tokens: mean real tokens a sample. samples/s: from file to vector. trained: on test samples that training "
        "never saw. constant: always the most frequent answer, or the mean. untrained: tokenizer and "
        "head as they were drawn. Training takes seconds and is a demonstration, not a result."
    )
    page.table(HEADER, [cells(row) for row in rows])
    for error in errors:
        page.note(f"Not shown: {error}")
    for row in rows:
        page.heading(row.modality)
        page.note(f"{row.source}; {row.seconds:.0f} s of training")
        page.charts(curves(row.history))
        page.figure(_map(row), f"{row.modality}: vectors of the test samples in the plane")
        if row.forecast is not None:
            page.figure(_forecast(row), f"{row.modality}: what came after the first test window, and its forecast")
    return page


def _map(row: Row) -> Any:
    """The vectors of the test samples on their first two principal axes, coloured by target."""
    figure, (axes,) = new_figure(5.5, 3.6)
    centred = torch.from_numpy(row.vectors - row.vectors.mean(0))
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    plane = (centred @ directions[:2].T).numpy()
    if isinstance(row.task, Classification):
        targets = np.array([-1 if target is None else target for target in row.targets])
        for index, name in enumerate(row.task.classes):
            axes.scatter(*plane[targets == index].T, s=12, label=name, color=f"C{index % 10}")
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    elif isinstance(row.task, Regression):
        shades = axes.scatter(*plane.T, s=12, c=[np.ravel(target)[0] for target in row.targets])
        figure.colorbar(shades, label=row.task.names[0])
    else:
        axes.scatter(*plane.T, s=12)
    axes.set_xlabel("first principal axis")
    axes.set_ylabel("second")
    return figure


def _first_forecast(model: MetaTransformer, test: ModalityDataset) -> dict[str, list[float]]:
    prediction: dict[str, list[float]] = predict_in_memory(model, [test[0].sample])[0]["prediction"]
    return prediction


def _forecast(row: Row) -> Any:
    """What came and what was forecast, a colour a channel."""
    figure, (axes,) = new_figure(5.5, 3.0)
    truth = np.asarray(row.targets[0])
    for number, (name, steps) in enumerate((row.forecast or {}).items()):
        axes.plot(truth[:, number], color=f"C{number}", label=name)
        axes.plot(steps, color=f"C{number}", linestyle="--")
    axes.set_xlabel("steps ahead (dashed: forecast)")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
