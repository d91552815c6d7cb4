"""`mt pretrain`: an encoder from a seed alone, or from pictures with captions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import options as shared
from mt_core.errors import OptionError

if TYPE_CHECKING:
    from mt_pretrain import ContrastResult, PretrainResult

_FOR_DRAWN = {
    "steps": "pairs are gone through in epochs: -S epochs=8",
    "size": """the tokenizer says how large pictures are: -S 'picture_options={"size": 64}'""",
    "score": "what is scored on is a part of the pairs: -S val_fraction=0.02",
}
"""Options of drawn pictures, and what to do about them with pairs."""


@click.command("pretrain")
@click.option("--out", required=True, metavar="DIR", help="The run folder.")
@click.option(
    "--pairs",
    metavar="PATH",
    help="Learn from pictures with captions: a folder, a table or shards. Else they are drawn.",
)
@click.option("--seed", type=int, help="Of the first weights, and of every picture or the order of pairs.")
@click.option("--steps", type=int, help="Steps of the whole schedule, on drawn pictures.")
@click.option("--minutes", type=float, help="Stop after so long; the schedule stays, and --resume goes on with it.")
@click.option("--size", type=int, help="Side of a drawn picture in pixels.")
@click.option("--batch-size", type=int, help="Drawn pictures a step, or pairs a step in each process.")
@click.option(
    "--score",
    multiple=True,
    metavar="DIR",
    help="Pictures, a folder a class, to score on while training never sees them; by default scikit-learn's digits.",
)
@click.option("--encoder", metavar="NAME|FILE", help="What to train further; by default a random ViT-Tiny.")
@click.option(
    "--devices", type=click.IntRange(min=1), help="Processes on each machine that train together, one a device."
)
@click.option(
    "--nodes",
    "--num-nodes",
    "nodes",
    type=click.IntRange(min=1),
    help="Machines that train together; torchrun or SLURM starts each.",
)
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out, by its own recipe.")
@shared.stacked(shared.settings, shared.training_precision, shared.device, shared.quiet)
def command(
    out: str,
    pairs: str | None,
    more: tuple[str, ...],
    minutes: float | None,
    resume: bool,
    device: str | None,
    quiet: bool,
    **others: Any,
) -> int:
    """Pretrain an encoder on pictures drawn from formulas (no data, no download, nobody's licence), or on --pairs.

    encoder.safetensors in --out is then an encoder for every command: --encoder DIR/encoder.safetensors. Drawn pictures
    are scored on real ones beside an encoder of random weights; pairs on a part held out. Ctrl-C and SIGTERM stop a run
    so that --resume goes on with it.
    """
    given = {name: value for name, value in others.items() if value not in (None, ())}
    call: dict[str, Any] = {"minutes": minutes, "resume": resume, "device": device, "show_progress": not quiet}
    call |= {name: given.pop(name) for name in ("score", "encoder") if name in given}
    if pairs is None:
        if "nodes" in given:
            given["num_nodes"] = given.pop("nodes")
        return _on_drawn(out, shared.merged(given, more), call)
    for name, fix in _FOR_DRAWN.items():
        if name in given or name in call:
            raise OptionError(f"--{name} is for drawn pictures alone", fix=fix)
    call |= {name: given.pop(name) for name in ("devices", "nodes") if name in given}
    return _on_pairs(pairs, out, shared.merged(given, more), call)


def _on_drawn(out: str, recipe: dict[str, Any], call: dict[str, Any]) -> int:
    from mt_core.cli.launching import asked_processes

    processes = asked_processes(recipe)
    if (code := processes.launch()) is not None:
        return code

    from mt_pretrain import pretrain

    result = pretrain(out, recipe, **call)
    if not processes.is_first:
        return 0
    scored = [row["scores"] for row in result.rows if "scores" in row]
    for name, scores in scored[-1].items() if scored else ():
        for how, value in scores.items():
            click.echo(f"{name} {how}: {value:.4f} (random {scored[0][name][how]:.4f})")
    again = f"stopped at step {result.step}; go on with: mt pretrain --out {out} --resume"
    _echo_end(out, result, again)
    return 0


def _on_pairs(pairs: str, out: str, recipe: dict[str, Any], call: dict[str, Any]) -> int:
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    from mt_pretrain import pretrain_on_pairs

    result = pretrain_on_pairs(pairs, out, recipe=recipe, **call)
    if getattr(rank_zero_only, "rank", 0):  # of several processes the first one speaks
        return 0
    scores = result.scores
    click.echo(f"own caption nearest: {scores['recall_at_1']:.4f} (by chance {scores['chance']:.4f})")
    click.echo(f"own caption among the nearest five: {scores['recall_at_5']:.4f}")
    again = f"stopped after epoch {len(result.history)}; go on with: mt pretrain --pairs {pairs} --out {out} --resume"
    _echo_end(out, result, again)
    return 0


def _echo_end(out: str, result: PretrainResult | ContrastResult, how_to_go_on: str) -> None:
    click.echo(f"encoder: {result.encoder}")
    click.echo(f"the run in {out} is complete" if result.is_complete else how_to_go_on)
