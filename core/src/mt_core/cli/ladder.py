"""`mt ladder`: every rung from nearest neighbours to the whole encoder, within a time budget."""

from __future__ import annotations

from pathlib import Path

import click

from mt_core.cli import options as shared

# they stand here again (a test compares them), because --help must not import torch
RUNGS = ("knn", "probe", "frozen", "lora", "full")


@click.command("ladder")
@click.argument("modality")
@click.option("--data", required=True, metavar="DIR", help="A folder in a layout that the plugin knows (mt info).")
@click.option("--out", required=True, metavar="DIR", help="A new folder for the runs, ladder.json and ladder.png.")
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), default=20.0, show_default=True, help="For all of it."
)
@click.option(
    "--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each rung, as time allows."
)
@click.option("--rungs", default=",".join(RUNGS), show_default=True, metavar="LIST", help="Which, with commas.")
@click.option("--resume", is_flag=True, help="Go on with the ladder in --out; what was measured is kept.")
@click.option("--overwrite", is_flag=True, help="Replace the ladder in --out.")
@shared.stacked(
    shared.encoder,
    shared.layers,
    shared.token_budget,
    shared.view,
    shared.tokenizer_options,
    shared.data_options,
    shared.head_options,
    shared.settings,
    shared.precision,
    shared.device,
    shared.no_cache,
    shared.quiet,
)
def command(
    modality: str,
    data: str,
    out: str,
    minutes: float,
    seeds: int,
    rungs: str,
    resume: bool,
    overwrite: bool,
    encoder: str | None,
    layers: str | None,
    token_budget: str | None,
    view: str | None,
    options: tuple[str, ...],
    data_option: tuple[str, ...],
    head_option: tuple[str, ...],
    more: tuple[str, ...],
    precision: str | None,
    device: str | None,
    quiet: bool,
) -> int:
    """Train each rung of the ladder and say which is worth it.

    knn: the nearest training samples answer; probe: a linear head; frozen: tokenizer and head; lora: small matrices
    beside the encoder's too; full: the whole encoder. Rungs are compared on validation; the test part is measured
    once, with the recommended rung.
    """
    from mt_core.cli.choosing import check_encoder
    from mt_core.errors import OptionError
    from mt_core.io.paths import check_exists
    from mt_core.plugins import find

    found = find(modality)
    check_exists(Path(data))
    check_encoder(encoder, found)
    names = [name.strip() for name in rungs.split(",") if name.strip()]
    if unknown := [name for name in names if name not in RUNGS]:
        raise OptionError(f"there is no rung {', '.join(unknown)}", fix=f"name some of {', '.join(RUNGS)}")
    options = shared.with_view(options, view)
    settings = shared.merged({"head": shared.parse(head_option) or None, "precision": precision}, more)

    from mt_core.training import Recipe  # imports pydantic

    Recipe.parse(settings)

    from mt_core.plugins import get
    from mt_core.training import ladder  # imports torch

    shared.refuse_misplaced(get(modality), {"-O": options, "-D": data_option, "-S": more})
    result = ladder(
        modality,
        data,
        out,
        minutes=minutes,
        seeds=seeds,
        rungs=names,
        encoder=encoder,
        layers=layers,
        token_budget=token_budget,
        device=device,
        tokenizer_options=shared.parse(options),
        data_options=shared.parse(data_option),
        resume=resume,
        overwrite=overwrite,
        show_progress=not quiet,
        **settings,
    )
    for line in result.lines():
        click.echo(line)
    return 0
