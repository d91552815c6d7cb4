"""Records of runs: files written whole or not at all, read with every fault named, compared when a run is resumed."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from importlib_metadata import version

from mt_core.errors import MtError, RunError
from mt_core.io.atomic import atomic_write

_SHORT = 24
"""Characters of a value up to which messages show it."""


def versions(*more: str) -> dict[str, str]:
    """Of what decides the numbers of a run.

    Args:
        more: Distributions beside those of every run.
    """
    names = ("mt-core", *more, "torch", "timm", "lightning")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def resolve_name(encoder: str) -> str:
    """An encoder's name that means the same from any folder: a file's whole path."""
    return str(Path(encoder).resolve()) if Path(encoder).is_file() else encoder


def replace_file(path: Path, content: bytes) -> None:
    """Write a file of a run, whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    with atomic_write(path, RunError) as unfinished:
        unfinished.write_bytes(content)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    replace_file(path, json.dumps(record, indent=2, allow_nan=True).encode())


def read_json(
    path: Path, newest: int, *, absent: RunError, check: Callable[[dict[str, Any]], object] = len
) -> dict[str, Any]:
    """A record.

    Args:
        newest: The highest `format` that is known.
        absent: Raised where there is no such file.
        check: Raises KeyError, TypeError, ValueError or an `MtError` where something is missing or wrong.

    Raises:
        RunError: no record, one that cannot be read, or one of a newer format.
    """
    if not path.is_file():
        raise absent
    try:
        record = dict(json.loads(path.read_text(encoding="utf-8")))
        newer = record["format"] > newest
        check(record)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, MtError) as error:
        said = error.problem if isinstance(error, MtError) else error
        raise RunError(f"{path} cannot be read ({type(error).__name__}: {said})", fix="train the run again") from error
    if newer:
        raise RunError(f"{path} was written by a newer mt-core", fix="pip install -U mt-core")
    return record


def differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names in one record whose values are others in another one, as "recipe.epochs"; with both values where they
    are short, as "recipe.epochs 3, was 2"."""
    names = []
    for name, value in now.items():
        before = recorded.get(name)
        if before == value:
            continue
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            gone = {key: None for key in before if key not in value}
            names += [f"{name}.{inner}" for inner in differences(before, {**value, **gone})]
        elif all(isinstance(each, str | int | float | None) and len(str(each)) <= _SHORT for each in (before, value)):
            names.append(f"{name} {_shown(value)}, was {_shown(before)}")
        else:
            names.append(name)
    return names


def _shown(value: Any) -> str:
    return "not given" if value is None else str(value)


def check_same(folder: Path, recorded: Mapping[str, Any], planned: Mapping[str, Any]) -> None:
    """Refuse to resume a run with other settings than it was started with.

    Args:
        recorded: What the run's record says.
        planned: What it would say now; `versions` may differ.

    Raises:
        RunError: which do not.
    """
    now = json.loads(json.dumps(planned))
    differing = [name for name in now if name != "versions" and recorded.get(name) != now[name]]
    if differing:
        which = differences(recorded, {name: now[name] for name in differing})
        raise RunError(
            f"the run in {folder} was started with other settings ({', '.join(differing)}): {'; '.join(which)}",
            fix="repeat the command it was started with, or choose another --out",
        )


def make_folder(folder: Path) -> None:
    """Make the folder of a run, and those above it.

    Raises:
        RunError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made ({error})", fix="choose a folder that you may write to") from error
