"""The report of a run that was adapted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mt_core.io.chart import first_to_last, line_chart
from mt_core.io.html import Page
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
        page.charts(_curves(rows))
    page.heading("How it was made")
    for line in record["data"]["summary"]:
        page.note(line)
    versions = [(f"version of {name}", value) for name, value in record["versions"].items()]
    settings = [(name, str(value)) for name, value in record["recipe"].items()]
    page.table(("", ""), [("seconds of training", record["seconds"]), *settings, *versions])
    replace_file(folder / "report.html", page.html())


def _curves(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    steps = [row["step"] for row in rows]
    terms = {name: [row[name] for row in rows] for name in TERMS[1:]}
    spread = {"spread": [row["spread"] for row in rows]}
    titled = (("Terms of the loss, without their weights", terms), ("Spread of a batch's vectors", spread))
    return [line_chart(title, "step", steps, series).html(f"{first_to_last(series)}.") for title, series in titled]
