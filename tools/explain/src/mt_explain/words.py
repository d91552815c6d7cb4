"""Explanations in words: parts with their units, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from mt_core.contract import DATE, Region, Span
from mt_explain.explanation import Explanation, Part

AGAINST = {"log-odds": "speaks against it", "share": "leads away from it"}
"""What attributions below 0 mean, by the first word of their unit; of a quantity they lower it."""

_BAR = 20  # characters of the strongest part
_NAME = 56  # characters of a part's name, at the most


def lines_of(explanation: Explanation, place: str, count: int) -> list[str]:
    """An explanation as lines: the prediction, then its strongest parts.

    Args:
        place: What the sample is called.
        count: Parts, at the most.
    """
    lines = [f"{place}  {explanation.prediction}", f"  {_heading(explanation)}"]
    if inputs := explanation.by_input():
        lines.append("  inputs: " + ", ".join(f"{name} {share:.0%}" for name, share in inputs.items()))
    lines += table_of(explanation, explanation.strongest(count))
    rest = explanation.parts[count:]
    if rest:
        share = 1 - sum(part.share for part in explanation.strongest(count))
        lines.append(f"  {len(rest)} more with {share:.0%} together")
    return lines


def _heading(explanation: Explanation) -> str:
    value = "" if explanation.value is None else f" {explanation.value:.4g}"
    target = f"{explanation.target}{value}" if explanation.target else "the prediction as a whole"
    unit = f", {explanation.unit}" if explanation.unit else ""
    against = AGAINST.get(explanation.unit.partition(" ")[0], "lowers it")
    signs = f"; - {against}" if any(part.attribution < 0 for part in explanation.parts) else ""
    return f"{target} by {explanation.method}{unit}, {len(explanation.parts)} parts ({explanation.what}){signs}"


def table_of(explanation: Explanation, parts: Sequence[Part]) -> list[str]:
    """One line a part: what it is, its share with a sign, and a bar."""
    names = [_shortened(in_words(part.region)) for part in parts]
    width = max(map(len, names), default=0)
    largest = max((part.share for part in parts), default=0) or 1
    return [
        f"  {name:<{width}}  {_sign(explanation, part)}{part.share:6.1%}  "
        f"{'█' * max(1, round(_BAR * part.share / largest)) if part.share else ''}".rstrip()
        for name, part in zip(names, parts, strict=True)
    ]


def in_words(region: Region) -> str:
    """A region for people: "photo: x 16 to 32 px, y 0 to 16 px"; "age = 39"; "sensor_1, time 0.2 to 0.4 s"."""
    name = f"{region.name} = {region.value}" if region.value else region.name
    said = ", ".join(filter(None, [name, *map(_span, region.spans)]))
    return f"{region.source}: {said}" if region.source else said


def _span(span: Span) -> str:
    if span.unit == DATE:
        low, high = (_date(at) for at in (span.low, span.high))
        return low if low == high else f"{low} to {high}"
    unit = f" {span.unit}" if span.unit else ""
    low, high = _number(span.low, span.high - span.low), _number(span.high, span.high - span.low)
    return f"{span.axis} {low}{unit}" if low == high else f"{span.axis} {low} to {high}{unit}"


def _date(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%d}" if at % 86400 == 0 else f"{moment:%Y-%m-%d %H:%M}"


def _number(value: float, length: float) -> str:
    """As many digits as its span needs, and none of a whole number."""
    if value == round(value):
        return f"{value:.0f}"
    length = abs(length) or abs(value)
    digits = 0 if length >= 100 else 1 if length >= 1 else 1 - math.floor(math.log10(length))
    return f"{value:.{digits}f}"


def _sign(explanation: Explanation, part: Part) -> str:
    if not explanation.is_signed:
        return " "
    return "-" if part.attribution < 0 else "+"


def _shortened(text: str) -> str:
    return text if len(text) <= _NAME else f"{text[: _NAME - 1]}…"
