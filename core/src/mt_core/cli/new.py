"""`mt new`: a plugin for a modality of one's own, which works at once. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("new")
@click.argument("name")
@click.option(
    "--out", default=".", show_default=True, metavar="DIR", help="The folder in which mt-plugin-NAME is made."
)
def command(name: str, out: str) -> None:
    """A plugin for a new modality, which works at once: replace its parts by yours.

    NAME is what users will type: small letters, digits and underscores.
    """
    from mt_core.scaffold import naming, write_plugin

    names = naming(name)
    folder = write_plugin(names, Path(out))
    package = f"src/mt_plugin_{name}"
    click.echo(f"wrote {folder}, a plugin that reads signals of numbers. From here to green:\n")
    for step in (f"cd {folder}", "pip install -e '.[test]'", "pytest", f"mt check {name}"):
        click.echo(f"  {step}")
    click.echo(f"\nThen make it yours: the comments that begin with `yours:` in {package} say where.")
    click.echo(
        "Read on: README.md there, and what each method promises by `python -m pydoc mt_core.contract.Tokenizer`."
    )
