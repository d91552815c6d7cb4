"""`mt explain`: what a prediction rests on."""

from __future__ import annotations

import click

from mt_core.cli import options as shared
from mt_explain.names import DEFAULT_METHOD, METHODS


@click.command("explain")
@click.argument("run")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "-m",
    "--method",
    type=click.Choice(METHODS),
    default=DEFAULT_METHOD,
    show_default=True,
    help="How the prediction is divided among the parts of a sample (docs/explain.md).",
)
@click.option(
    "-t", "--target", metavar="NAME", help="A class, label, quantity or channel; by default what is predicted."
)
@click.option("--samples", type=click.IntRange(min=1), default=8, show_default=True, help="At most so many samples.")
@click.option("--top", type=click.IntRange(min=1), default=8, show_default=True, help="Parts to list of each.")
@click.option("-o", "--out", metavar="DIR", help="Draw each explanation over its sample, as PNG files in this folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sample, with all its parts.")
@click.option(
    "--faithfulness",
    is_flag=True,
    help="Measure whether the prediction changes faster without the parts named than without random ones.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random orders of --faithfulness.")
@shared.stacked(shared.encoder, shared.device)
def command(
    run: str,
    files: tuple[str, ...],
    method: str,
    target: str | None,
    samples: int,
    top: int,
    out: str | None,
    as_json: bool,
    faithfulness: bool,
    seed: int,
    encoder: str | None,
    device: str | None,
) -> int:
    """What the predictions of a run rest on: words, pixels, seconds and Hz, columns, atoms.

    Files that cannot be read are reported on standard error and make the exit code 1; the others are explained.
    """
    from pathlib import Path

    from mt_core.cli.choosing import check_encoder, plugin_of_run
    from mt_core.io.paths import expand

    plugin = plugin_of_run(run)
    check_encoder(encoder, plugin)
    sources = expand(files, plugin.raw.get("suffixes", ()))

    from mt_explain.reporting import Report  # imports torch: all that is above needs none to be refused

    report = Report.of(run, encoder, device, Path(out) if out is not None else None)
    for line in report.lines(
        sources,
        method=method,
        target=target,
        max_samples=samples,
        top=top,
        as_json=as_json,
        seed=seed if faithfulness else None,
    ):
        click.echo(line)
    for error in report.errors:
        click.echo(f"error: {error.problem}\n  fix: {error.fix}", err=True)
    return 1 if report.errors else 0
