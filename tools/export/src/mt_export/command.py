"""`mt export`: a run as one file for other programs."""

from __future__ import annotations

import click

from mt_core.cli import options as shared


@click.command("export")
@click.argument("run")
@click.option("--to", type=click.Choice(["onnx", "torch"]), required=True, help="ONNX, or a program of torch.export.")
@click.option("-o", "--out", metavar="FILE", help="The file; by default model.onnx or model.pt2 in the run's folder.")
@click.option("--int8", is_flag=True, help="Weights in 8-bit integers (ONNX alone); what that costs is reported.")
@click.option(
    "--data", metavar="DIR", help="Where the training data lie now, or other labelled data; by default where they lay."
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    help="Validation samples that the file is held against the run on; by default 256, 32 of pictures whose pixels or "
    "objects are labelled, 8 of scenes.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@shared.stacked(shared.encoder, shared.num_workers)
def command(
    run: str,
    to: str,
    out: str | None,
    int8: bool,
    data: str | None,
    samples: int | None,
    overwrite: bool,
    encoder: str | None,
    num_workers: int | None,
) -> int:
    """Write a run as one file that computes without mt-core, and a card (JSON) on how to call it.

    Tokenizer, encoder and head are one graph. The file is compared with the run on the run's validation samples, and
    refused where it differs.
    """
    from pathlib import Path

    from mt_core.cli.choosing import check_encoder, plugin_of_run
    from mt_core.io.paths import check_exists

    check_encoder(encoder, plugin_of_run(run))
    if data is not None:
        check_exists(Path(data))

    from mt_export import export  # imports torch: all that is above needs none to be refused

    result = export(
        run,
        to,  # type: ignore[arg-type]
        out,
        int8=int8,
        data=data,
        samples=samples,
        encoder=encoder,
        num_workers=num_workers,
        overwrite=overwrite,
    )
    for line in result.parity.lines():
        click.echo(line)
    if result.int8 is not None:
        for line in result.int8.lines():
            click.echo(f"int8: {line}")
        for name, before in result.int8.metrics.get("model", {}).items():
            click.echo(f"  {name} {before:.4g} -> {result.int8.metrics['file'][name]:.4g}")
    click.echo(f"model: {result.file} ({result.card['file']['bytes']:,} bytes)")
    click.echo(f"card: {result.card_file}")
    return 0
