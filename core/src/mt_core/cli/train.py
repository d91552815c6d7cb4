"""`mt train`: a run from labelled data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import controls
from mt_core.cli import options as shared

if TYPE_CHECKING:
    from mt_core.model import MetaTransformer
    from mt_core.training import FitResult, Recipe


# bounds stand here again (a test compares them), because --help must not import pydantic
@click.command("train")
@click.argument("modality", required=False)
@click.option("--data", required=True, metavar="DIR", help="A folder in a layout that the plugin knows (mt info).")
@click.option(
    "--inputs",
    metavar="LIST",
    help="Of several modalities at once, without MODALITY: photo=image,description=text,price+year=tabular. Without "
    "it they are found in the table.",
)
@click.option("--target", metavar="COLUMN", help="What to predict, of a table; the same as -D target=….")
@click.option(
    "--fusion",
    type=click.Choice(["sequence", "late"]),
    help="Of several modalities: the tokens of an item in one sequence (by default), or each input by itself.",
)
@click.option("--out", required=True, metavar="DIR", help="The run folder.")
@click.option(
    "--tune",
    type=click.Choice(["knn", "probe", "frozen", "lora", "full"]),
    help="What is trained: nothing (nearest neighbours), the head alone, tokenizer and head (by default), small "
    "matrices beside the encoder's too, or the encoder too.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training data.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples a step.")
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="Peak learning rate.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Of everything that is drawn: weights, order, augmentation; by default 0.",
)
@click.option("--keep", type=click.Choice(["best", "last"]), help="Which epoch's weights; by default the best's.")
@click.option(
    "--max-minutes",
    type=click.FloatRange(0, min_open=True),
    help="Be done after so long, with the best epoch so far; --resume goes on from there.",
)
@click.option("--skip-unreadable", is_flag=True, default=None, help="Leave out samples that cannot be read.")
@click.option(
    "--from",
    "started_from",
    metavar="RUN",
    help="Start from the tokenizer (and adapters) that mt adapt fitted to files without labels.",
)
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out.")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
@shared.stacked(
    shared.encoder,
    shared.layers,
    shared.token_budget,
    shared.view,
    shared.tokenizer_options,
    shared.data_options,
    shared.head_options,
    shared.settings,
    shared.num_workers,
    shared.precision,
    shared.device,
    shared.devices,
    shared.num_nodes,
    shared.shard,
    shared.strict,
    shared.no_cache,
    shared.quiet,
    controls.with_controls,
    controls.control_seeds,
    controls.control_minutes,
)
def command(
    modality: str | None,
    data: str,
    inputs: str | None,
    target: str | None,
    fusion: str | None,
    out: str,
    started_from: str | None,
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
    device: str | None,
    strict: bool,
    quiet: bool,
    with_controls: bool,
    control_seeds: int,
    control_minutes: float | None,
    **flags: Any,
) -> int:
    """Fit tokenizer and head to labelled data; the encoder stays frozen.

    Without MODALITY samples are items of several modalities: the rows of a table (mt-fusion).

    Settings that are not given are those of the modality's own recipe. An option that tokenizer and dataset both have
    is given once, by -O or by -D. The run folder holds everything needed to predict or to repeat.
    """
    from mt_core.cli.choosing import check_encoder, modality_or_items
    from mt_core.cli.launching import asked_processes
    from mt_core.errors import OptionError
    from mt_core.io.paths import check_exists
    from mt_core.plugins import find
    from mt_core.training.ranks import check_shard, settled
    from mt_core.training.run_record import check_folder, read_record

    modality = modality_or_items(modality)
    found = find(modality)
    check_exists(Path(data))
    processes = asked_processes(shared.merged(flags, more))
    if processes.is_first:
        check_folder(Path(out), resume=resume, overwrite=overwrite)
    check_encoder(encoder, found)
    options = shared.with_flags(shared.with_view(options, view), {"inputs": inputs, "fusion": fusion}, "-O")
    data_option = shared.with_flags(data_option, {"target": target}, "-D")
    head_option = shared.with_flags(head_option, {"views": "attention" if fusion == "late" else None}, "-H")
    own, of_data = shared.parse(options), shared.parse(data_option)
    if started_from is not None:
        own = _options_of_adapted(started_from, modality, options, with_controls)
    settings = settled(shared.merged({**flags, "head": shared.parse(head_option) or None}, more))

    from mt_core.training import Recipe  # imports pydantic

    asked = Recipe.parse({name: value for name, value in settings.items() if name in Recipe.model_fields})
    check_shard(processes.devices * processes.num_nodes, asked.shard)
    if with_controls and processes.are_several:
        raise OptionError("--controls trains controls in one process", fix="leave --devices and --num-nodes out")
    if (code := processes.launch()) is not None:
        return code

    from mt_core.plugins import get
    from mt_core.training.opening import open_for_new_model  # imports torch: what is above needs none to be refused

    plugin = get(modality)
    if with_controls:
        from mt_core.training.controls import check_controls

        check_controls(modality)
    shared.refuse_misplaced(plugin, {"-O": options, "-D": data_option, "-S": more})
    recipe = Recipe.over(plugin.manifest.recipe, settings)
    parts = None  # of a complete run, which is only shown
    if not (resume and read_record(Path(out))["status"] == "complete"):
        parts, own = open_for_new_model(
            plugin, Path(data), recipe, tokenizer_options=own, data_options=of_data, strict=strict
        )

    from mt_core.training import fit

    given = {"encoder": encoder, "layers": layers, "token_budget": token_budget, "device": device}
    model = _model(modality, recipe, started_from, given, own)  # after the data, which may be refused without
    quiet = quiet or not processes.is_first
    if not quiet:
        click.echo(f"encoder: {model.encoder.description}", err=True)
    result = fit(
        model,
        parts if parts is not None else data,
        out=out,
        resume=resume,
        overwrite=overwrite,
        data_options=of_data if parts is None else None,
        recipe=recipe,
        strict=strict,
        show_progress=not quiet,
    )
    if not processes.is_first:
        return 0
    _show(result, model, recipe, out)
    if with_controls:
        from mt_core.training.controls import controls_of_training

        comparison = controls_of_training(model, seeds=control_seeds, minutes=control_minutes, show_progress=not quiet)
        controls.keep(comparison, out)
    click.echo(f"run: {result.folder}  (report.html, run.json, weights.safetensors)")
    if with_controls:
        controls.show(comparison)
    return 0


def _model(
    modality: str, recipe: Recipe, started_from: str | None, given: Mapping[str, Any], own: Mapping[str, Any]
) -> MetaTransformer:
    """The model to train, from scratch or from what `mt adapt` fitted.

    Args:
        given: For both: encoder, layers, token budget and device.
        own: The tokenizer's options.
    """
    if started_from is not None:
        from mt_core.training.starting import load_adapted

        return load_adapted(started_from, modality, seed=recipe.seed, **given)
    from mt_core.api import load

    return load(modality, purpose=recipe.purpose, seed=recipe.seed, **given, **own)


def _show(result: FitResult, model: MetaTransformer, recipe: Recipe, out: str) -> None:
    """How far training came, what was chosen, and the metrics beside those of the constant answer."""
    from mt_core.training.run_record import read_record

    if result.was_complete:
        click.echo(f"the run in {out} is complete; there is nothing to resume", err=True)
    if result.stopped_after is not None:
        click.echo(
            f"stopped after {result.stopped_after:.4g} of {recipe.epochs} epochs, as max_minutes asks; "
            "the same command with --resume goes on",
            err=True,
        )
    if "samples" in result.chosen and not result.was_complete:
        click.echo("the same command with --resume fits the head to all samples", err=True)
    counts = read_record(Path(out))["parameters"]  # as trained: adapters have been added to the weights since
    if result.chosen:
        chosen = ", ".join(f"{name} {value}" for name, value in result.chosen.items())
        click.echo(f"chosen on validation: {chosen}")
    primary = model.require_head().primary
    click.echo(f"{counts['trainable']:,} parameters trained, {counts['frozen']:,} frozen, {result.seconds:.0f} s")
    for name, value in result.metrics.items():
        beside = f" (baseline {result.baseline[name]:.4f})" if name in result.baseline else ""
        click.echo(f"validation {name}: {value:.4f}{beside}" + (" — what selects" if name == primary else ""))
    shared.say_positive(model)
    of_constant = result.test_baseline or {}
    for name, value in (result.test_metrics or {}).items():
        if name != "samples":
            beside = f" (baseline {of_constant[name]:.4f})" if name in of_constant else ""
            click.echo(f"test {name}: {value:.4f}{beside}")


def _options_of_adapted(run: str, modality: str, options: tuple[str, ...], with_controls: bool) -> dict[str, Any]:
    """The tokenizer's options of the run that training starts from.

    Raises:
        RunError: a run that training cannot start from.
        OptionError: tokenizer options, which are the run's, or --controls, which trains from scratch.
    """
    from mt_core.errors import OptionError
    from mt_core.training.run_record import check_adapted

    record = check_adapted(Path(run), modality)
    if options:
        raise OptionError(f"a run has its own options; {', '.join(options)} cannot be changed", fix="leave them out")
    if with_controls:
        raise OptionError("--controls trains controls from scratch, and --from does not", fix="leave one of them out")
    return dict(record["tokenizer"]["options"])
