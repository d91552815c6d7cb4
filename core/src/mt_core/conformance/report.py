"""The results of all checks of one plugin, as text, JSON and Markdown."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["passed", "failed", "deviation", "advisory", "skipped"]
"""deviation: it failed, as the manifest declares. advisory: it failed, which does not count. skipped: the manifest does
not declare the capability."""

MARKS: dict[Outcome, str] = {"passed": "✓", "failed": "✗", "deviation": "≈", "advisory": "!", "skipped": "-"}


_RAISED = re.compile(r"raised (\w+): (.*?)(?: \(in ([^()]+)\))?$", re.DOTALL)
"""An exception in a message: its kind, its text, and the line of the plugin that it came from."""


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
        num_checks: Of the whole suite; there are fewer results where some were chosen, or where it ended early.
    """

    modality: str
    distribution: str
    version: str
    contract: str
    results: tuple[Result, ...]
    wheel: dict[str, str]
    environment: dict[str, str]
    num_checks: int

    @property
    def is_whole(self) -> bool:
        """Whether every check was run."""
        return len(self.results) == self.num_checks

    @property
    def causes(self) -> dict[str, list[Result]]:
        """The checks that failed, by cause: an exception that left one line of the plugin, or one message."""
        lines: dict[str, str] = {}  # of the plugin, by the exception that left them
        found: dict[str, list[Result]] = {}
        for result in sorted(self._failed, key=lambda result: "(in " not in result.message):
            raised = _RAISED.search(result.message)
            cause = result.message
            if raised:
                kind, text, line = raised.groups()
                line = lines.setdefault(f"{kind}: {text}", line or "")
                cause = f"{kind} in {line}" if line else f"{kind}: {text}"
            found.setdefault(cause, []).append(result)
        return found

    @property
    def _failed(self) -> list[Result]:
        return [result for result in self.results if result.outcome == "failed"]

    @property
    def passed(self) -> bool:
        """Whether the plugin conforms, as far as it was checked: no check failed."""
        return not self._failed

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
            "is_whole": self.is_whole,
            "badge": self.badge,
            "counts": self.counts,
            "results": [{**asdict(result), "seconds": round(result.seconds, 3)} for result in self.results],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def lines(self) -> Iterator[str]:
        """Plain text: one paragraph for each family, with the message of each failure; the message of a cause once."""
        yield f"{self.modality} ({self.distribution} {self.version}, contract {self.contract})"
        family = ""
        causes = [results for results in self.causes.values() if len(results) > 1]
        told = {id(each): results[0] for results in causes for each in results[1:]}
        for result in self.results:
            if result.family != family:
                family = result.family
                yield f"\n{family}"
            note = f"  ({result.message})" if result.outcome == "skipped" else ""
            yield f"  {MARKS[result.outcome]} {result.title}{note}"
            if id(result) in told:
                yield f"      as: {told[id(result)].title}"
            elif result.outcome in ("failed", "deviation", "advisory"):
                yield from (f"      {line}" for line in result.message.splitlines())
            if result.outcome == "deviation":
                yield f"      known: {result.reason}"
        yield from ("",) * bool(causes)
        for results in causes:
            yield f"one cause of {len(results)} failures: {' '.join(results[0].message.split())}"
        if self.is_whole:
            verdict = "conforms" if self.passed else "does not conform"
        else:
            verdict = f"{len(self.results)} of {self.num_checks} checks were run"
        yield f"\n{self.badge}: {verdict}"

    def markdown(self) -> Iterator[str]:
        """The same as a table in Markdown."""
        yield f"**{self.modality}** · {self.distribution} {self.version} · contract {self.contract} · {self.badge}\n"
        yield "| family | check | outcome | |"
        yield "|---|---|---|---|"
        for result in self.results:
            note = result.reason or result.message
            cell = " ".join(note.split()).replace("|", "\\|")
            yield f"| {result.family} | {result.title} | {MARKS[result.outcome]} {result.outcome} | {cell} |"
