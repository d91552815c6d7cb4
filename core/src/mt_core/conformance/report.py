"""What an examination found, for people, for machines and for a page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["passed", "failed", "deviation", "advisory", "skipped"]
"""deviation: does not hold, as the manifest declares. advisory: does not hold, and only advises. skipped: the manifest
declares no such capability."""

MARKS: dict[Outcome, str] = {"passed": "✓", "failed": "✗", "deviation": "≈", "advisory": "!", "skipped": "-"}


@dataclass(frozen=True)
class Result:
    """One check of one plugin.

    Attributes:
        message: How it failed, or why it was skipped; "" where it passed.
        reason: The manifest's, where it declares that the check is known not to hold.
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
    def promise(self) -> str:
        return self.check.replace("_", " ")


@dataclass(frozen=True)
class Report:
    """All checks of one plugin.

    Attributes:
        modality, distribution, version, contract: The plugin's.
        results: In the order of the suite.
        wheel: SHA-256 of what was examined, and of what it is the hash: {"sha256": …, "of": …}.
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
        """Whether the plugin conforms: nothing failed that was not declared."""
        return not any(result.outcome == "failed" for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """How many results there are of each outcome."""
        seen = Counter(result.outcome for result in self.results)
        return {outcome: seen[outcome] for outcome in MARKS}

    @property
    def badge(self) -> str:
        """One line: checks that hold of those that apply, and what is known not to: "41/43 · 2 known deviations"."""
        counts = self.counts
        parts = [f"{counts['passed']}/{len(self.results) - counts['skipped']}"]
        for outcome, one in (("failed", "failed"), ("deviation", "known deviation"), ("advisory", "advisory")):
            number = counts[outcome]
            plural = "s" if outcome == "deviation" and number > 1 else ""
            parts += [f"{number} {one}{plural}"] if number else []
        return " · ".join(parts)

    def to_json(self) -> str:
        """Everything, as one JSON object."""
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
        """A table in plain text, a family a paragraph, with how each failure showed."""
        yield f"{self.modality} ({self.distribution} {self.version}, contract {self.contract})"
        family = ""
        for result in self.results:
            if result.family != family:
                family = result.family
                yield f"\n{family}"
            note = f"  ({result.message})" if result.outcome == "skipped" else ""
            yield f"  {MARKS[result.outcome]} {result.promise}{note}"
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
            said = result.reason or result.message
            cell = " ".join(said.split()).replace("|", "\\|")
            yield f"| {result.family} | {result.promise} | {MARKS[result.outcome]} {result.outcome} | {cell} |"
