"""What a prediction rests on: its result, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mt_core.contract import Panel, Region


@dataclass(frozen=True)
class Part:
    """One part of a sample.

    Attributes:
        region: What it is.
        attribution: What it adds to the target's score, in the unit of the explanation; below 0 it speaks against it.
        share: Its size among the sizes of all parts, 0 to 1.
    """

    region: Region
    attribution: float
    share: float


@dataclass(frozen=True)
class Explanation:
    """What the prediction of one sample rests on.

    Attributes:
        source, row: Where the sample comes from.
        decoded: What the head's `decode` gives.
        prediction: The same, for people.
        target: What is explained: a class, a label, a quantity, a channel; "" for the prediction as a whole.
        value: The target's probability, or its number; None for a prediction as a whole.
        method: How.
        unit: Of the attributions: "log-odds", …
        is_signed: Whether attributions below 0 speak against the target.
        what: What a part is called: "patch", "word", "column".
        parts: In the order of the sample.
        panels: What the parts are drawn on.
    """

    source: str
    row: int
    decoded: Mapping[str, Any]
    prediction: str
    target: str
    value: float | None
    method: str
    unit: str
    is_signed: bool
    what: str
    parts: tuple[Part, ...]
    panels: tuple[Panel, ...]

    def strongest(self, count: int | None = None) -> list[Part]:
        """Parts with the largest share first."""
        return sorted(self.parts, key=lambda part: -part.share)[:count]

    def by_input(self) -> dict[str, float]:
        """Of an item of several inputs the share of each; {} of anything else."""
        shares: dict[str, float] = {}
        for part in self.parts:
            if part.region.source:
                shares[part.region.source] = shares.get(part.region.source, 0.0) + part.share
        return shares

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "source": self.source,
            "row": self.row,
            **{name: self.decoded[name] for name in ("prediction", "probability") if name in self.decoded},
            "target": self.target,
            "value": self.value,
            "method": self.method,
            "unit": self.unit,
            "part": self.what,
            **({"inputs": self.by_input()} if self.by_input() else {}),
            "parts": [_as_json(part) for part in self.parts],
        }


def _as_json(part: Part) -> dict[str, Any]:
    region = part.region
    named = {"input": region.source, "name": region.name, "value": region.value}
    return {
        **{key: text for key, text in named.items() if text},
        "spans": {span.axis: {"from": span.low, "to": span.high, "unit": span.unit} for span in region.spans},
        "attribution": part.attribution,
        "share": part.share,
    }
