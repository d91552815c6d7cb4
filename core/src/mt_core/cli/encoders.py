"""`mt encoders`: what weights are here, and what could be fetched, with licence, size and hash. Asks no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mt_core.encoder.inventory import Weights


@click.command("encoders")
@click.argument("pattern", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="As JSON, one object an encoder.")
def command(pattern: str, as_json: bool) -> None:
    """Encoders that are here: bundled, in the folder of weights (MT_WEIGHTS), in the hub's cache; and what could be
    fetched.

    With PATTERN, a part of a name, all plain ViTs of timm that have it in their names. Sizes of weights to fetch are
    those of their architecture. A licence with * has to be accepted (mt fetch NAME --accept-license).
    """
    from mt_core.encoder.inventory import inventory

    found = inventory(pattern)
    if as_json:
        import json

        click.echo(json.dumps([vars(each) for each in found], indent=2))
        return
    for line in table(found):
        click.echo(line)


def table(found: list[Weights]) -> list[str]:
    """Aligned columns; what is wrong with weights stands beneath them."""
    header = ("name", "state", "licence", "size", "pictures", "SHA-256", "source")
    cells = [_cells(each) for each in found]
    widths = [max(len(line[column]) for line in [header, *cells]) for column in range(len(header))]
    lines = []
    for line, each in zip([header, *cells], [None, *found], strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if each is not None and each.problem:
            lines.append(f"  {each.problem}")
    return lines


def _cells(each: Weights) -> tuple[str, ...]:
    from mt_core.encoder.weights import PERMISSIVE

    is_open = each.licence in PERMISSIVE or each.is_accepted
    return (
        each.name,
        each.state,
        (each.licence or "not known") + ("" if is_open else " *"),
        size_of(each),
        "not known" if each.native_size is None else f"{each.native_size} px",
        each.sha256[:16] + "…" if each.sha256 else "-",
        each.source,
    )


def size_of(each: Weights) -> str:
    """The size of a file of weights, for people."""
    if each.bytes is None:
        return "not known"
    return ("about " if each.state == "to fetch" else "") + f"{each.bytes / 1e6:,.1f} MB"
