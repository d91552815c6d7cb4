"""`mt show` of a folder: what is in it, and what is wrong with it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import options as shared

if TYPE_CHECKING:
    from mt_core.inspection.data_check import DataCheck
    from mt_core.inspection.opening import OpenedData
    from mt_core.model import MetaTransformer


def show_data(
    modality_or_run: str,
    data: str,
    *,
    encoder: str | None,
    options: Sequence[str],
    data_option: Sequence[str],
    samples: int | None,
    out: str | None,
    as_json: bool,
    strict: bool,
    reading: Mapping[str, Any],
) -> int:
    """Print what is in a folder; the exit code.

    Raises:
        MtError: a folder in no known layout, or without a file of the modality.
    """
    from mt_core.cli.choosing import check_encoder, plugin_of
    from mt_core.io.paths import check_exists

    check_exists(Path(data))
    check_encoder(encoder, plugin_of(modality_or_run))

    model, opened = _opened(modality_or_run, Path(data), encoder, options, shared.parse(data_option))
    if opened.parts and not as_json:  # before the work begins
        _echo_lines(opened)
    check = _checked(model, opened, samples, reading)
    if not opened.parts and not as_json:
        _echo_lines(opened)
    if as_json:
        from mt_core.inspection.records import check_record

        click.echo(json.dumps({"modality": model.modality, **check_record(opened, check)}, indent=2))
    else:
        _echo(check, data)
    if out is not None:
        _write(model, opened, check, out)
    from mt_core.io.notices import relay

    relay([*opened.notices, *check.notices])
    return 1 if strict and not check.is_fine else 0


def _opened(
    modality_or_run: str, root: Path, encoder: str | None, options: Sequence[str], of_data: Mapping[str, Any]
) -> tuple[MetaTransformer, OpenedData]:
    """The model whose tokenizer reads, and the data."""
    from mt_core.cli.choosing import means_modality
    from mt_core.inspection.opening import open_data, open_data_of_run
    from mt_core.plugins import get

    if not means_modality(modality_or_run):
        model = shared.load_modality_or_run(modality_or_run, encoder, None, options)
        return model, open_data_of_run(model, get(model.modality), root, data_options=of_data)
    from mt_core.api import load

    plugin = get(modality_or_run)
    shared.refuse_misplaced(plugin, {"-O": options, "-D": [f"{name}={value}" for name, value in of_data.items()]})
    opened = open_data(plugin, root, tokenizer_options=shared.parse(options), data_options=of_data)
    purpose = "train" if opened.parts else "embed"
    return load(modality_or_run, encoder=encoder, purpose=purpose, **opened.tokenizer_options), opened  # type: ignore[arg-type]


def _checked(model: MetaTransformer, opened: OpenedData, samples: int | None, reading: Mapping[str, Any]) -> DataCheck:
    from mt_core.errors import MtError
    from mt_core.inspection.data_check import check_files, check_parts

    if opened.parts:
        return check_parts(model, opened.parts, max_samples=samples, **reading)
    try:
        return replace(check_files(model, opened.sources, **reading), refused=opened.refused)
    except MtError as error:  # nor can the files be read by themselves
        raise opened.refused or error from error


def _echo_lines(opened: OpenedData) -> None:
    for line in opened.lines:
        click.echo(line)


def _echo(check: DataCheck, data: str) -> None:
    from mt_core.inspection.check_lines import check_lines

    for line in check_lines(check, shutil.get_terminal_size().columns, below(data)):
        click.echo(line)


def _write(model: MetaTransformer, opened: OpenedData, check: DataCheck, out: str) -> None:
    from mt_core.inspection.check_page import check_page, example_sheet
    from mt_core.inspection.writing import write_shown

    if out.lower().endswith(".html"):
        content = check_page(model, opened, check, below(str(opened.root)))
    else:
        content = example_sheet(model, opened.parts)
    write_shown(out, content)
    click.echo(f"{out}: {'what was found' if out.lower().endswith('.html') else 'examples of each class'}", err=True)


def below(data: str) -> Callable[[str], str]:
    """Shortens names of files below a folder."""
    root = data.rstrip("/\\") + os.sep

    def relative(name: str) -> str:
        return name.removeprefix(root)

    return relative
