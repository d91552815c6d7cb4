"""`mt compare`: runs side by side."""

from __future__ import annotations

import json

import click

from mt_core.cli import options as shared


@click.command("compare")
@click.argument("runs", nargs=-1, required=True)
@click.option("-o", "--out", metavar="FILE", help="Also as one HTML file.")
@click.option("--recorded", is_flag=True, help="Measure nothing: what the trainings recorded, without intervals.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@shared.stacked(shared.num_workers, shared.device, shared.quiet)
def command(
    runs: tuple[str, ...],
    out: str | None,
    recorded: bool,
    as_json: bool,
    num_workers: int | None,
    device: str | None,
    quiet: bool,
) -> int:
    """Put runs of one task side by side: metrics with intervals, cost, and the settings that differ.

    Each is measured on what was held out of its training data. The exit code is 1 where they were not all tested on the
    same samples.
    """
    from mt_core.cli.choosing import plugin_of_run

    for run in runs:
        plugin_of_run(run)

    from mt_report import compare_runs  # imports torch: all that is above needs none to be refused
    from mt_report.comparing.lines import lines_of
    from mt_report.comparing.side_by_side import write_side_by_side

    how = {"num_workers": num_workers, "device": device, "show_progress": not quiet}
    comparison = compare_runs(runs, measure=not recorded, **how)  # type: ignore[arg-type]
    if as_json:
        click.echo(json.dumps(comparison.as_json()))
    else:
        for line in lines_of(comparison):
            click.echo(line)
    if out is not None:
        file = write_side_by_side(comparison, out)
        click.echo(f"page: {file}", err=as_json)
    return 0 if comparison.are_comparable else 1
