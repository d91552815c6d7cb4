"""`mt show`: what was read of files, and what is in a folder, before it is trained on."""

from __future__ import annotations

import os

import click

from mt_core.cli import options as shared


@click.command("show")
@click.argument("named", metavar="[MODALITY|RUN] FILES...|DIR", nargs=-1)
@click.option("--data", metavar="DIR", help="Labelled data, a folder or a file, as for mt train; the same as one DIR.")
@click.option("-o", "--out", metavar="FILE", help="Write it there too: .html, or pictures alone: .png.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    help="Of files: show at most so many, by default 8. Of a folder: read so many, drawn at random; by default all.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option(
    "--strict",
    is_flag=True,
    help="Of a folder: exit code 1 where samples leak, have two labels or cannot be read, or it cannot be trained on.",
)
@shared.stacked(
    shared.encoder,
    shared.view,
    shared.tokenizer_options,
    shared.data_options,
    shared.num_workers,
    shared.seconds_a_sample,
    shared.quiet,
)
def command(
    named: tuple[str, ...],
    data: str | None,
    out: str | None,
    samples: int | None,
    as_json: bool,
    strict: bool,
    encoder: str | None,
    view: str | None,
    options: tuple[str, ...],
    data_option: tuple[str, ...],
    num_workers: int | None,
    seconds_a_sample: float,
    quiet: bool,
) -> int:
    """Look at data before an hour is spent on training.

    Of FILES: what was read of each, in its own terms, and what the encoder sees of it.

    Of a folder: its layout and splits, the classes, what the samples hold, samples that are in two splits or have two
    labels by their content, and everything that cannot be read. All samples are read once.
    """
    from pathlib import Path

    from mt_core.cli.choosing import data_of_run, means_modality, modality_and_files, modality_or_items
    from mt_core.errors import OptionError

    if out is not None and Path(out).suffix.lower() not in (".png", ".html"):
        raise OptionError(f"{out}: what is shown is HTML or a PNG", fix="give --out a name that ends in .html or .png")
    options = shared.with_view(options, view)
    shared.parse(options)
    if named:
        modality_or_run, files = modality_and_files(named)
    else:
        modality_or_run, files = modality_or_items(None) if data is not None else "", ()
    if data is None and len(files) == 1 and os.path.isdir(files[0]):
        data, files = files[0], ()
    if modality_or_run and data is None and not files and not means_modality(modality_or_run):
        data = data_of_run(modality_or_run)
    if not modality_or_run or bool(files) == (data is not None):
        raise click.UsageError("name the modality, and files or a folder: mt show MODALITY FILES...|DIR")
    if data is not None:
        from mt_core.cli.show_data import show_data

        reading = {"num_workers": num_workers, "seconds_a_sample": seconds_a_sample, "show_progress": not quiet}
        return show_data(
            modality_or_run,
            data,
            encoder=encoder,
            options=options,
            data_option=data_option,
            samples=samples,
            out=out,
            as_json=as_json,
            strict=strict,
            reading=reading,
        )
    for option, is_given in (("--strict", strict), ("-D", bool(data_option))):
        if is_given:
            raise OptionError(
                f"{option} is of a folder, and files are named", fix=f"leave {option} out, or name --data"
            )
    from mt_core.cli.show_files import show_files

    return show_files(
        modality_or_run, files, encoder=encoder, options=options, samples=samples, out=out, as_json=as_json
    )
