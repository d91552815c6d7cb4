"""The settings in which runs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mt_report.run_facts import RunFacts

_ABSENT = "—"


def settings_of(record: Mapping[str, Any]) -> dict[str, str]:
    """All that a run was made with, by name."""
    data, encoder, head = record["data"], record["encoder"], record.get("head") or {}
    found: dict[str, Any] = {
        "modality": record["modality"],
        "encoder": encoder["name"],
        "encoder fingerprint": encoder["fingerprint"][:12],
        "encoder layers": encoder.get("layers"),
        "token budget": encoder.get("token_budget"),
        "started from": (record.get("started_from") or {}).get("run"),
        "data": data.get("root") or data["source"],
        **{name: value for name, value in record["recipe"].items() if name != "head"},
        **{f"tokenizer {name}": value for name, value in record["tokenizer"]["options"].items()},
        **{f"head {name}": value for name, value in (head.get("options") or {}).items()},
        **{f"data option {name}": value for name, value in (data.get("options") or {}).items()},
        f"version of {record['plugin']['distribution']}": record["plugin"]["version"],
        **{f"version of {name}": value for name, value in record["versions"].items()},
    }
    return {name: "none" if value is None else str(value) for name, value in found.items()}


def differing(runs: Sequence[RunFacts]) -> list[tuple[str, list[str]]]:
    """The names of settings that are not the same in all runs, each with its value in every run."""
    every = [settings_of(facts.record) for facts in runs]
    names = dict.fromkeys(name for settings in every for name in settings)
    rows = [(name, [settings.get(name, _ABSENT) for settings in every]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]
