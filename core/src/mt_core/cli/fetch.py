"""`mt fetch`: weights into the folder of weights, once, so that no network is needed afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mt_core.cli import options as shared

if TYPE_CHECKING:
    from mt_core.encoder.fetching import Fetched


@click.command("fetch")
@click.argument("name")
@click.option(
    "--local-dir",
    metavar="DIR",
    help="The folder of weights to write to; by default that of MT_WEIGHTS, or the user's.",
)
@click.option("--accept-license", is_flag=True, help="I accept the weights' licence, which restricts their use.")
@click.option("--sha256", metavar="HASH", help="Of the file that is wanted; another one is refused.")
@click.option("--as", "own_name", metavar="NAME", help="Of a URL: by which name --encoder will find the weights.")
@click.option("--licence", default="", help="Of a URL: what the weights' owner calls their licence, as in apache-2.0.")
@shared.quiet
def command(
    name: str,
    local_dir: str | None,
    accept_license: bool,
    sha256: str | None,
    own_name: str | None,
    licence: str,
    quiet: bool,
) -> None:
    """Fetch weights, and what belongs to them, into a folder that can be copied to a machine without a network.

    NAME is timm/<timm ViT> (mt encoders), fetched from the hub (HF_ENDPOINT names another), or the URL of a
    .safetensors file in timm's layout with a config.json at the same place. Weights that are in the folder already
    are only checked, without a network.
    """
    from mt_core.encoder.fetching import fetch_timm, fetch_url

    _check(name, sha256, own_name, licence)
    root = Path(local_dir) if local_dir is not None else None
    if own_name is not None:
        given = {"licence": licence, "accept_license": accept_license, "sha256": sha256, "show_progress": not quiet}
        _show(fetch_url(name, own_name, root, **given), local_dir)  # type: ignore[arg-type]
        return
    model = name.removeprefix("timm/")
    fetched = fetch_timm(model, root, accept_license=accept_license, sha256=sha256, show_progress=not quiet)
    _show(fetched, local_dir)


def _check(name: str, sha256: str | None, own_name: str | None, licence: str) -> None:
    from mt_core.encoder.fetching import SHA256

    is_url = name.startswith(("https://", "http://"))
    if is_url and own_name is None:
        raise click.UsageError("a URL needs --as NAME, by which --encoder finds the weights")
    if not is_url and (own_name is not None or licence):
        raise click.UsageError("--as and --licence are of a URL")
    if sha256 is not None and not SHA256.fullmatch(sha256.lower()):
        raise click.UsageError(f"--sha256 {sha256} is not 64 hexadecimal digits")


def _show(fetched: Fetched, local_dir: str | None) -> None:
    record = fetched.record
    what = "are there already" if fetched.was_there else "fetched"
    click.echo(f"{record.name} {what}: {fetched.folder}  ({record.bytes / 1e6:,.1f} MB, {record.licence})")
    click.echo(f"SHA-256 {record.sha256}")
    where = f" (with MT_WEIGHTS={local_dir})" if local_dir is not None else ""
    click.echo(f"use it: --encoder {record.name}{where}")
