"""`run.json`, the record of a run, and whether a folder may hold one. Importing this does not import torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mt_core.errors import RunError
from mt_core.training.records import read_json, replace_file, write_json

FORMAT = 1
"""Number of the layout of `run.json`; a run of a higher one is refused."""

RUN, WEIGHTS, ENCODER_WEIGHTS = "run.json", "weights.safetensors", "encoder.safetensors"
NOTICES = "notices.jsonl"


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write `run.json`, whole or not at all."""
    write_json(folder / RUN, record)


def read_record(folder: Path) -> dict[str, Any]:
    """What `run.json` says.

    Raises:
        RunError: no run, one that cannot be read, or one of a newer layout.
    """
    absent = RunError(
        f"{folder} holds no run (there is no {RUN} in it)",
        fix="name a modality (mt list shows them), or the folder that mt train was given as --out",
    )
    return read_json(folder / RUN, FORMAT, absent=absent)


def read_history(folder: Path) -> list[dict[str, float]]:
    """The rows of `metrics.csv`, one an epoch, or one a setting that was tried; [] where there is none."""
    path = folder / "metrics.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def write_history(folder: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write `metrics.csv`, whole or not at all: a line for each row, the columns of the last one."""
    first, last = ("epoch", "train_loss"), ("seconds",)
    columns = [name for name in first if name in rows[-1]]
    columns += [name for name in rows[-1] if name not in (*first, *last)] + list(last)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({name: row.get(name, "") for name in columns} for row in rows)
    replace_file(folder / "metrics.csv", text.getvalue().encode())


def read_finished(folder: Path) -> dict[str, Any]:
    """What `run.json` says of a run that has weights.

    Raises:
        RunError: as `read_record`, or a run that was interrupted.
    """
    record = read_record(folder)
    if not (folder / WEIGHTS).is_file():
        raise RunError(
            f"the run in {folder} was interrupted before it had weights",
            fix=f"go on with it: the same mt {'train' if record.get('head') else 'adapt'} command with --resume",
        )
    return record


def check_adapted(folder: Path, modality: str) -> dict[str, Any]:
    """What `run.json` says of a run that was adapted without labels, for training to start from.

    Raises:
        RunError: no run with weights, one of another modality, or one that was trained with labels.
    """
    record = read_finished(folder)
    if record.get("modality") != modality:
        raise RunError(
            f"the run in {folder} is of the modality {record.get('modality')}, not of {modality}",
            fix=f"mt train {record.get('modality')} … --from {folder}, or name another run",
        )
    if record.get("head") is not None:
        raise RunError(
            f"the run in {folder} was trained with labels, and not adapted without",
            fix=f"name a run of mt adapt, or predict with this one: mt predict {folder} FILES",
        )
    return record


def check_folder(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that a run cannot be written to, before anything is read.

    Raises:
        RunError: it holds a run that is neither resumed nor overwritten, other things than a run, or nothing to resume.
    """
    if resume:
        read_record(folder)
    elif folder.is_file():
        raise RunError(f"{folder} is a file", fix="choose another --out")
    elif folder.exists() and any(folder.iterdir()):
        if not (folder / RUN).is_file():
            raise RunError(f"{folder} is not empty and holds no run", fix="choose another --out")
        if not overwrite:
            raise RunError(
                f"{folder} holds a run already",
                fix="choose another --out, --resume it if it was interrupted, or --overwrite it",
            )
