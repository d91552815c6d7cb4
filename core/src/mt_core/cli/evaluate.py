"""`mt evaluate`: how good a run is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import controls
from mt_core.cli import options as shared
from mt_core.io.counted import counted

if TYPE_CHECKING:
    from mt_core.contract import ModalityDataset
    from mt_core.model import MetaTransformer
    from mt_core.training.by_input import ByInput


@click.command("evaluate")
@click.argument("run")
@click.option("--data", required=True, metavar="DIR", help="A folder in a layout that the plugin knows (mt info).")
@click.option("--split", help="Its part: train, val, test or all; by default test, or what there is.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Samples at a time.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out samples that cannot be read.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--each", is_flag=True, help="Of items of several inputs: also with each input alone, and without each.")
@shared.stacked(
    shared.encoder,
    shared.data_options,
    shared.num_workers,
    shared.seconds_a_sample,
    shared.precision,
    shared.device,
    shared.strict,
    shared.no_cache,
    shared.quiet,
    controls.with_controls,
    controls.control_seeds,
    controls.control_minutes,
    controls.train_data,
)
def command(
    run: str,
    data: str,
    split: str | None,
    batch_size: int,
    as_json: bool,
    each: bool,
    encoder: str | None,
    data_option: tuple[str, ...],
    num_workers: int | None,
    seconds_a_sample: float,
    skip_unreadable: bool,
    precision: str | None,
    device: str | None,
    strict: bool,
    quiet: bool,
    with_controls: bool,
    control_seeds: int,
    control_minutes: float | None,
    train_data: str | None,
) -> int:
    """Measure a run on labelled data."""
    from pathlib import Path

    from mt_core.cli.choosing import check_encoder, plugin_of_run
    from mt_core.io.paths import check_exists

    check_encoder(encoder, plugin_of_run(run))
    check_exists(Path(data))
    of_data = shared.parse(data_option)

    from mt_core.training.run_data import open_for_run  # imports torch: what is above needs none to be refused

    dataset = open_for_run(Path(run), Path(data), split, of_data, strict=strict)

    from mt_core.api import evaluate  # after the data: what cannot be measured on needs no encoder to be refused
    from mt_core.training import load_run
    from mt_core.training.constant_answer import baseline_of

    model = load_run(run, encoder=encoder, device=device)
    metrics = evaluate(
        model,
        dataset,
        batch_size=batch_size,
        num_workers=num_workers,
        seconds_a_sample=seconds_a_sample,
        skip_unreadable=skip_unreadable,
        precision=precision or "32",  # type: ignore[arg-type]
        strict=strict,
        show_progress=not quiet,
        controls=with_controls,
        control_seeds=control_seeds,
        control_minutes=control_minutes,
        train_data=train_data,
    )
    shares = None
    if each:
        reading = {"batch_size": batch_size, "num_workers": num_workers, "seconds_a_sample": seconds_a_sample}
        how = {"skip_unreadable": skip_unreadable, "show_progress": not quiet, "precision": precision or "32"}
        shares = _by_input(run, model, dataset, **how, **reading)
    comparison = getattr(metrics, "controls", None)
    baseline = baseline_of(model, dataset)
    if as_json:
        record = {
            "model": model.description,
            "data": dataset.source,
            "metrics": metrics,
            "baseline": baseline,
            "positive_class": getattr(model.head, "positive_class", None),
            **({"by_input": shares.as_json()} if shares is not None else {}),
            **({"controls": comparison.as_json()} if comparison is not None else {}),
        }
        click.echo(json.dumps(record))
    else:
        _show(model, dataset, metrics, baseline)
        for line in shares.lines() if shares is not None else ():
            click.echo(line)
    if comparison is not None:
        controls.keep(comparison, run)
        if not as_json:
            controls.show(comparison)
    return 0


def _by_input(run: str, model: MetaTransformer, dataset: ModalityDataset, **how: Any) -> ByInput:
    """The metric with each input alone, and without each; kept in the run."""
    from mt_core.training.by_input import BY_INPUT, measure_by_input, write_by_input

    found = measure_by_input(model, dataset, **how)
    controls.keep_in_run(run, lambda folder: write_by_input(folder, found), BY_INPUT)
    return found


def _show(
    model: MetaTransformer, dataset: ModalityDataset, metrics: Mapping[str, float], baseline: Mapping[str, float]
) -> None:
    """What was measured, and the metrics beside those of the constant answer."""
    left_out = len(dataset) - int(metrics["samples"])
    of = f" ({left_out} of {len(dataset)} left out)" if left_out else ""
    click.echo(f"{model.description}\n{dataset.source}: {counted(int(metrics['samples']), 'sample')}{of}")
    for name, value in metrics.items():
        beside = f"   (constant answer of the training data: {baseline[name]:.4f})" if name in baseline else ""
        if name != "samples":
            click.echo(f"  {name:<18}{value:.4f}{beside}")
    shared.say_positive(model)
