"""`mt report`: a run as one HTML file."""

from __future__ import annotations

import click

from mt_core.cli import options as shared


@click.command("report")
@click.argument("run")
@click.option("-o", "--out", metavar="FILE", help="The file; by default full-report.html in the run's folder.")
@click.option("--open", "open_it", is_flag=True, help="Show it in the browser.")
@click.option("--data", metavar="DIR", help="Other labelled data to report on; by default those of the training.")
@click.option("--split", help="Their part; by default what was held out for a test, else what selected the epoch.")
@click.option(
    "--map",
    "map_by",
    type=click.Choice(["pca", "umap"]),
    default="pca",
    show_default=True,
    help="How vectors are laid out in the plane; umap needs umap-learn.",
)
@shared.stacked(shared.encoder, shared.num_workers, shared.device, shared.quiet)
def command(
    run: str,
    out: str | None,
    open_it: bool,
    data: str | None,
    split: str | None,
    map_by: str,
    encoder: str | None,
    num_workers: int | None,
    device: str | None,
    quiet: bool,
) -> int:
    """Write one HTML file about a run: metrics beside their controls, curves, mistakes, a map of vectors, cost.

    The run is measured on what was held out of its training data. The file opens offline, loads nothing and has no
    script.
    """
    from pathlib import Path

    from mt_core.cli.choosing import check_encoder, plugin_of_run
    from mt_core.io.paths import check_exists

    check_encoder(encoder, plugin_of_run(run))
    if data is not None:
        check_exists(Path(data))

    from mt_report import write_report  # imports torch: all that is above needs none to be refused

    written = write_report(
        run,
        out,
        data=data,
        split=split,
        map_by=map_by,  # type: ignore[arg-type]
        encoder=encoder,
        device=device,
        num_workers=num_workers,
        show_progress=not quiet,
    )
    click.echo(written.headline)
    click.echo(f"report: {written.file} ({written.bytes:,} bytes, {written.seconds:.1f} s)")
    if open_it:
        import webbrowser

        webbrowser.open(written.file.resolve().as_uri())
    return 0
