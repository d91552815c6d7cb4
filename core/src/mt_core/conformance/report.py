"""The results of all checks of one plugin, as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["passed", "failed", "deviation", "advisory", "skipped"]
"""deviation: it failed, as the manifest declares. advisory: it failed, which does not count. skipped: the manifest does
not declare the capability."""

MARKS: dict[Outcome, str] = {"passed": "✓", "failed": "✗", "deviation": "≈", "advisory": "!", "skipped": "-"}


@dataclass(frozen=True)
class Result:
    """The result of one check of one plugin.

    Attributes:
        message: How it failed, or why it was skipped; "" where it passed.
        reason: The manifest's for a deviation; "" for none.
    """

    check: str
    family: str
    outcome: Outcome
    message: str
    seconds: float
    doc: str
    since: str
    needs: str | None
    waivable: bool
    reason: str = ""

    @property
    def title(self) -> str:
        """The check's name with spaces."""
        return self.check.replace("_", " ")


@dataclass(frozen=True)
class Report:
    """The results of one plugin.

    Attributes:
        modality, distribution, version, contract: The plugin's.
        results: In the order of the suite.
        wheel: A hash of the tested distribution, and what it is the hash of: {"sha256": …, "of": …}.
        environment: Versions of mt-core, Python, torch, and the platform.
    """

    modality: str
    distribution: str
    version: str
    contract: str
    results: tuple[Result, ...]
    wheel: dict[str, str]
    environment: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether the plugin conforms: no check failed."""
        return not any(result.outcome == "failed" for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """The number of results of each outcome."""
        counted = Counter(result.outcome for result in self.results)
        return {outcome: counted[outcome] for outcome in MARKS}

    @property
    def badge(self) -> str:
        """One line: how many checks passed of those that apply, and the others: "41/43 · 2 known deviations"."""
        counts = self.counts
        parts = [f"{counts['passed']}/{len(self.results) - counts['skipped']}"]
        for outcome, one in (("failed", "failed"), ("deviation", "known deviation"), ("advisory", "advisory")):
            number = counts[outcome]
            plural = "s" if outcome == "deviation" and number > 1 else ""
            parts += [f"{number} {one}{plural}"] if number else []
        return " · ".join(parts)

    def to_json(self) -> str:
        """The whole report as one JSON object."""
        content: dict[str, Any] = {
            "modality": self.modality,
            "distribution": self.distribution,
            "version": self.version,
            "contract": self.contract,
            **self.environment,
            "wheel": self.wheel,
            "passed": self.passed,
            "badge": self.badge,
            "counts": self.counts,
            "results": [{**asdict(result), "seconds": round(result.seconds, 3)} for result in self.results],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def lines(self) -> Iterator[str]:
        """Plain text: one paragraph for each family, with the message of each failure."""
        yield f"{self.modality} ({self.distribution} {self.version}, contract {self.contract})"
        family = ""
        for result in self.results:
            if result.family != family:
                family = result.family
                yield f"\n{family}"
            note = f"  ({result.message})" if result.outcome == "skipped" else ""
            yield f"  {MARKS[result.outcome]} {result.title}{note}"
            if result.outcome in ("failed", "deviation", "advisory"):
                yield from (f"      {line}" for line in result.message.splitlines())
            if result.outcome == "deviation":
                yield f"      known: {result.reason}"
        yield f"\n{self.badge}: {'conforms' if self.passed else 'does not conform'}"

    def markdown(self) -> Iterator[str]:
        """The same as a table in Markdown."""
        yield f"**{self.modality}** · {self.distribution} {self.version} · contract {self.contract} · {self.badge}\n"
        yield "| family | check | outcome | |"
        yield "|---|---|---|---|"
        for result in self.results:
            note = result.reason or result.message
            cell = " ".join(note.split()).replace("|", "\\|")
            yield f"| {result.family} | {result.title} | {MARKS[result.outcome]} {result.outcome} | {cell} |"
