"""What the run was made from, how, and at what cost."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from mt_report.charts.tables import plain_table
from mt_report.page import Page
from mt_report.run_facts import RunFacts
from mt_report.text import energy, number, seconds, size


def add_provenance(page: Page, facts: RunFacts) -> None:
    """Data, cost, settings, versions and a command."""
    record = facts.record
    data, encoder, parameters = record["data"], record["encoder"], record["parameters"]
    page.section("Cost")
    rows = [
        ("parameters trained", number(parameters["trainable"])),
        ("parameters frozen", number(parameters["frozen"])),
        (
            "of tokenizer, encoder, head",
            " + ".join(number(parameters[part]) for part in ("tokenizer", "encoder", "head")),
        ),
        ("time of the training", seconds(record.get("seconds", 0.0))),
        ("peak memory of the training", _memory(record)),
        *_energy(record),
    ]
    page.add(plain_table("Cost of the training", ("", ""), rows))
    page.section("What it was made from")
    for line in data.get("summary") or ():
        page.say(line)
    rows = [("data", str(data.get("root") or "samples in memory")), ("samples to train", number(data["train"]))]
    rows += [
        (f"samples {what}", number(data[part]))
        for part, what in (("val", "to select"), ("test", "to test"))
        if data.get(part)
    ]
    page.add(plain_table("The data", ("", ""), rows))
    for group in record.get("notices") or ():
        page.note(f"{group['kind']}: {group['what']} ({group['num_sources']:,} files, the first {group['first']})")
    page.section("How it was made")
    page.say("A command with these settings:")
    page.add(f"<pre><code>{html.escape(facts.command())}</code></pre>")
    rows = [
        ("state", str(record.get("status", ""))),
        ("modality", f"{record['modality']} ({record['plugin']['distribution']} {record['plugin']['version']})"),
        ("encoder", encoder["description"]),
        ("fingerprint of the encoder", encoder["fingerprint"]),
        ("epoch that was kept", f"{record['kept_epoch']:g}" if record.get("kept_epoch") is not None else ""),
        *((name, str(value)) for name, value in record["recipe"].items()),
        *((f"tokenizer {name}", str(value)) for name, value in record["tokenizer"]["options"].items()),
        *((f"version of {name}", value) for name, value in record["versions"].items()),
    ]
    table = plain_table("Settings", ("", ""), [row for row in rows if row[1]])
    page.add(f"<details><summary>All settings and versions</summary>{table}</details>")


_MEASURED = {"processors": "energy of the processors", "gpu": "energy of the GPU"}


def _energy(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = {name: joules for name, joules in (record.get("energy") or {}).items() if name in _MEASURED}
    return [(_MEASURED[name], energy(joules)) for name, joules in found.items()] or [("energy", "not measured")]


def _memory(record: Mapping[str, Any]) -> str:
    peak = record.get("peak_memory")
    return size(peak) if peak is not None else "not measured"
