"""The report of a run that was aligned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mt_core.io.chart import first_to_last, line_chart
from mt_core.io.html import Page
from mt_core.training.records import replace_file


def write_report(folder: Path, record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `report.html`."""
    page = Page(f"One space for {', '.join(record['inputs'])}: {record['data']['source']}")
    page.note(f"Encoder: {record['encoder']['description']}, fingerprint {record['encoder']['fingerprint'][:16]}…")
    page.note(f"{record['step']:,} of {record['recipe']['steps']:,} steps; kept: step {record['kept_step']:,}.")
    page.note(f"Space {record['space']}, {record['width']} wide.")
    page.heading("How often a partner is among the nearest, of rows held out")
    page.table(("", "recall@1", "@5", "@10", "by chance @1", "@5", "@10"), list(recall_rows(record)))
    if len(record["evaluations"]) > 1:
        page.charts(_curves(record, rows))
    page.heading("How different the vectors of each input are")
    page.table(
        ("", "spread before", "after", "rank before", "after"),
        [
            (name, of["before"]["spread"], of["after"]["spread"], of["before"]["rank"], of["after"]["rank"])
            for name, of in record["vectors"].items()
        ],
    )
    page.heading("How it was made")
    for line in record["data"]["summary"]:
        page.note(line)
    versions = [(f"version of {name}", value) for name, value in record["versions"].items()]
    settings = [(name, str(value)) for name, value in record["recipe"].items()]
    facts = [("learned temperature", 1 / record["scale"]), ("seconds of training", record["seconds"])]
    page.table(("", ""), [*facts, *settings, *versions])
    replace_file(folder / "report.html", page.html())


def recall_rows(record: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """A row a direction: its recalls, and those by chance."""
    return [(name, *of.values(), *record["chance"][name].values()) for name, of in record["recall"].items()]


def _curves(record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    evaluations = record["evaluations"]
    recalls = {name: [each["recall"][name]["recall@1"] for each in evaluations] for name in record["recall"]}
    chance = {name: record["chance"][name]["recall@1"] for name in record["recall"]}
    found = line_chart(
        "recall@1 of rows held out", "step", [each["step"] for each in evaluations], recalls, levels=chance
    )
    figures = [found.html(f"{first_to_last(recalls)}; dashed: by chance.")]
    if rows:
        losses = {"training loss": [row["loss"] for row in rows]}
        lost = line_chart("Training loss", "step", [row["step"] for row in rows], losses)
        figures.append(lost.html(f"{first_to_last(losses)}."))
    return figures
