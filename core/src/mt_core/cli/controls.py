"""The options about controls, and how a comparison is shown and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mt_core.training.comparison import Comparison

with_controls = click.option(
    "--controls",
    "with_controls",
    is_flag=True,
    help="Train the same on random weights and without an encoder, and the modality's native baseline, and show them "
    "beside the result.",
)
control_seeds = click.option(
    "--control-seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Trainings of each control, and of the run itself.",
)
control_minutes = click.option(
    "--control-minutes",
    type=click.FloatRange(0, min_open=True),
    help="That each of them may take; by default twice what the run took, and at least 1.",
)
train_data = click.option(
    "--train-data", metavar="DIR", help="Where the training data of the run lie now, for its controls."
)


def show(comparison: Comparison) -> None:
    """The table, and what follows from it in one line, which is the last."""
    for line in comparison.lines():
        click.echo(line)
    if verdict := comparison.verdict():
        click.echo(verdict)


def keep(comparison: Comparison, run: str) -> None:
    """Write the comparison into the run folder, and its report again."""
    from mt_core.training.comparison import CONTROLS, write_comparison

    keep_in_run(run, lambda folder: write_comparison(folder, comparison), CONTROLS)


def keep_in_run(run: str, write: Callable[[Path], None], name: str) -> None:
    """Write a measurement into a run folder, and its report again; a folder that cannot be written is reported."""
    from mt_core.errors import MtError
    from mt_core.training.report import write_run_report
    from mt_core.training.run_record import read_history, read_record

    folder = Path(run)
    try:
        write(folder)
        record = read_record(folder)
        if "val_metrics" in record and "notices" in record:  # not of a run that was stopped by its user
            write_run_report(folder, record, read_history(folder))
    except MtError as error:
        click.echo(f"{name} is not kept: {error}", err=True)
    else:
        click.echo(f"kept in {folder / name} and in report.html", err=True)
