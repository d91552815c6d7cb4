"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mt_core.encoder.backend_names import BACKENDS

if TYPE_CHECKING:
    from mt_core.model import MetaTransformer
    from mt_core.plugins import Plugin

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
layers = click.option(
    "--layers", metavar="LIST", help="Blocks whose outputs stand side by side: 3,6,9,12, or quarters, or last."
)
token_budget = click.option(
    "--token-budget",
    metavar="N|tiles:N",
    help="At most N tokens of a sample in the encoder at once: similar neighbours are joined, or tiles of N are cut.",
)
view = click.option(
    "--view",
    type=click.Choice(["tokens", "picture"]),
    help="The modality's own tokens, or a drawn picture; the same as -O view=….",
)
tokenizer_options = click.option(
    "-O", "--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the tokenizer (see mt info)."
)
data_options = click.option(
    "-D", "--data-option", multiple=True, metavar="NAME=VALUE", help="An option of the dataset (see mt info)."
)
head_options = click.option(
    "-H", "--head-option", multiple=True, metavar="NAME=VALUE", help="An option of the head (see mt info)."
)
settings = click.option(
    "-S", "--set", "more", multiple=True, metavar="NAME=VALUE", help="Any other setting of the training: warmup=0.1."
)
num_workers = click.option("--num-workers", type=click.IntRange(min=0), help="Processes that read files; 0: none.")
seconds_a_sample = click.option(
    "--seconds-a-sample",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    help="A sample whose reading takes longer counts as unreadable.",
)


devices = click.option(
    "--devices",
    type=click.IntRange(min=1),
    help="Processes on a machine that train together, one a GPU (or several on a CPU); by default 1.",
)
num_nodes = click.option(
    "--num-nodes", type=click.IntRange(min=1), help="Machines that train together, started by torchrun or srun."
)
shard = click.option(
    "--shard",
    is_flag=True,
    default=None,
    help="Of several devices each keeps a part of the encoder's weights, not all: for one that is too large for it.",
)


