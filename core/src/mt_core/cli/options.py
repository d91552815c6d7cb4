"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

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
readers = click.option("--readers", type=click.IntRange(min=0), help="Reader processes; 0: none.")
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
