"""`ladder.json`, the record of a ladder: written after each of its runs, so that one that was stopped can go on."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mt_core.errors import RunError
from mt_core.training.ladder_report import picture
from mt_core.training.records import check_same, make_folder, read_json, replace_file, versions, write_json
from mt_core.training.run_record import WEIGHTS
from mt_core.training.rungs import RUNGS, LadderResult, result_from

LADDER, PICTURE = "ladder.json", "ladder.png"
FORMAT = 1

_OWN = re.compile(rf"({'|'.join(RUNGS)})-\d+|ladder\.(json|png)")
"""What a ladder leaves in its folder."""


def prepare_folder(out: Path, *, overwrite: bool) -> None:
    """A new folder for a ladder.

    Raises:
        RunError: there is something in it, and it is no ladder that may be replaced.
    """
    if out.is_dir() and (names := [path.name for path in out.iterdir()]):
        is_ladder = all(_OWN.fullmatch(name) for name in names)
        if not overwrite or not is_ladder:
            instead = ", --resume the ladder in it, or --overwrite it" if is_ladder else ""
            raise RunError(f"{out} is not empty", fix=f"choose another --out{instead}")
        shutil.rmtree(out)
    make_folder(out)


def read_ladder(folder: Path) -> tuple[LadderResult, dict[str, Any]]:
    """What a ladder has measured until now, without runs that are no longer there, and what its runs share.

    Raises:
        RunError: no ladder, or a record that cannot be read.
    """
    absent = RunError(f"{folder} holds no ladder (there is no {LADDER} in it)", fix="leave out --resume")
    record = read_json(folder / LADDER, FORMAT, absent=absent, check=lambda record: result_from(record, folder))
    result = result_from(record, folder)
    for rung in result.rungs:
        kept = [seed for seed in rung.values if (folder / f"{rung.name}-{seed}" / WEIGHTS).is_file()]
        rung.values = {seed: rung.values[seed] for seed in kept}
        rung.runs = {seed: rung.runs[seed] for seed in kept}
    return result, dict(record.get("shared", {}))


def check_shared(folder: Path, recorded: Mapping[str, Any], shared: Mapping[str, Any]) -> None:
    """Refuse to go on with a ladder on other data or with other options.

    Raises:
        RunError: which differ.
    """
    check_same(folder, {**recorded, "root": None}, {**shared, "root": None})  # the data may have been moved


def write_ladder(folder: Path, result: LadderResult, shared: Mapping[str, Any]) -> None:
    """Write `ladder.json`, and of a complete ladder `ladder.png`, each whole or not at all."""
    status = "complete" if result.recommended else "unfinished"
    record = {"format": FORMAT, "status": status, **result.record(), "shared": shared, "versions": versions()}
    write_json(folder / LADDER, record)
    if result.recommended:
        content = io.BytesIO()
        picture(result).savefig(content, format="png", dpi=110, bbox_inches="tight")
        replace_file(folder / PICTURE, content.getvalue())
