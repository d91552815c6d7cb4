"""`mt predict`: what a run says about files."""

from __future__ import annotations

import json
from typing import Any

import click

from mt_core.cli import options as shared


@click.command("predict")
@click.argument("run")
@click.argument("files", nargs=-1, required=True)
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples at a time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sample, with everything the head says.")
@shared.stacked(shared.encoder, shared.precision, shared.device)
def command(
    run: str,
    files: tuple[str, ...],
    batch_size: int,
    as_json: bool,
    encoder: str | None,
    precision: str | None,
    device: str | None,
) -> int:
    """What a run says about files.

    Files that cannot be read are told on standard error and make the exit code 1; the others are predicted.
    """
    from mt_core.embedding.memory import predictions
    from mt_core.embedding.sources import expand
    from mt_core.errors import MtError
    from mt_core.plugins import get
    from mt_core.plugins.session import session
    from mt_core.training import load_run

    model = load_run(run, encoder=encoder, device=device)
    click.echo(model.description, err=True)
    manifest = get(model.modality).manifest
    has_rows = "multi_sample_sources" in manifest.capabilities
    failed = 0
    with session(model.modality, "predict"):
        waiting = expand(files, manifest.suffixes)
        errors: list[MtError] = []
        for record in predictions(
            model,
            waiting,
            batch_size=batch_size,
            precision=precision or "32",  # type: ignore[arg-type]
            on_error=errors.append,
        ):
            click.echo(json.dumps(record) if as_json else _line(record, has_rows))
        for error in errors:
            failed += 1
            click.echo(f"error: {error.problem}\n  fix: {error.fix}", err=True)
    return 1 if failed else 0


def _line(record: dict[str, Any], has_rows: bool) -> str:
    where = f"{record['source']}:{record['row']}" if has_rows else record["source"]
    said = record["prediction"]
    text = f"{said:.6g}" if isinstance(said, float) else said if isinstance(said, str) else json.dumps(said)
    sure = f"  {record['probability']:.3f}" if "probability" in record else ""
    return f"{where}  {text}{sure}"
