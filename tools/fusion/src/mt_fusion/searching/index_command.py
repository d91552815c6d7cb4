"""`mt index`: vectors to an index that can be searched."""

from __future__ import annotations

import click

from mt_core.cli.options import quiet


@click.command("index")
@click.argument("vectors", metavar="VECTORS.parquet...", nargs=-1, required=True)
@click.option("-o", "--out", required=True, metavar="DIR", help="The folder of the index, such as things.index.")
@click.option(
    "--metric",
    type=click.Choice(["cosine", "dot", "l2"]),
    default="cosine",
    show_default=True,
    help="What is near: the angle, the product, the Euclidean distance.",
)
@click.option(
    "--exact/--approximate",
    "exact",
    default=None,
    help="Compare with every row, or with the nearest partitions alone; by default exact below 1,000,000 rows.",
)
@click.option("--modality", metavar="NAME", help="Of files with several modalities, the one to put into the index.")
@click.option("--table", metavar="FILE", help="A .csv, .tsv, .parquet or .jsonl with more columns for --where.")
@click.option(
    "--key",
    multiple=True,
    metavar="COLUMN",
    help="Its column with the sources (by default: source); a second --key, the column with the rows.",
)
@click.option("--overwrite", is_flag=True, help="Replace the index.")
@quiet
def command(
    vectors: tuple[str, ...],
    out: str,
    metric: str,
    exact: bool | None,
    modality: str | None,
    table: str | None,
    key: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
) -> int:
    """Vectors to an index that mt search searches.

    VECTORS are .parquet files of mt embed, all of one space: made by the same model, or by models that were aligned.
    The index is a folder that holds all it needs; the files can be moved or removed afterwards.
    """
    from mt_fusion.searching.building import build_index

    index = build_index(
        vectors,
        out,
        metric=metric,  # type: ignore[arg-type]
        approximate=None if exact is None else not exact,
        modality=modality,
        table=table,
        key=key or "source",
        overwrite=overwrite,
        show_progress=not quiet,
    )
    if (joined := index.record["table"]) is not None:
        click.echo(f"{joined['path']}: says something of {joined['matched']:,} of {index.num_rows:,} vectors", err=True)
        for before, after in joined["renamed"].items():
            click.echo(f"its column {before} is called {after} in the index", err=True)
    click.echo(f"{out}: {index.description}")
    return 0
