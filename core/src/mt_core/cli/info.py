"""`mt info`: what one modality reads, takes and costs, what one encoder is, or what a run was trained on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mt_core.cli.run_facts import run_facts
from mt_core.encoder.weights import are_here

if TYPE_CHECKING:
    from mt_core.contract import Tokenizer
    from mt_core.contract.option_types import DescribedOption
    from mt_core.encoder import Encoder
    from mt_core.plugins import Plugin

WIDTH = 192
"""Width of the encoder that the parameters are counted for: a ViT-Tiny's."""


@click.command("info")
@click.argument("name")
def command(name: str) -> None:
    """One modality: formats, options, layouts, parameters; one encoder: what it is, size, fingerprint; or one run.

    NAME is that of a modality (mt list), anything that --encoder takes: mt-tiny, random/…, a file; or the folder of a
    run.
    """
    from mt_core.plugins import get, list_modalities

    if os.path.isdir(name) and name not in list_modalities():
        for what, said in run_facts(Path(name)):
            click.echo(f"{what:<31}{said}")
        return
    if name not in list_modalities() and (name == "mt-tiny" or "/" in name or "." in name or are_here(name)):
        for what, said in encoder_facts(name):
            click.echo(f"{what:<22}{said}")  # no table, which would cut a hash off
        return
    plugin = get(name)

    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False)

    def show(title: str, header: tuple[str, ...], body: Iterable[tuple[str, ...]]) -> None:
        table = Table(*header, title=title, title_justify="left", box=None, pad_edge=False, show_header=any(header))
        for cells in body:
            table.add_row(*cells)
        if table.row_count:
            console.print(table, "")

    show(f"{plugin.name}: {plugin.manifest.summary}", ("", ""), facts(plugin))
    for title, rows in options(plugin):
        show(title, ("name", "type", "default", "meaning"), rows)
    show("dataset layouts", ("", ""), plugin.dataset.layouts.items())
    show("known deviations", ("check", "reason"), [(d.check, d.reason) for d in plugin.manifest.deviations])


def facts(plugin: Plugin) -> list[tuple[str, str]]:
    """What there is to say in one line each."""
    manifest, head = plugin.manifest, plugin.head
    lines = [
        ("distribution", f"{plugin.distribution} {plugin.version}, written for contract {manifest.contract}"),
        ("formats", " ".join(manifest.suffixes) or "objects in memory only"),
        ("capabilities", ", ".join(manifest.capabilities) or "none declared"),
        ("tokenizer", manifest.tokenizer),
        ("dataset", manifest.dataset),
        ("default head", f"{manifest.head} ({', '.join(head.kinds)})"),
        ("parameters", f"{trainable_parameters(plugin.tokenizer):,} trainable, for an encoder of width {WIDTH}"),
    ]
    if limits := getattr(plugin.tokenizer, "sample_limits", ""):
        lines.append(("limits", str(limits)))
    if manifest.views is not None and "view" in plugin.tokenizer.Options.model_fields:
        lines.append(("view", f"{manifest.views.embed} without training, {manifest.views.train} for training"))
    if "needs_calibration" in manifest.capabilities:
        lines.append(("note", "learns scales or categories from labelled data, and grows with them: `mt train` first"))
    if "init_from_encoder" in manifest.capabilities:
        lines.append(("note", "starts from the encoder's own weights"))
    return lines


def encoder_facts(name: str) -> list[tuple[str, str]]:
    """What there is to say of an encoder, in one line each."""
    from mt_core.encoder import load_encoder, tiny
    from mt_core.encoder.inventory import weights_of
    from mt_core.encoder.names import TINY

    encoder = load_encoder(name)
    lines = [
        ("what it is", encoder.description),
        ("weights", _weights(encoder, name)),
        ("size", f"{encoder.depth} blocks, width {encoder.width}, {encoder.num_heads} heads"),
        ("pictures", _pictures(encoder)),
        ("normalisation", _normalisation(encoder)),
        ("parameters", f"{encoder.num_parameters():,}, frozen"),
        ("fingerprint", encoder.fingerprint),
    ]
    if name == TINY:
        lines += [("SHA-256 of the file", tiny.SHA256), ("licence", "Apache-2.0; no photograph, no downloaded data")]
    elif (weights := weights_of(name)) is not None:
        lines += [("SHA-256 of the file", weights.sha256 or "not recorded")]
        lines += [("licence", weights.licence or "not known"), ("source", weights.source)]
    return lines


def _pictures(encoder: Encoder) -> str:
    size, patch = encoder.native_size, encoder.native_patch
    if size is None or patch is None:
        return "it has no patch embedding or no positions of its own"
    return (
        f"trained on {size} x {size} pixels in patches of {patch}" if encoder.is_trained else f"{size} x {size} pixels"
    )


def _normalisation(encoder: Encoder) -> str:
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (encoder.mean, encoder.std))
    return f"mean {mean}; std {std}; resized by {encoder.interpolation}"


def _weights(encoder: Encoder, name: str) -> str:
    if not encoder.is_trained:
        return "not trained: a control"
    return "of a file that does not record what they were trained on" if Path(name).is_file() else "trained"


def trainable_parameters(tokenizer: type[Tokenizer]) -> int:
    """The parameters of a new tokenizer with default options that training changes."""
    return sum(weight.numel() for weight in tokenizer(WIDTH).parameters() if weight.requires_grad)


def options(plugin: Plugin) -> list[tuple[str, list[DescribedOption]]]:
    """What a user may choose, a titled list each: of the tokenizer, the dataset, the head, and of training."""
    from mt_core.contract.option_types import describe_options
    from mt_core.training.recipe import Recipe

    recipe = Recipe.parse(plugin.manifest.recipe)
    return [
        ("options of the tokenizer: -O NAME=VALUE", describe_options(plugin.tokenizer.Options)),
        ("options of the dataset: -D NAME=VALUE", describe_options(plugin.dataset.Options)),
        ("options of the head: -H NAME=VALUE", describe_options(plugin.head.Options, recipe.head)),
        ("settings of the training: -S NAME=VALUE", describe_options(Recipe, recipe.model_dump())),
    ]
