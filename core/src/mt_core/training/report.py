"""A run's report: what `run.json` says, with the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mt_core.io.html import Page
from mt_core.training.by_input import add_to_page as add_shares
from mt_core.training.by_input import read_by_input
from mt_core.training.comparison import add_to_page, read_comparison
from mt_core.training.curves import curves
from mt_core.training.detected import add_to_page as add_detected
from mt_core.training.records import replace_file
from mt_core.training.segmented import add_to_page as add_pictures


def write_run_report(folder: Path, record: Mapping[str, Any], history: Sequence[Mapping[str, float]]) -> None:
    """Write `report.html`."""
    page = Page(f"{record['modality']} on {record['data']['source']}")
    encoder, parameters = record["encoder"], record["parameters"]
    page.note(f"Encoder: {encoder['description']}, fingerprint {encoder['fingerprint'][:16]}…")
    page.table(
        ("metric", "kept epoch", "always the same answer"),
        [(name, value, record["baseline_metrics"].get(name, "")) for name, value in record["val_metrics"].items()],
    )
    if (positive := record["head"]["positive_class"]) is not None:
        page.note(f"auroc, f1 and average_precision are those of the class {positive}.")
    page.note(f"Measured on: {record['data']['selected_on']}, the part that also selected the epoch.")
    if record["test_metrics"] is not None:
        baseline = record["test_baseline_metrics"]
        rows = [(name, value, baseline.get(name, "")) for name, value in record["test_metrics"].items()]
        page.table(("metric of the test part", "kept epoch", "always the same answer"), rows)
        page.note(f"Measured once, at the end, on: {record['data']['tested_on']}.")
    if (comparison := read_comparison(folder)) is not None:
        add_to_page(page, comparison)
    if (shares := read_by_input(folder)) is not None:
        add_shares(page, shares)
    add_pictures(page, folder)
    add_detected(page, folder)
    page.charts(curves(history, record["kept_epoch"]))
    page.heading("What it was made from")
    for line in record["data"]["summary"]:
        page.note(line)
    page.heading("How it was made")
    page.table(
        ("", ""),
        [
            ("training samples", record["data"]["train"]),
            ("validation samples", record["data"]["val"]),
            ("parameters trained", parameters["trainable"]),
            ("parameters frozen", parameters["frozen"]),
            ("epoch that was kept", record["kept_epoch"]),
            *([("stopped after", f"{record['stopped_after']:.4g} epochs")] if record["stopped_after"] else []),
            ("seconds", record["seconds"]),
            *((f"energy of {name} in joules", joules) for name, joules in (record.get("energy") or {}).items()),
            *((name, str(value)) for name, value in record["recipe"].items()),
            *((f"tokenizer {name}", str(value)) for name, value in record["tokenizer"]["options"].items()),
            *((f"version of {name}", value) for name, value in record["versions"].items()),
        ],
    )
    if record["notices"]:
        page.heading("What was left out of the data or reinterpreted")
        page.table(
            ("", "what", "files", "the first"),
            [(each["kind"], each["what"], each["num_sources"], each["first"]) for each in record["notices"]],
        )
        page.note("All of it: notices.jsonl")
    replace_file(folder / "report.html", page.html())
