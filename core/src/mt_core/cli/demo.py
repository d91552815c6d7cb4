"""`mt demo`: every installed modality through one encoder."""

from __future__ import annotations

import click

from mt_core.cli import options as shared


@click.command("demo")
@click.option("--out", default="demo", show_default=True, metavar="DIR", help="Where runs and report.html go.")
@click.option("--seconds", type=float, default=12.0, show_default=True, help="Training time of each modality.")
@shared.encoder
def command(out: str, seconds: float, encoder: str | None) -> int:
    """Every installed modality through one encoder, in one table."""
    import os
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from mt_core.demo import HEADER, cells, run_demo
    from mt_core.encoder import load_encoder

    frozen = load_encoder(encoder)
    click.echo(f"encoder: {frozen.description}\nfingerprint: {frozen.fingerprint}", err=True)
    rows, errors = run_demo(frozen, Path(out), seconds_each=seconds, tell=lambda line: click.echo(line, err=True))
    table = Table(title=f"encoder: {frozen.description}", title_justify="left")
    for name in HEADER:
        table.add_column(name, justify="left" if name in ("modality", "data", "metric") else "right", overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int | float) else cell for cell in cells(row)))
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=160)  # a log has no width of its own
    console.print(table)
    click.echo(f"report: {Path(out) / 'report.html'}")
    for error in errors:
        click.echo(f"error: {error}", err=True)
    return 1 if errors or not rows else 0
