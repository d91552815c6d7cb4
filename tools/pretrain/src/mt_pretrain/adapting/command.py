"""`mt adapt`: a tokenizer fitted to files without labels."""

from __future__ import annotations

from typing import Any

import click

from mt_core.cli import options as shared


@click.command("adapt")
@click.argument("modality")
@click.option(
    "--data",
    required=True,
    metavar="DIR",
    help="A folder of files, or a dataset, whose training samples are taken; labels are not read.",
)
@click.option("--out", required=True, metavar="DIR", help="The run folder.")
@click.option(
    "--tune",
    type=click.Choice(["tokenizer", "lora"]),
    help="What is trained: the tokenizer (by default), or small matrices beside the encoder's layers too.",
)
@click.option("--steps", type=click.IntRange(min=1), help="Steps of the whole schedule.")
@click.option("--batch-size", type=click.IntRange(min=2), help="Samples a step.")
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="Peak learning rate.")
@click.option("--seed", type=click.IntRange(min=0), help="Of everything that is drawn; by default 0.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Stop after so long; the schedule stays, and --resume goes on with it.",
)
@click.option("--skip-unreadable", is_flag=True, default=None, help="Leave out samples that cannot be read.")
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out, by its own recipe.")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
@shared.stacked(
    shared.encoder,
    shared.view,
    shared.tokenizer_options,
    shared.data_options,
    shared.settings,
    shared.num_workers,
    shared.training_precision,
    shared.device,
    shared.devices,
    shared.num_nodes,
    shared.strict,
    shared.quiet,
)
def command(
    modality: str,
    data: str,
    out: str,
    minutes: float | None,
    resume: bool,
    overwrite: bool,
    encoder: str | None,
    view: str | None,
    options: tuple[str, ...],
    data_option: tuple[str, ...],
    more: tuple[str, ...],
    device: str | None,
    strict: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Fit a tokenizer to files without labels, around the frozen encoder.

    Two views of a sample shall have the same vector, those of different samples not. The folder of the run gives
    vectors (mt embed RUN FILES), and training starts from it (mt train --from RUN). Ctrl-C and SIGTERM stop a run so
    that --resume goes on with it.
    """
    from pathlib import Path

    from mt_core.cli.choosing import check_encoder
    from mt_core.cli.launching import asked_processes
    from mt_core.io.paths import check_exists
    from mt_core.plugins import find
    from mt_core.training.run_record import check_folder

    found = find(modality)
    check_exists(Path(data))
    settings = shared.merged(flags, more)
    processes = asked_processes(settings)
    if processes.is_first:
        check_folder(Path(out), resume=resume, overwrite=overwrite)
    check_encoder(encoder, found)
    own, of_data = shared.parse(shared.with_view(options, view)), shared.parse(data_option)
    if (code := processes.launch()) is not None:
        return code

    from mt_pretrain import adapt  # imports torch: all that is above needs none to be refused

    result = adapt(
        modality,
        data,
        out,
        settings,
        encoder=encoder,
        options=own,
        data_options=of_data,
        minutes=minutes,
        resume=resume,
        overwrite=overwrite,
        device=device,
        strict=strict,
        show_progress=not quiet,
    )
    if not processes.is_first:
        return 0
    click.echo(f"vectors before: {result.before}")
    click.echo(f"vectors after: {result.after}")
    if not result.is_complete:
        click.echo(f"stopped at step {result.step}; go on with the same command and --resume")
    click.echo(f"run: {out}  (mt embed {out} FILES, mt train {modality} --from {out})")
    return 0
