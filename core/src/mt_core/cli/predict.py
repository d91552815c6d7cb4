"""`mt predict`: predict with a trained run."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import options as shared

if TYPE_CHECKING:
    from mt_core.contract import Head
    from mt_core.plugins import Plugin


@click.command("predict")
@click.argument("run")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "-o",
    "--out",
    metavar="DIR",
    help="Write predictions there instead, and what can be seen of them: a plot, a map, a coloured cloud.",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples at a time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sample, with everything the head says.")
@shared.stacked(
    shared.encoder, shared.num_workers, shared.seconds_a_sample, shared.precision, shared.device, shared.strict
)
def command(
    run: str,
    files: tuple[str, ...],
    out: str | None,
    batch_size: int,
    as_json: bool,
    encoder: str | None,
    num_workers: int | None,
    seconds_a_sample: float,
    precision: str | None,
    device: str | None,
    strict: bool,
) -> int:
    """Predict with a trained run.

    Files that cannot be read are reported on standard error and make the exit code 1; the others are predicted.
    """
    from mt_core.cli.choosing import check_encoder, plugin_of_run

    check_encoder(encoder, plugin_of_run(run))

    from mt_core.data.workers import resolve_num_workers
    from mt_core.embedding.memory import predictions  # imports torch: all that is above needs none to be refused
    from mt_core.errors import MtError
    from mt_core.hooks import session
    from mt_core.io.paths import expand
    from mt_core.plugins import get
    from mt_core.training import load_run

    model = load_run(run, encoder=encoder, device=device)
    click.echo(model.description, err=True)
    plugin, head = get(model.modality), model.require_head()
    has_rows = "multi_sample_sources" in plugin.manifest.capabilities
    errors: list[MtError] = []
    with session(model.modality, "predict"):
        records = predictions(
            model,
            expand(files, plugin.manifest.suffixes),
            batch_size=batch_size,
            num_workers=resolve_num_workers(num_workers),
            seconds_a_sample=seconds_a_sample,
            precision=precision or "32",  # type: ignore[arg-type]
            on_error=errors.append,
            strict=strict,
        )
        for source, of_source in groupby(records, key=lambda record: record["source"]):
            kept = []
            for record in of_source:
                if out is None:
                    where = f"{source}:{record['row']}" if has_rows else source
                    click.echo(json.dumps(record) if as_json else f"{where}  {head.format_prediction(record)}")
                else:
                    kept.append(record)
            if out is not None:
                try:
                    for path in write_predictions(plugin, head, source, kept, Path(out)):
                        click.echo(path)
                except MtError as error:
                    errors.append(error)
    for failed in errors:
        click.echo(f"error: {failed.problem}\n  fix: {failed.fix}", err=True)
    return 1 if errors else 0


def write_predictions(
    plugin: Plugin, head: Head, source: str, records: list[dict[str, Any]], folder: Path
) -> list[Path]:
    """One JSON object a sample in `<name>.jsonl`, and what the modality shows of them; the files that were written.

    Raises:
        RunError: a folder that cannot be written to.
        MtError: the modality's own, of what it cannot show.
    """
    from mt_core.errors import RunError
    from mt_core.io.atomic import atomic_write

    table = folder / f"{Path(source).name}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made ({error.strerror})", fix="choose another --out") from None
    with atomic_write(table, RunError) as part:
        part.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    shown = plugin.pictures(source, records, head.task, folder) if plugin.pictures is not None else []
    return [table, *shown]
