"""`mt show` of files: what was read of each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mt_core.cli import options as shared

if TYPE_CHECKING:
    from mt_core.inspection.looking import Looked
    from mt_core.model import MetaTransformer

_SAMPLES = 8


def show_files(
    modality_or_run: str,
    files: Sequence[str],
    *,
    encoder: str | None,
    options: Sequence[str],
    samples: int | None,
    out: str | None,
    as_json: bool,
) -> int:
    """Print what was read of the first samples of files; the exit code.

    Raises:
        InputError: none of them can be read.
    """
    from mt_core.cli.choosing import check_encoder, plugin_of
    from mt_core.io.paths import expand

    plugin = plugin_of(modality_or_run)
    sources = expand(files, plugin.raw.get("suffixes", ()))
    check_encoder(encoder, plugin)

    from mt_core.inspection.looking import look_at  # imports torch: all that is above needs none to be refused
    from mt_core.inspection.sample_lines import all_failed, looked_record, sample_lines

    model = shared.load_modality_or_run(modality_or_run, encoder, None, options)
    looked = look_at(model, sources, samples or _SAMPLES)
    if all_failed(looked) and looked[0].error is not None:
        raise looked[0].error
    if as_json:
        click.echo(json.dumps({"modality": model.modality, "samples": list(map(looked_record, looked))}, indent=2))
    else:
        for each in looked:
            for line in sample_lines(each, shutil.get_terminal_size().columns):
                click.echo(line)
            click.echo("")
    if out is not None:
        _write(model, looked, out)
    return 1 if any(each.error is not None for each in looked) else 0


def _write(model: MetaTransformer, looked: Sequence[Looked], out: str) -> None:
    from mt_core.inspection.sample_page import sample_page, sample_sheet
    from mt_core.inspection.writing import write_shown

    is_page = out.lower().endswith(".html")
    write_shown(out, sample_page(model, looked) if is_page else sample_sheet(looked))
    click.echo(f"{out}: {len(looked)} sample(s), {model.encoder.description}", err=True)
