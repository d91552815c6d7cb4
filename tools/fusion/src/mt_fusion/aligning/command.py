"""`mt align`: one space for several modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from mt_core.cli import options as shared


@click.command("align")
@click.option(
    "--data", required=True, metavar="FILE|DIR", help="A table (.csv, .jsonl, .parquet) or a folder of items."
)
@click.option("--inputs", required=True, metavar="LIST", help="Columns and their modalities: photo=image,caption=text.")
@click.option("--out", required=True, metavar="DIR", help="The folder; each input gets a run in it.")
@click.option("--val", metavar="FILE|DIR", help="Rows that are held out; by default a share of --data.")
@click.option("--groups", metavar="COLUMN", help="Rows of the same value are held out together: speakers, sites.")
@click.option("--anchor", metavar="FILE", help="Vectors of mt embed that the inputs are bound to, as they are.")
@click.option("--key", metavar="COLUMN", help="The column that names the anchor's files, or numbers of its rows.")
@click.option(
    "--tune",
    type=click.Choice(["tokenizer", "probe", "lora"]),
    help="What is trained beside the projections: tokenizers (by default), nothing (probe, fast), adapters too.",
)
@click.option("--loss", type=click.Choice(["infonce", "sigmoid"]), help="By default infonce.")
@click.option("--width", type=click.IntRange(min=2), help="Of the vectors; by default 256.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps of the whole schedule.")
@click.option("--batch-size", type=click.IntRange(min=2), help="Rows a step that are held against each other.")
@click.option("--micro-batch", type=click.IntRange(min=1), help="Samples encoded at a time: for memory.")
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="Peak learning rate.")
@click.option("--seed", type=click.IntRange(min=0), help="Of everything that is drawn; by default 0.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Stop after so long; the schedule stays, and --resume goes on with it.",
)
@click.option(
    "-O", "--option", "options", multiple=True, metavar="INPUT.NAME=VALUE", help="An option of an input's tokenizer."
)
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out, by its own recipe.")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
@shared.stacked(
    shared.encoder,
    shared.settings,
    shared.num_workers,
    shared.training_precision,
    shared.device,
    shared.devices,
    shared.num_nodes,
    shared.strict,
    shared.no_cache,
    shared.quiet,
)
def command(
    data: str,
    inputs: str,
    out: str,
    val: str | None,
    groups: str | None,
    anchor: str | None,
    key: str | None,
    minutes: float | None,
    options: tuple[str, ...],
    resume: bool,
    overwrite: bool,
    encoder: str | None,
    more: tuple[str, ...],
    device: str | None,
    strict: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """One space for several modalities: samples of one row are near, those of different rows are not.

    The folder of each input gives its vectors (mt embed OUT/photo FILES -o v.parquet), which can be compared with those
    of the others; mt zeroshot classifies by names of classes. Ctrl-C and SIGTERM stop a run so that --resume goes on
    with it. Rows whose samples cannot be read are left out and listed in errors.jsonl.
    """
    from pathlib import Path

    from mt_core.cli.launching import asked_processes
    from mt_core.io.paths import check_exists
    from mt_fusion.items.inputs import parse_inputs

    check_exists(Path(data))
    parse_inputs(inputs)
    settings = shared.merged(flags, more)
    of_inputs = by_input(options)
    processes = asked_processes(settings)
    if (code := processes.launch()) is not None:
        return code

    from mt_fusion.aligning.training import align  # imports torch: all that is above needs none to be refused

    result = align(
        data,
        inputs,
        out,
        settings,
        val=val,
        groups=groups,
        anchor=anchor,
        key=key,
        encoder=encoder,
        options=of_inputs,
        minutes=minutes,
        resume=resume,
        overwrite=overwrite,
        device=device,
        strict=strict,
        show_progress=not quiet and processes.is_first,
    )
    if not processes.is_first:
        return 0
    for direction, of in result.recall.items():
        by_chance = result.chance[direction]
        shown = ", ".join(f"{name} {value:.3f} (by chance {by_chance[name]:.3f})" for name, value in of.items())
        click.echo(f"{direction}: {shown}")
    if not result.is_complete:
        click.echo(f"stopped at step {result.step}; go on with the same command and --resume")
    first = next(iter(parse_inputs(inputs)))
    click.echo(f"run: {out}  (mt embed {out}/{first} FILES -o v.parquet; report.html)")
    return 0


def by_input(options: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """`input.name=value` pairs by input.

    Raises:
        click.BadParameter: another pair.
    """
    found: dict[str, dict[str, str]] = {}
    for pair in options:
        name, dot, rest = pair.partition(".")
        if not dot or "=" not in rest:
            raise click.BadParameter(f"{pair!r} is not INPUT.NAME=VALUE, as photo.view=tokens")
        found.setdefault(name, {}).update(shared.parse([rest]))
    return found
