"""`mt embed`: files to vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import options as shared
from mt_core.io.counted import counted

if TYPE_CHECKING:
    from mt_core.embedding import EmbedResult
    from mt_core.io.notices import Notices
    from mt_core.model import MetaTransformer


@click.command("embed")
@click.argument("named", metavar="[MODALITY|RUN] FILES...", nargs=-1, required=True)
@click.option("-o", "--out", required=True, metavar="FILE", help="The file or its URL: .parquet, .csv, .jsonl or .npy.")
@click.option(
    "--pool",
    type=click.Choice(shared.POOLS),
    help="Tokens to vector; untrained, without it: cls+mean of --layers quarters; trained: mean, or the head's.",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples at a time.")
@click.option(
    "--by-suffix",
    is_flag=True,
    help="FILES are of several modalities: each goes to the one that reads its suffix, all to one file.",
)
@click.option(
    "--as",
    "chosen",
    multiple=True,
    metavar="SUFFIX=MODALITY",
    help="With --by-suffix: what a suffix that several modalities read is taken for: .npy=pointcloud.",
)
@click.option("--overwrite", is_flag=True, help="Start over, whatever is there.")
@click.option(
    "--hash",
    "hash_files",
    is_flag=True,
    help="Recognise a changed file by its content, not by size and date alone.",
)
@click.option("--engine", metavar="NAME", help="What computes: this machine without it, or ray (pip install mt-ray).")
@click.option("--address", metavar="HOST:PORT|auto", help="With --engine: the cluster; without it this machine alone.")
@click.option(
    "--gpus-per-worker",
    type=click.FloatRange(min=0),
    metavar="N",
    help="With --engine: GPUs of each of the --num-workers that encode; 0.5: two share one.",
)
@shared.stacked(
    shared.encoder,
    shared.layers,
    shared.token_budget,
    shared.view,
    shared.tokenizer_options,
    shared.num_workers,
    shared.seconds_a_sample,
    shared.precision,
    shared.device,
    shared.strict,
    shared.no_cache,
    shared.quiet,
)
def command(
    named: tuple[str, ...],
    out: str,
    pool: str | None,
    batch_size: int,
    by_suffix: bool,
    chosen: tuple[str, ...],
    overwrite: bool,
    hash_files: bool,
    engine: str | None,
    address: str | None,
    gpus_per_worker: float | None,
    encoder: str | None,
    layers: str | None,
    token_budget: str | None,
    view: str | None,
    options: tuple[str, ...],
    num_workers: int | None,
    seconds_a_sample: float,
    precision: str | None,
    device: str | None,
    strict: bool,
    quiet: bool,
) -> int:
    """Files to vectors, in one file.

    FILES are files, folders, patterns and URLs, of the modality's formats; @LIST stands for the lines of a text file.
    Without a modality their suffixes decide, where just one installed plugin reads them. A folder with files of several
    modalities is embedded --by-suffix. The folder of a run gives the vectors of its trained tokenizer. Files that
    cannot be read go to <out>.errors.jsonl and make the exit code 1. Interrupted, the same command goes on where it
    was; later, it embeds what is new or has changed, and keeps the vectors of files that were removed.
    """
    options = shared.with_view(options, view)
    from mt_core.cli.choosing import check_encoder, means_modality, modality_and_files, plugin_of
    from mt_core.embedding.output import check_output
    from mt_core.io.notices import Notices, collecting, relay
    from mt_core.io.paths import expand, with_lists

    named = tuple(with_lists(named))
    passed_over = Notices(strict=strict)
    with collecting(passed_over):
        modality_or_run, files = ("", named) if by_suffix or chosen else modality_and_files(named)
    given = {"layers": layers, "token_budget": token_budget}
    settings = {
        "pool": pool,
        "batch_size": batch_size,
        "seconds_a_sample": seconds_a_sample,
        "precision": precision or "32",
        "hash_files": hash_files,
        "strict": strict,
        "show_progress": not quiet,
        **_engine(engine, address, gpus_per_worker, num_workers),
    }
    if not modality_or_run:
        return _report(
            _embed_by_suffix(files, chosen, out, encoder, given, device, options, overwrite, passed_over, settings)
        )
    if not files:
        if means_modality(modality_or_run):
            plugin_of(modality_or_run)  # nobody's name: that is what is wrong, and not that there are no files
        raise click.UsageError(f"no files: mt embed {modality_or_run} FILES... --out FILE")
    plugin = plugin_of(modality_or_run)
    with collecting(passed_over):
        sources = expand(files, plugin.raw.get("suffixes", ()))
    passed_over.check()
    relay(list(passed_over))
    check_encoder(encoder, plugin)
    check_output(out, overwrite=overwrite)
    shared.parse(options)

    from mt_core.embedding import embed_files  # imports torch: all that is above needs none to be refused

    model = shared.load_modality_or_run(modality_or_run, encoder, device, options, **given)
    if not quiet:
        click.echo(f"{len(sources)} file(s), {model.description}", err=True)
    return _report(embed_files(model, sources, out, overwrite=overwrite, **settings))


def _engine(name: str | None, address: str | None, gpus: float | None, num_workers: int | None) -> dict[str, Any]:
    """The engine as `embed_files` takes it; workers are those of the engine, where there is one."""
    from mt_core.errors import OptionError
    from mt_core.plugins.engines import load_engine

    if name is None:
        for option, value in (("--address", address), ("--gpus-per-worker", gpus)):
            if value is not None:
                raise OptionError(
                    f"{option} is of a cluster, and no engine is named", fix=f"give {option} with --engine"
                )
        return {"num_workers": num_workers}
    return {"engine": load_engine(name)(address=address, num_workers=num_workers, gpus_per_worker=gpus or 0)}


def _embed_by_suffix(
    named: tuple[str, ...],
    chosen: tuple[str, ...],
    out: str,
    encoder: str | None,
    given: dict[str, Any],
    device: str | None,
    options: tuple[str, ...],
    overwrite: bool,
    passed_over: Notices,
    settings: dict[str, Any],
) -> EmbedResult:
    """Each file by the modality of its suffix."""
    from mt_core.cli.choosing import check_encoder, is_modality, suffixes_of
    from mt_core.cli.sorting import sort_by_suffix
    from mt_core.embedding.output import check_output
    from mt_core.errors import OptionError
    from mt_core.io.notices import collecting, relay
    from mt_core.plugins import find, list_modalities

    if is_modality(named[0]):
        raise OptionError(f"--by-suffix finds each file's modality, and {named[0]} is named", fix="leave one out")
    if options:
        raise OptionError("options of a tokenizer are of one modality", fix="leave -O out, or name the modality")
    with collecting(passed_over):
        found = sort_by_suffix(named, suffixes_of(list_modalities()), shared.parse_suffixes(chosen))
    passed_over.check()
    relay(list(passed_over))
    for modality in found.groups:
        check_encoder(encoder, find(modality))
    check_output(out, overwrite=overwrite)
    for modality, files in found.groups.items():
        click.echo(f"{modality}: {len(files)} file(s)", err=True)
    for suffix, modality in found.shared.items():
        click.echo(f"{suffix} was taken for {modality}; --as {suffix}=MODALITY takes it for another", err=True)
    if found.beside:
        number = counted(len(found.beside), "file")
        click.echo(f"{number} passed over beside another of the same name, such as {found.beside[0]}", err=True)

    from mt_core.api import load  # imports torch: all that is above needs none to be refused
    from mt_core.embedding.mixed import embed_mixed
    from mt_core.encoder import load_encoder

    ready = load_encoder(encoder)

    def model_of(modality: str) -> MetaTransformer:
        return load(modality, encoder=ready, device=device, **given)

    return embed_mixed(found.groups, found.unread, out, model_of, overwrite=overwrite, **settings)


def _report(result: EmbedResult) -> int:
    """Print the result; gives the exit code."""
    if result.resumed:
        click.echo(f"went on after {result.resumed} file(s) that were done", err=True)
    if result.skipped:
        click.echo(f"{result.skipped} file(s) were in {result.path} already", err=True)
    if result.changed:
        click.echo(f"{result.changed} file(s) had changed since, and were embedded again", err=True)
    if result.gone:
        click.echo(
            f"{len(result.gone)} file(s) in {result.path} are no longer there, such as {result.gone[0]}; their vectors "
            "are kept (--overwrite starts over)",
            err=True,
        )
    if result.calibrated_on:
        click.echo(f"calibrated on {result.calibrated_on}: compare these vectors with no others", err=True)
    click.echo(f"{result.path}: {counted(result.rows, 'vector')}")
    for failure in result.failed[:5]:
        click.echo(f"error: {failure['problem']}\n  fix: {failure['fix']}", err=True)
    if result.failed:
        click.echo(f"{len(result.failed)} file(s) could not be read: {result.errors}", err=True)
    if result.notices:
        click.echo(f"{len(result.notices)} notice(s) of what was read: {result.notices_file}", err=True)
    return 1 if result.failed else 0
