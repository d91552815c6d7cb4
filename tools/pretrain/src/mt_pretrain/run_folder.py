"""The folder of a pretraining run and the record in it, whatever is pretrained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mt_core.errors import OptionError, RunError
from mt_core.io.atomic import atomic_write


def read_record(
    path: Path, newest: int, check: Callable[[dict[str, Any]], object], *, kind: str, other_kind: str
) -> dict[str, Any]:
    """What the record of a run that can be resumed says.

    Args:
        newest: The newest format that is known.
        check: Raises KeyError, TypeError, ValueError or OptionError where something is missing or wrong.
        kind: Of run: "on pairs".
        other_kind: What to do about a run of the other kind.

    Raises:
        RunError: no run, one that is complete, of a newer format, or cannot be read.
    """
    if not path.is_file():
        problem = f"{path.parent} holds no run {kind} (there is no {path.name} in it)"
        raise RunError(problem, fix=f"begin it without resume; one {other_kind}")
    try:
        record = dict(json.loads(path.read_text(encoding="utf-8")))
        newer, is_complete = record["format"] > newest, record["status"] == "complete"
        check(record)
    except (OSError, ValueError, KeyError, TypeError, OptionError) as error:
        raise RunError(f"{path} cannot be read ({type(error).__name__}: {error})", fix="begin the run anew") from None
    if newer:
        raise RunError(f"{path} was written by a newer mt-core", fix="pip install -U mt-core")
    if is_complete:
        problem = f"the run in {path.parent} is complete"
        raise RunError(problem, fix="choose another --out; its encoder is ready to be used")
    return record


def make_folder(folder: Path, otherwise: RunError) -> None:
    """An empty folder.

    Args:
        otherwise: Is raised where something is in the way.

    Raises:
        RunError: that, or it cannot be made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise otherwise
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made ({error})", fix="choose a folder that you may write to") from error


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    with atomic_write(path, RunError) as unfinished:
        unfinished.write_text(json.dumps(record, indent=2), encoding="utf-8")


def settings_mismatch(folder: Path, differing: list[str], fix: str) -> RunError:
    return RunError(f"the run in {folder} was begun with another {', another '.join(differing)}", fix=fix)
