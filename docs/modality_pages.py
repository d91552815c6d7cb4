"""A page a modality, and one table of all: from the manifest, the tokenizer's options, the dataset's layouts, the
plugin's README and what the conformance suite said of it (`conformance/<modality>.json`, where there is one)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

from mt_core.cli.info import facts, options
from mt_core.errors import MtError
from mt_core.plugins import get

NOT_CHECKED = "not checked yet"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; nothing for no rows."""
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    return "\n".join([f"| {' | '.join(header)} |", "|---" * len(header) + "|", *lines]) if lines else ""


def _cell(content: object) -> str:
    """In one line; a bar within code stays as it is, and would end the cell elsewhere."""
    parts = re.split("(`[^`]*`)", " ".join(str(content).split()))
    return "".join(part if part.startswith("`") else part.replace("|", "\\|") for part in parts)


def code(text: object) -> str:
    """Text as it is typed."""
    return f"`{text}`" if str(text) else ""


def report_of(name: str, docs: Path) -> dict[str, Any]:
    """What the conformance suite said; {} where it has not been asked.

    Raises:
        MtError: a report that is not one.
    """
    path = docs / "conformance" / f"{name}.json"
    if not path.exists():
        return {}
    try:
        report = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise MtError(f"{path} is not JSON ({error})", fix=f"mt check {name} --json {path}") from None
    if not isinstance(report, dict) or report.get("modality") != name:
        raise MtError(f"{path} is no report of {name}", fix=f"mt check {name} --json {path}")
    return report


def deviations(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of checks that are known not to hold."""
    return [result for result in report.get("results", []) if str(result.get("outcome", "")).startswith("deviat")]


def overview(names: Sequence[str], docs: Path) -> str:
    """All modalities in one table, and the deviations of all in another."""
    rows, known = [], []
    for name in names:
        plugin, report = get(name), report_of(name, docs)
        rows.append(
            (
                f"[{name}]({name}.md)",
                plugin.manifest.summary,
                " ".join(map(code, plugin.manifest.suffixes)),
                report.get("badge", NOT_CHECKED),
            )
        )
        known += [
            (f"[{name}]({name}.md)", _check(result, "../"), result.get("reason", "")) for result in deviations(report)
        ]
    for path in sorted(set(docs.glob("conformance/*.json")) - {docs / f"conformance/{name}.json" for name in names}):
        report = report_of(path.stem, docs)
        rows.append(
            (path.stem, f"written outside this project, as {code(report['distribution'])}", "", report["badge"])
        )
        known += [(path.stem, _check(result, "../"), result.get("reason", "")) for result in deviations(report)]
    parts = [
        "# Modalities",
        "A page each, with what is read, what becomes a token, all options, and the state of its "
        "[conformance](../authors/conformance.md).",
        table(("modality", "what it is for", "files", "checks passed"), rows),
        "## Known deviations",
        "Checks that are known not to hold, as the plugins declare them, each with its reason.",
        table(("modality", "check", "reason"), known) or "None is declared.",
    ]
    return "\n\n".join(parts)


def page(name: str, prose: str, docs: Path) -> str:
    """One modality: what its README says, and behind that what is generated.

    Args:
        prose: Its README, with the links of the page.
        docs: Where `conformance/` is.
    """
    plugin = get(name)
    _, _, prose = prose.partition("\n")  # its title is the distribution's name; the page is called as the modality
    parts = [
        f"# {name}",
        f"*{plugin.manifest.summary}* — plugin `{plugin.distribution}`; "
        f"conformance: {report_of(name, docs).get('badge', NOT_CHECKED)}",
        prose.strip(),
        "## In one table",
        "As `mt info` shows it.",
        table(("", ""), facts(plugin)),
    ]
    if plugin.manifest.recipe:
        recipe = ", ".join(f"{key} = {json.dumps(value)}" for key, value in plugin.manifest.recipe.items())
        parts.append(f"`mt train` starts from the recipe `{recipe}`.")
    for title, rows in options(plugin):
        takes = [(code(key), code(kind), code(default), meaning) for key, kind, default, meaning in rows]
        parts += _section(title, table(("name", "type", "default", "meaning"), takes))
    layouts = [(key, code(what)) for key, what in plugin.dataset.layouts.items()]
    parts += _section("All layouts", table(("layout", "what is looked for"), layouts))
    return "\n\n".join([*parts, *conformance(name, report_of(name, docs))])


def _section(title: str, body: str) -> list[str]:
    return [f"### {title}", body] if body else []


def conformance(name: str, report: dict[str, Any]) -> list[str]:
    """The state of a modality's conformance, as parts of a page."""
    parts = ["## Conformance"]
    if not report:
        return [*parts, f"{NOT_CHECKED.capitalize()}: `mt check {name}` tells."]
    made_by = " ".join(str(report[key]) for key in ("distribution", "version") if report.get(key))
    on = ", ".join(
        f"{label} {report[key]}"
        for key, label in (("contract", "contract"), ("mt_core", "mt-core"), ("python", "Python"), ("torch", "torch"))
        if report.get(key)
    )
    parts.append(f"**{report.get('badge', '')}** — {made_by} ({on}).")
    examined = report.get("wheel") or {}
    if examined.get("sha256"):
        parts.append(f"SHA-256 of {examined.get('of', 'the wheel')}: `{examined['sha256']}`.")
    known = [(_check(result, "../"), result.get("reason", "")) for result in deviations(report)]
    parts += _section("Known deviations", table(("check", "reason"), known))
    rows = [
        (
            _check(result, "../"),
            result.get("family", ""),
            result.get("outcome", ""),
            result.get("reason") or result.get("message") or "",
        )
        for result in report.get("results", [])
    ]
    every = table(("check", "family", "outcome", "why"), rows)
    parts += ['??? note "All checks"', indent(every, "    ")]
    return [*parts, f"The same [as JSON](../conformance/{name}.json)."]


def _check(result: dict[str, Any], to_root: str) -> str:
    name = result.get("check", "")
    return f"[{name}]({to_root}reference/checks.md#{name})"
