"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mt_core.model import MetaTransformer

F = TypeVar("F", bound=Callable[..., Any])

# the values stand here again (a test compares them), because --help must not import torch
POOLS = ("cls", "mean", "max", "cls+mean", "mean+max", "cls+mean+max")


def stacked(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several click options as one decorator, shown in this order."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


encoder = click.option("--encoder", metavar="NAME|FILE", help="The encoder; by default the catalogue's own choice.")
tokenizer_options = click.option(
    "-O",
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the tokenizer (mt info shows them).",
)
data_options = click.option(
    "-D", "--data-option", "data_options", multiple=True, metavar="NAME=VALUE", help="An option of the dataset."
)
num_workers = click.option("--num-workers", type=click.IntRange(min=0), help="Processes that read files; 0: none.")
precision = click.option(
    "--precision", type=click.Choice(["32", "bf16"]), default=None, help="bf16 is faster on machines that have it."
)
device = click.option("--device", default=None, help="Where to compute: cpu, cuda, …")
quiet = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")


def parse(pairs: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs: a value is JSON where it can be read as such, a list where it has commas, else text.

    Raises:
        click.BadParameter: a pair without "=".
    """
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE")
        values[name.replace("-", "_")] = _value(text)
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return [_value(part) for part in text.split(",")] if "," in text else text


def load_modality_or_run(name: str, encoder: str | None, device: str | None, options: Sequence[str]) -> MetaTransformer:
    """The model of a modality, or of the run in a folder; a name that both have is the modality's.

    Raises:
        OptionError: options for a run, which has its own.
    """
    from mt_core.api import load, load_run
    from mt_core.errors import OptionError
    from mt_core.plugins import list_plugins

    is_modality = any(plugin.name == name for plugin in list_plugins())
    if is_modality or (not (Path(name) / "run.json").is_file() and len(Path(name).parts) == 1):
        return load(name, encoder=encoder, device=device, **parse(options))
    if options:
        raise OptionError(f"a run has its own options; {', '.join(options)} cannot be changed", fix="leave them out")
    return load_run(name, encoder=encoder, device=device)
