"""`mt search`: what is nearest in an index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import options as shared

if TYPE_CHECKING:
    from mt_fusion.searching.nearest import Query

_MOST_CHARACTERS = 60


@click.command("search")
@click.argument("index")
@click.argument("queries", metavar="QUERY...", nargs=-1, required=True)
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many results a query.")
@click.option("--as", "query_as", metavar="MODALITY|INPUT", help="As what a query is read, where several can read it.")
@click.option("--where", metavar="CONDITION", help='On columns: price < 20 and modality == "image".')
@click.option("--run", metavar="DIR", help="Where the run is that made the vectors, if not where it was.")
@click.option("--html", "page", metavar="FILE", help="Write the results as a page with pictures, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a query.")
@shared.stacked(shared.encoder, shared.device)
def command(
    index: str,
    queries: tuple[str, ...],
    k: int,
    query_as: str | None,
    where: str | None,
    run: str | None,
    page: str | None,
    as_json: bool,
    encoder: str | None,
    device: str | None,
) -> int:
    """What is nearest in an index to files, texts or vectors.

    A QUERY is a file, a folder or a pattern, a text, or a .parquet file of vectors. It is embedded with the very model
    that made the vectors of INDEX, and of aligned models with that of any input: --as says which.
    """
    from mt_fusion.searching.index import open_index

    opened = open_index(index)
    k = min(k, opened.num_rows) if _is_default("k") else k
    for changed in opened.changed_files():
        click.echo(f"{changed} since it was indexed: the results are of before (mt index makes it new)", err=True)

    import numpy as np

    from mt_fusion.searching.nearest import embedded, nearest_rows
    from mt_fusion.searching.queries import query_models
    from mt_fusion.searching.samples import read_texts

    if where is not None:
        opened.mask(where)  # what is wrong with it is said before a model is loaded
    models = query_models(opened.record, run=run, encoder=encoder, device=device)
    asked = [query for each in queries for query in embedded(opened, each, models, query_as)]
    results = nearest_rows(opened, np.stack([query.vector for query in asked]), k, where)
    if page is not None:
        from mt_fusion.searching.results_page import write_page

        note = f"The {k} nearest of each query" + (f" where {where}." if where is not None else ".")
        write_page(page, opened, asked, results, models, note)
    texts = {} if as_json else read_texts(opened, results, models)
    records = [[record | _text(texts, number) for number, record in found] for found in results]
    for line in _lines(asked, records, as_json=as_json):
        click.echo(line)
    if page is not None:
        click.echo(f"{page}: {len(asked)} quer{'y' if len(asked) == 1 else 'ies'} with results", err=True)
    return 0


def _text(texts: dict[int, str], number: int) -> dict[str, str]:
    """A column for what people read of a row, where any has one."""
    return {"text": texts.get(number, "")} if texts else {}


def _is_default(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.DEFAULT


def _lines(asked: Sequence[Query], results: Sequence[list[dict[str, Any]]], *, as_json: bool) -> list[str]:
    lines = []
    for query, records in zip(asked, results, strict=True):
        read_as = query.model.name if query.model is not None else "vector"
        if as_json:
            lines.append(json.dumps({"query": query.name, "row": query.row, "as": read_as, "results": records}))
            continue
        lines.append(f"{_short(query.label)} (read as {read_as})" if read_as != "vector" else _short(query.label))
        lines += _table(records) if records else ["  no row of the index fulfils the condition"]
    return lines


def _table(records: Sequence[dict[str, Any]]) -> list[str]:
    """Aligned columns; one that is empty throughout, or 0 throughout for `row`, is left out."""
    names = [name for name in records[0] if any(record[name] not in (None, "") for record in records)]
    if not any(record["row"] for record in records):
        names.remove("row")
    cells = [[_cell(name, record[name]) for name in names] for record in records]
    widths = [max(len(row[column]) for row in [names, *cells]) for column in range(len(names))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [names, *cells]
    ]


def _cell(name: str, value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return _short("" if value is None else str(value), keep_end=name == "source")


def _short(text: str, *, keep_end: bool = True) -> str:
    line = " ".join(text.split())
    if len(line) <= _MOST_CHARACTERS:
        return line
    return f"…{line[1 - _MOST_CHARACTERS :]}" if keep_end else f"{line[: _MOST_CHARACTERS - 1]}…"
