"""The report of a run that was adapted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mt_core.io.html import Page, new_figure
from mt_core.training.records import replace_file
from mt_pretrain.adapting.objective import TERMS


def write_report(folder: Path, record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `report.html`."""
    page = Page(f"{record['modality']}: adapted without labels to {record['data']['source']}")
    page.note(f"Encoder: {record['encoder']['description']}, fingerprint {record['encoder']['fingerprint'][:16]}…")
    page.note(f"{record['step']:,} of {record['recipe']['steps']:,} steps.")
    before, after = record["vectors"]["before"], record["vectors"]["after"]
    page.heading("How different vectors are")
    page.table(("", "before", "after"), [(name, before[name], after[name]) for name in before])
    if rows:
        page.figure(_curves(rows), "the terms of the loss, and the spread of vectors, by step")
    page.heading("How it was made")
    for line in record["data"]["summary"]:
        page.note(line)
    versions = [(f"version of {name}", value) for name, value in record["versions"].items()]
    settings = [(name, str(value)) for name, value in record["recipe"].items()]
    page.table(("", ""), [("seconds of training", record["seconds"]), *settings, *versions])
    replace_file(folder / "report.html", page.html())


def _curves(rows: Sequence[Mapping[str, Any]]) -> Any:
    figure, (terms, spread) = new_figure(10, 3.6, columns=2)
    steps = [row["step"] for row in rows]
    for name in TERMS[1:]:
        terms.plot(steps, [row[name] for row in rows], label=name)
    spread.plot(steps, [row["spread"] for row in rows])
    for axes, title in ((terms, "terms of the loss, without their weights"), (spread, "spread of a batch's vectors")):
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    terms.legend(fontsize=8)
    return figure
