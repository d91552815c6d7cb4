"""`mt show`: what the encoder sees of a file."""

from __future__ import annotations

import click

from mt_core.cli import options as shared


@click.command("show")
@click.argument("named", metavar="[MODALITY|RUN] FILES...", nargs=-1, required=True)
@click.option("-o", "--out", required=True, metavar="FILE", help="The picture: .png.")
@click.option("--samples", type=click.IntRange(1, 64), default=8, show_default=True, help="At most so many samples.")
@shared.stacked(shared.encoder, shared.view, shared.tokenizer_options)
def command(
    named: tuple[str, ...], out: str, samples: int, encoder: str | None, view: str | None, options: tuple[str, ...]
) -> int:
    """What the encoder sees of files, as a PNG: one row a sample.

    A modality that is a picture, or is drawn as one (--view picture), is shown so. Anything else is shown as its
    tokens: a row of colours each, from the first one down.
    """
    from pathlib import Path

    from mt_core.cli.choosing import check_encoder, modality_and_files, plugin_of
    from mt_core.errors import OptionError
    from mt_core.io.paths import expand

    if Path(out).suffix.lower() != ".png":
        raise OptionError(f"{out}: what is shown is a PNG", fix="give --out a name that ends in .png")
    options = shared.with_view(options, view)
    modality_or_run, files = modality_and_files(named)
    if not modality_or_run or not files:
        raise click.UsageError("name the modality and the files: mt show MODALITY FILES... --out FILE.png")
    plugin = plugin_of(modality_or_run)
    sources = expand(files, plugin.raw.get("suffixes", ()))
    check_encoder(encoder, plugin)
    shared.parse(options)

    from mt_core.embedding.shown import show_samples  # imports torch: all that is above needs none to be refused

    model = shared.load_modality_or_run(modality_or_run, encoder, None, options)
    shown = show_samples(model, sources, out, max_samples=samples)
    for line in shown.lines:
        click.echo(line)
    click.echo(f"{out}: {shown.what}")
    return 0
