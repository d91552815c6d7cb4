"""`mt embed`: files to vectors."""

from __future__ import annotations

import click

from mt_core.cli import options as shared


@click.command("embed")
@click.argument("named", metavar="[MODALITY|RUN] FILES...", nargs=-1, required=True)
@click.option("-o", "--out", required=True, metavar="FILE", help="The file: .parquet, .csv, .jsonl or .npy.")
@click.option("--pool", type=click.Choice(shared.POOLS), default="mean", show_default=True, help="Tokens to vector.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples at a time.")
@click.option("--overwrite", is_flag=True, help="Start over, whatever is there.")
@click.option(
    "--hash", "hash_files", is_flag=True, help="Tell a changed file by its content, and not by size and date alone."
)
@shared.stacked(
    shared.encoder,
    shared.tokenizer_options,
    shared.num_workers,
    shared.seconds_a_sample,
    shared.precision,
    shared.device,
    shared.strict,
    shared.quiet,
)
def command(
    named: tuple[str, ...],
    out: str,
    pool: str,
    batch_size: int,
    overwrite: bool,
    hash_files: bool,
    encoder: str | None,
    options: tuple[str, ...],
    num_workers: int | None,
    seconds_a_sample: float,
    precision: str | None,
    device: str | None,
    strict: bool,
    quiet: bool,
) -> int:
    """Files to vectors, in one file.

    FILES are files, folders and patterns, of the modality's formats; without a modality their suffixes tell it, where
    just one installed plugin reads them. The folder of a run gives the vectors of its trained tokenizer. Files that
    cannot be read go to <out>.errors.jsonl and make the exit code 1. Interrupted, the same command goes on where it
    was; later, it embeds what is new or has changed.
    """
    from pathlib import Path

    from mt_core.cli.choosing import check_encoder, means_modality, modality_and_files, plugin_of
    from mt_core.embedding.output import check_output
    from mt_core.io.paths import expand

    modality_or_run, files = modality_and_files(named)
    if not files:
        if means_modality(modality_or_run):
            plugin_of(modality_or_run)  # nobody's name: that is what is wrong, and not that there are no files
        raise click.UsageError(f"no files: mt embed {modality_or_run} FILES... --out FILE")
    plugin = plugin_of(modality_or_run)
    sources = expand(files, plugin.raw.get("suffixes", ()))
    check_encoder(encoder, plugin)
    check_output(Path(out), overwrite=overwrite)
    shared.parse(options)

    from mt_core.embedding import embed_files  # imports torch: all that is above needs none to be refused

    model = shared.load_modality_or_run(modality_or_run, encoder, device, options)
    if not quiet:
        click.echo(f"{len(sources)} file(s), {model.description}", err=True)
    result = embed_files(
        model,
        sources,
        out,
        pool=pool,  # type: ignore[arg-type]
        batch_size=batch_size,
        num_workers=num_workers,
        seconds_a_sample=seconds_a_sample,
        precision=precision or "32",  # type: ignore[arg-type]
        overwrite=overwrite,
        hash_files=hash_files,
        strict=strict,
        show_progress=not quiet,
    )
    if result.resumed:
        click.echo(f"went on after {result.resumed} file(s) that were done", err=True)
    if result.skipped:
        click.echo(f"{result.skipped} file(s) were in {result.path} already", err=True)
    if result.changed:
        click.echo(f"{result.changed} file(s) had changed since, and were embedded again", err=True)
    if result.calibrated_on:
        click.echo(f"calibrated on {result.calibrated_on}: compare these vectors with no others", err=True)
    click.echo(f"{result.path}: {result.rows} vectors")
    for failure in result.failed[:5]:
        click.echo(f"error: {failure['problem']}\n  fix: {failure['fix']}", err=True)
    if result.failed:
        click.echo(f"{len(result.failed)} file(s) could not be read: {result.errors}", err=True)
    if result.notices:
        click.echo(f"{len(result.notices)} notice(s) of what was read: {result.notices_file}", err=True)
    return 1 if result.failed else 0
