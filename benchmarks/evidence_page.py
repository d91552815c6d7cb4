"""Writes the tables of docs/evidence.md, between its markers, and its figure from the recorded results."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evidence_cost import cost_table
from evidence_datasets import DATASETS
from evidence_figure import figure
from evidence_full_table import full_table
from evidence_records import Line, Records
from evidence_select import Compared, measured_fingerprint, selected
from evidence_tables import few_table, main_metric, neighbours_table, says, untrained_table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evidence.md"
FIGURE = ROOT / "docs" / "assets" / "untrained.svg"
RESULTS = Path(__file__).parent / "results"


def write() -> None:
    tiny = _shipped()
    PAGE.write_text(rendered(PAGE.read_text(), tiny))
    FIGURE.write_text(figure(selected(Records(RESULTS / "untrained.jsonl").lines(), "untrained", tiny)))
    print(f"wrote {PAGE.relative_to(ROOT)} and {FIGURE.relative_to(ROOT)}")


def rendered(page: str, tiny: str) -> str:
    """The page with every part between markers written from the results.

    Args:
        tiny: The fingerprint of mt-tiny.
    """
    for name, text in parts(tiny).items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        if not pattern.search(page):
            raise SystemExit(f"{PAGE} has no markers <!-- {name} --> and <!-- /{name} -->")
        page = pattern.sub(lambda found, text=text: f"{found[1]}\n{text}\n\n{found[2]}", page)
    return page


def parts(tiny: str) -> dict[str, str]:
    """What stands between the markers, by their names."""
    records = {regime: Records(RESULTS / f"{regime}.jsonl").lines() for regime in ("untrained", "few")}
    untrained = selected(records["untrained"], "untrained", tiny)
    few = selected(records["few"], "few", tiny)
    rows = [json.loads(line) for line in (RESULTS / "evidence.jsonl").read_text().splitlines()]
    natives = json.loads((RESULTS / "native.json").read_text())
    return {
        "says": "\n".join([*_says(untrained, few), *weights(records, rows, tiny)]),
        "untrained": untrained_table(untrained),
        "neighbours": neighbours_table(untrained),
        "few": few_table(few),
        "full": full_table(rows, natives, tiny),
        "cost": cost_table(),
    }


def _says(untrained: Sequence[Compared], few: Sequence[Compared]) -> list[str]:
    told = says("Without training", untrained, main_metric)
    for title, low in (("5 labels a class (50 numbers)", True), ("20 labels a class (200 numbers)", False)):
        part = [one for one in few if (one.labels in (5, 50)) == low]
        told += says(title, part, lambda one: None)
    return told


def weights(records: dict[str, list[Line]], rows: Sequence[dict[str, Any]], tiny: str) -> list[str]:
    """Which weights of mt-tiny were measured; a warning where they are not the shipped ones."""
    told = []
    for regime, called in (("untrained", "without training"), ("few", "few labels")):
        found = measured_fingerprint(
            [line.key.fingerprint for line in records[regime] if line.key.arm == "mt-tiny"], tiny
        )
        if found and found != tiny:
            told.append(
                f"- The numbers of mt-tiny under *{called}* are of earlier weights, fingerprint "
                f"`{found[:18]}…`, and not of those that are shipped now."
            )
    own = [row for row in rows if row["encoder"] == "mt-tiny"]
    shipped = {row["dataset"] for row in own if row["fingerprint"] == tiny}
    if earlier := [name for name in DATASETS if name in {row["dataset"] for row in own} - shipped]:
        told.append(
            f"- *With all labels* {len(shipped)} datasets were measured with the weights of mt-tiny that are shipped, "
            f"`{tiny[:18]}…`; {len(earlier)} with earlier ones and marked so ({', '.join(earlier)})."
        )
    return told


def prune() -> None:
    """Keep of each measurement the last, and of mt-tiny those of the shipped weights where there are some."""
    tiny = _shipped()
    for regime in ("untrained", "few"):
        records, last = Records(RESULTS / f"{regime}.jsonl"), {}
        lines = records.lines()
        for part in dict.fromkeys(line.key.regime for line in lines):
            of_part = [line for line in lines if line.key.regime == part]
            own = [line.key.fingerprint for line in of_part if line.key.arm == "mt-tiny"]
            fingerprint = measured_fingerprint(own, tiny)
            for line in of_part:
                key = line.key
                if key.arm != "mt-tiny" or key.fingerprint == fingerprint:
                    how = line.about.get("way") if part == "choice" else line.about.get("view")
                    last[key.dataset, part, key.arm, key.seed, key.labels, how] = line
        records.keep(last.values())
        print(f"{records.path.name}: {len(last)} of {len(lines)} lines kept")


def _shipped() -> str:
    from mt_core import load_encoder

    return load_encoder("mt-tiny").fingerprint
