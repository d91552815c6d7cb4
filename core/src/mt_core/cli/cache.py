"""`mt cache`: what the feature cache holds, and emptying it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click


@click.command("cache")
@click.argument("action", type=click.Choice(["info", "clear"]))
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def command(action: str, as_json: bool) -> None:
    """What the feature cache holds (info), or empty it and forget what --precision auto has chosen (clear).

    Vectors that were computed are kept there and used again by train --tune knn and probe, evaluate, embed and ladder.
    MT_CACHE names its folder, MT_CACHE_BYTES the bytes that it may take (0: nothing is kept).
    """
    from mt_core.data.cache_folder import cache_contents, cache_folder, cache_limit, clear_cache

    if action == "clear":
        from mt_core.data.precision_choice import forget_choices

        forget_choices()
        removed = clear_cache()
        click.echo(json.dumps({"removed": removed}) if as_json else f"removed {_bytes(removed)} from {cache_folder()}")
        return
    contents, limit = cache_contents(), cache_limit()
    used = sum(row["bytes"] for row in contents)
    if as_json:
        record = {"folder": str(cache_folder()), "limit": limit, "bytes": used, "contents": contents}
        click.echo(json.dumps(record, indent=2))
        return
    click.echo(f"{cache_folder()}: {_bytes(used)} of at most {_bytes(limit)}")
    for row in contents:
        click.echo(f"  {_line(row)}")


def _line(row: dict[str, Any]) -> str:
    used = datetime.fromtimestamp(row["used"]).strftime("%Y-%m-%d %H:%M")
    whose = ", ".join(str(row[name]) for name in ("modality", "encoder", "pool") if name in row)
    return f"{row['vectors']:>10,} vectors  {_bytes(row['bytes']):>9}  used {used}  {whose}"


def _bytes(number: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:.3g} TiB"