def _show_choice(ctx: click.Context, option: click.Parameter, asked: str | None) -> str | None:
    """What is chosen by measurement is reported in one line on standard error."""
    if asked in ("auto", "int8"):
        import logging

        class ToStandardError(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                click.echo(record.getMessage(), err=True)

        log, handler = logging.getLogger("mt_core.precision"), ToStandardError()
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        ctx.call_on_close(lambda: log.removeHandler(handler))
    return asked


precision = click.option(
    "--precision",
    type=click.Choice(["auto", "32", "fp32", "bf16", "int8", *BACKENDS]),
    metavar="auto|32|bf16|int8|…",
    callback=_show_choice,
    help="How the encoder computes. auto: the fastest here whose vectors stay those of 32, measured once.",
)
training_precision = click.option(
    "--precision", type=click.Choice(["32", "bf16"]), default=None, help="bf16 is faster on machines that have it."
)
device = click.option("--device", default=None, help="Where to compute: cpu, cuda, …")
strict = click.option(
    "--strict", is_flag=True, help="Make it an error where something is left out of the data or reinterpreted."
)


def _switch_cache_off(ctx: click.Context, option: click.Parameter, is_given: bool) -> None:
    if is_given:
        from mt_core.data.cache_folder import without_cache

        ctx.with_resource(without_cache())


no_cache = click.option(
    "--no-cache",
    is_flag=True,
    expose_value=False,
    callback=_switch_cache_off,
    help="Compute all features, and keep none for later (mt cache).",
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")


def parse(pairs: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs; `Options` reads the texts.

    Raises:
        click.BadParameter: a pair without "=".
    """
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE")
        values[name.replace("-", "_")] = text
    return values


def parse_suffixes(pairs: Sequence[str]) -> dict[str, str]:
    """`.suffix=modality` pairs.

    Raises:
        click.BadParameter: another pair.
    """
    for pair in pairs:
        if not pair.startswith(".") or "=" not in pair:
            raise click.BadParameter(f"{pair!r} is not SUFFIX=MODALITY, as .npy=pointcloud")
    return {suffix.lower(): modality for suffix, _, modality in (pair.partition("=") for pair in pairs)}


def merged(flags: Mapping[str, Any], pairs: Sequence[str]) -> dict[str, Any]:
    """The settings that were given by options of their own (not None) and by -S.

    Raises:
        click.BadParameter: a setting that was given by both.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    more = parse(pairs)
    for name in more.keys() & given.keys():
        raise click.BadParameter(f"{name} is given twice: --{name.replace('_', '-')} and -S {name}={more[name]}")
    return {**given, **more}


def with_view(options: Sequence[str], view: str | None) -> tuple[str, ...]:
    """The options of the tokenizer, and --view among them.

    Raises:
        OptionError: both name a view, and not the same.
    """
    other = next((each for each in options if each.startswith("view=") and each != f"view={view}"), None)
    if view is not None and other is not None:
        from mt_core.errors import OptionError

        raise OptionError(f"--view {view} and -O {other} are two views", fix="give one of them")
    return (*options, *([] if view is None else [f"view={view}"]))


def with_flags(pairs: Sequence[str], flags: Mapping[str, str | None], kind: str) -> tuple[str, ...]:
    """`name=value` pairs, and those of flags of their own that were given.

    Args:
        kind: Of the pairs, for the message: "-O".

    Raises:
        click.BadParameter: a name that was given by both, with two values.
    """
    there = parse(pairs)
    given = {name: value for name, value in flags.items() if value is not None}
    for name in given.keys() & there.keys():
        if given[name] != there[name]:
            raise click.BadParameter(f"{name} is given twice: --{name} {given[name]} and {kind} {name}={there[name]}")
    return (*pairs, *(f"{name}={value}" for name, value in given.items() if name not in there))


def load_modality_or_run(
    name: str,
    encoder: str | None,
    device: str | None,
    options: Sequence[str],
    layers: str | None = None,
    token_budget: str | None = None,
) -> MetaTransformer:
    """The model of a modality, or of the run in a folder; of a name that both have, `name` is the modality and `./name`
    the folder.

    Raises:
        OptionError: options, layers or a budget of tokens for a run, which has its own.
    """
    from mt_core.api import load, load_run
    from mt_core.cli.choosing import means_modality
    from mt_core.errors import OptionError

    if means_modality(name):
        return load(name, encoder=encoder, layers=layers, token_budget=token_budget, device=device, **parse(options))
    for what, option, value in (("layers", "--layers", layers), ("token budget", "--token-budget", token_budget)):
        if value is not None:
            raise OptionError(f"a run has its own {what}; {option} {value} cannot be changed", fix="leave it out")
    if options:
        raise OptionError(f"a run has its own options; {', '.join(options)} cannot be changed", fix="leave them out")
    return load_run(name, encoder=encoder, device=device)


def refuse_misplaced(plugin: Plugin, given: Mapping[str, Sequence[str]]) -> None:
    """Refuse a name that is none of its kind and one of another: -O horizon=96 for -D horizon=96.

    Args:
        given: The `name=value` pairs by "-O", "-D" and "-S".

    Raises:
        OptionError: such a name, with where it belongs.
    """
    from mt_core.errors import OptionError
    from mt_core.training import Recipe

    known = {
        "-O": ("option of the tokenizer", plugin.tokenizer.Options.model_fields),
        "-D": ("option of the dataset", plugin.dataset.Options.model_fields),
        "-H": ("option of the head", plugin.head.Options.model_fields),
        "-S": ("option of the training", Recipe.model_fields),
    }
    for kind, pairs in given.items():
        what, names = known[kind]
        for name, text in parse(pairs).items():
            belongs = next((other for other, (_, fields) in known.items() if name in fields), None)
            if name not in names and belongs is not None:
                raise OptionError(f"{name} is no {what}", fix=f"give it as: {belongs} {name}={text}")


def say_positive(model: MetaTransformer) -> None:
    """Say which of two classes the metrics of one class are of."""
    positive = getattr(model.head, "positive_class", None)
    if positive is not None:
        click.echo(f"auroc, f1 and average_precision: of the class {positive} (-H positive=… of mt train changes it)")
