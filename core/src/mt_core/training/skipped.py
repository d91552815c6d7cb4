"""Samples that could not be read and were left out, as `skip_unreadable` asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mt_core.errors import MtError, RunError
from mt_core.io.atomic import atomic_write

ERRORS = "errors.jsonl"


def write_skipped(folder: Path, failed: Sequence[MtError]) -> None:
    """`errors.jsonl` in a run folder: `problem` and `fix` of each sample that was left out, a JSON object a line; none
    where there was none."""
    path = folder / ERRORS
    lines = list(dict.fromkeys(json.dumps({"problem": error.problem, "fix": error.fix}) for error in failed))
    if not lines:
        path.unlink(missing_ok=True)
        return
    with atomic_write(path, RunError) as unfinished:
        unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
