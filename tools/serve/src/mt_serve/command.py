"""`mt serve`: trained runs as a web server."""

from __future__ import annotations

from typing import Any

import click

from mt_core.cli import options as shared


@click.command("serve")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0: all.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one.")
@click.option("--token", envvar="MT_SERVE_TOKEN", show_envvar=True, help="That every request has to bring.")
@click.option(
    "--readers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that read uploads."
)
@click.option(
    "--mib",
    type=click.FloatRange(min=0, min_open=True),
    default=32,
    show_default=True,
    help="MiB of a request, at most.",
)
@click.option("--files", type=click.IntRange(min=1), default=16, show_default=True, help="Files of a request, at most.")
@click.option(
    "--samples", type=click.IntRange(min=1), default=256, show_default=True, help="Samples of a request, at most."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60,
    show_default=True,
    help="What reading the files of a request may take.",
)
@click.option(
    "--requests",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Requests at work or waiting, at most.",
)
@click.option(
    "--window-ms",
    type=click.FloatRange(min=0),
    default=5,
    show_default=True,
    help="What a batch waits for more requests.",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=8192,
    show_default=True,
    help="Of a batch; a request of more goes alone.",
)
@click.option(
    "--index", "indexes", multiple=True, metavar="DIR", help="An index of mt index to search; may be repeated."
)
@shared.stacked(shared.encoder, shared.precision, shared.device)
def command(
    runs: tuple[str, ...],
    host: str,
    port: int,
    token: str | None,
    readers: int,
    mib: float,
    files: int,
    samples: int,
    seconds: float,
    requests: int,
    window_ms: float,
    max_tokens: int,
    indexes: tuple[str, ...],
    encoder: str | None,
    precision: str | None,
    device: str | None,
) -> int:
    """Serve trained runs: predictions, vectors and search, at http://127.0.0.1:8000.

    Each RUN is a folder of mt train, as it is or as NAME=FOLDER. Runs of one encoder share it, and requests for
    different ones go through it in one batch. SIGTERM or Ctrl-C ends the server when what it is at is answered.
    """
    from mt_serve.limits import MIB, Limits
    from mt_serve.server import listen

    socket = listen(host, port)

    from mt_serve.apart import can_be_apart, serve_apart
    from mt_serve.app import Settings, create_app
    from mt_serve.server import serve

    settings = Settings(
        limits=Limits(int(mib * MIB), files, samples, seconds, requests),
        token=token,
        readers=readers,
        window_s=window_ms / 1000,
        max_tokens=max_tokens,
    )
    how: dict[str, Any] = {"encoder": encoder, "device": device, "precision": precision or "32"}
    app = create_app(runs, indexes=indexes, settings=settings, **how)
    for run in app.state.runs:
        click.echo(f"{run.name}: {run.model.description}", err=True)
    for index in app.state.indexes.values():
        click.echo(f"{index.name}: {index.index.description}; for {', '.join(index.runs)}", err=True)
    socket.listen()  # clients may come from now on, and wait for the readers
    num_encoders = len(app.state.runs.fingerprints)
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"{len(runs)} run(s) on {num_encoders} encoder(s) at http://{shown}:{socket.getsockname()[1]}", err=True)
    if can_be_apart(app.state.runs):
        return serve_apart(app, socket)
    serve(app, socket)
    return 0
