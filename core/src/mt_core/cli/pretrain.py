"""`mt pretrain`: an encoder from a seed alone."""

from __future__ import annotations

from typing import Any

import click

from mt_core.cli import options as shared


@click.command("pretrain")
@click.option("--out", required=True, metavar="DIR", help="The run folder.")
@click.option("--seed", type=int, help="Of the first weights and of every picture.")
@click.option("--steps", type=int, help="Steps of the whole schedule.")
@click.option("--minutes", type=float, help="Stop after so long; the schedule stays, and --resume goes on with it.")
@click.option("--size", type=int, help="Side of a picture in pixels.")
@click.option("--batch-size", type=int, help="Pictures a step.")
@click.option(
    "--score",
    multiple=True,
    metavar="DIR",
    help="Pictures, a folder a class, to score on while training never sees them; by default scikit-learn's digits.",
)
@click.option(
    "-S", "--set", "more", multiple=True, metavar="NAME=VALUE", help="Another field of the recipe: categories=1000."
)
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out, by its own recipe.")
@shared.stacked(shared.precision, shared.device, shared.quiet)
def command(
    out: str,
    minutes: float | None,
    score: tuple[str, ...],
    more: tuple[str, ...],
    resume: bool,
    device: str | None,
    quiet: bool,
    **settings: Any,
) -> int:
    """Pretrain an encoder on pictures drawn from formulas: no data, no download, nobody's licence.

    encoder.safetensors in --out is then an encoder for every command: --encoder DIR/encoder.safetensors. It is scored
    on real pictures beside its own first weights, which are random.
    """
    from mt_core.pretraining import pretrain

    chosen = {name: value for name, value in settings.items() if value is not None}
    result = pretrain(
        out,
        {**shared.parse(more), **chosen},
        score=score,
        minutes=minutes,
        resume=resume,
        device=device,
        show_progress=not quiet,
    )
    scored = [row["scores"] for row in result.rows if "scores" in row]
    for name, told in scored[-1].items() if scored else ():
        for how, value in told.items():
            click.echo(f"{name} {how}: {value:.4f} (random {scored[0][name][how]:.4f})")
    click.echo(f"encoder: {result.encoder}")
    if not result.is_complete:
        click.echo(f"stopped at step {result.step}; go on with: mt pretrain --out {out} --resume")
    return 0
