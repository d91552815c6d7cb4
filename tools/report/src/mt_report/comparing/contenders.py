"""Runs with what is compared of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mt_core.training.intervals import Interval
from mt_report.comparing.samples import Tested
from mt_report.run_facts import RunFacts


@dataclass(frozen=True)
class Contender:
    """A run in a comparison.

    Attributes:
        name: Its folder, as it was given.
        value: The primary metric on what it was tested on.
        group: A letter; runs with the same one were tested on the same samples. "?": that is not known.
        interval: 95 %; None where it was not measured.
        gain: By how much it is better than the first run of its group, on the same samples; None for that run itself
            and where it was not measured.
        gain_interval: 95 %, of differences on the same resamples.
        note: Why it was not measured.
    """

    name: str
    facts: RunFacts
    tested: Tested
    value: float
    group: str
    interval: Interval | None = None
    gain: float | None = None
    gain_interval: Interval | None = None
    note: str = ""

    @property
    def samples(self) -> int:
        """That it was tested on."""
        metrics = self.facts.record[f"{self.tested.part}_metrics"]
        return int(metrics.get("samples", self.facts.record["data"][self.tested.part]))


@dataclass(frozen=True)
class RunComparison:
    """Runs side by side.

    Attributes:
        metric: The primary metric of their task.
        higher_is_better: Which way it improves.
        contenders: As they were given.
        settings: Those that differ, each with its value in every run.
        is_measured: Whether the runs were measured for it, or their records are all that is known.
    """

    metric: str
    higher_is_better: bool
    contenders: Sequence[Contender]
    settings: Sequence[tuple[str, list[str]]]
    is_measured: bool

    @property
    def are_comparable(self) -> bool:
        """Whether all were tested on the same samples."""
        return len({each.group for each in self.contenders}) == 1 and self.contenders[0].group != "?"

    def remarks(self) -> list[str]:
        """What is to be known of the numbers, a sentence each."""
        groups = sorted({each.group for each in self.contenders})
        if "?" in groups:
            lines = ["Whether these runs were tested on the same samples is not known: do not compare their metrics."]
        elif len(groups) > 1:
            named = {group: [each.name for each in self.contenders if each.group == group] for group in groups}
            of = "; ".join(f"{group}: {', '.join(names)}" for group, names in named.items())
            lines = [f"These runs were not tested on the same samples. Only metrics of one letter compare ({of})."]
        else:
            lines = ["All were tested on the same samples."]
        if any(each.tested.part == "val" for each in self.contenders):
            lines.append("Where no test part was held out, the metric is of the part that selected the epoch.")
        if any(each.gain is not None for each in self.contenders):
            lines.append("The gain is over the first run with the same letter; its interval is of the same resamples.")
        seen = {each.facts.record["encoder"]["fingerprint"] for each in self.contenders}
        lines.append("The encoder is the same in all." if len(seen) == 1 else "The encoders differ.")
        missing = [each for each in self.contenders if each.note]
        return [*lines, *(f"{each.name} was not measured, its record is shown: {each.note}" for each in missing)]

    def as_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "higher_is_better": self.higher_is_better,
            "are_comparable": self.are_comparable,
            "runs": [
                {
                    "run": each.name,
                    "value": each.value,
                    "interval": each.interval,
                    "gain": each.gain,
                    "gain_interval": each.gain_interval,
                    "part": each.tested.part,
                    "samples": each.samples,
                    "tested_on": each.group,
                    "fingerprint": each.tested.fingerprint or each.tested.recorded,
                    "trainable": each.facts.record["parameters"]["trainable"],
                    "seconds": each.facts.record.get("seconds"),
                }
                for each in self.contenders
            ],
            "settings": {name: values for name, values in self.settings},
            "remarks": self.remarks(),
        }
