"""`mt list`: what is installed, available or broken, from metadata alone. Imports no plugin, nor anything heavy."""

from __future__ import annotations

from dataclasses import dataclass

import click

from mt_core.plugins.official import OFFICIAL, install_line
from mt_core.plugins.registry import list_plugins


@dataclass(frozen=True)
class Row:
    """One line of the listing."""

    modality: str
    state: str
    version: str
    summary: str
    distribution: str
    problem: str = ""
    fix: str = ""


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, one object a plugin.")
def command(as_json: bool) -> None:
    """What is installed, what is available, what is broken."""
    everything = rows()
    if as_json:
        import json

        click.echo(json.dumps([vars(row) for row in everything], indent=2))
        return
    for line in table(everything):
        click.echo(line)


def rows() -> list[Row]:
    """Every installed plugin and every official modality that is not; the official ones first, in their order."""
    installed = list_plugins()
    listed = [
        Row(plugin.name, plugin.state, plugin.version, plugin.summary, plugin.distribution, plugin.problem, plugin.fix)
        for plugin in installed
    ]
    absent = [name for name in OFFICIAL if name not in {plugin.name for plugin in installed}]
    listed += [Row(name, "available", "", install_line(name), f"mt-plugin-{name}") for name in absent]
    order = {name: position for position, name in enumerate(OFFICIAL)}
    return sorted(listed, key=lambda row: (row.state == "available", order.get(row.modality, len(order)), row.modality))


def table(everything: list[Row]) -> list[str]:
    """Aligned columns; what is wrong with a plugin, and its fix, stand beneath it."""
    header = ("modality", "state", "version", "summary")
    cells = [(row.modality, row.state, row.version, row.summary) for row in everything]
    widths = [max(len(line[column]) for line in [header, *cells]) for column in range(3)]

    def aligned(line: tuple[str, str, str, str]) -> str:
        return "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]).rstrip()

    lines = [aligned(header)]
    for row, line in zip(everything, cells, strict=True):
        lines.append(aligned(line))
        if row.problem:
            lines += [f"  {row.distribution}: {row.problem}", f"  fix: {row.fix}"]
    return lines
