"""The tables and sentences of docs/evidence.md in Markdown, from what is on record; no number is written by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evidence_intervals import Estimate
from evidence_select import CONTROLS, ENCODERS, Compared

MODALITIES = 12


def shown(value: float, unit: str) -> str:
    if unit in ("%", "Spearman"):
        return f"{value:.1f}"
    return f"{value:,.0f}" if abs(value) > 100 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def cell(estimate: Estimate | None, unit: str, *, signed: bool = False) -> str:
    """A number and its interval."""
    if estimate is None:
        return "-"
    sign = "+" if signed and estimate.value > 0 else ""
    return f"{sign}{shown(estimate.value, unit)} ({_span(estimate, unit)})"


def _span(estimate: Estimate, unit: str) -> str:
    return f"{shown(estimate.low, unit)} to {shown(estimate.high, unit)}"


def apart(one: Compared, metric: str | None = None) -> str:
    """Whether mt-tiny is apart from its controls, and which it is not."""
    gains = {control: one.gain(control, metric) for control in CONTROLS}
    if any(gain is None for gain in gains.values()):
        return "-"
    not_ahead = [control for control, gain in gains.items() if gain is not None and gain.low <= 0]
    behind = [control for control, gain in gains.items() if gain is not None and gain.high < 0]
    if not not_ahead:
        return "**yes**"
    return "no: " + ", ".join(f"{'behind' if control in behind else 'as'} {control}" for control in not_ahead)


def untrained_table(compared: Sequence[Compared]) -> str:
    rows = [
        "| modality | data, metric | train / test | mt-tiny | random weights | no encoder | mt-tiny over random | over "
        "none | apart? | native baseline |",
        "|---" * 10 + "|",
    ]
    for one in compared:
        lines, metric = one.first, main_metric(one)
        cells = [
            one.evidence.modality + ("" if one.evidence.leads else " (also)"),
            f"{one.evidence.title}, {one.unit}",
            f"{lines.num_train:,} / {lines.num_test:,}" + (f", {one.evidence.cross} folds" * (one.evidence.cross > 1)),
            *(cell(one.mean(arm, metric), one.unit) for arm in ENCODERS),
            *(cell(one.gain(control, metric), one.unit, signed=True) for control in CONTROLS),
            apart(one, metric),
            _short(one.mean("native"), one.unit),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def neighbours_table(compared: Sequence[Compared]) -> str:
    rows = ["| data | mt-tiny | random weights | no encoder | apart? |", "|---" * 5 + "|"]
    for one in compared:
        if any("knn" in line.metrics for lines in one.lines.values() for line in lines):
            cells = [one.evidence.title, *(cell(one.mean(arm, "knn"), one.unit) for arm in ENCODERS), apart(one, "knn")]
            rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def few_table(compared: Sequence[Compared]) -> str:
    rows = [
        "| modality | data, metric | labels | mt-tiny | random weights | no encoder | over random | over none | "
        "apart? | chosen | native baseline |",
        "|---" * 11 + "|",
    ]
    for one in compared:
        per_class = one.unit == "%"
        cells = [
            one.evidence.modality + ("" if one.evidence.leads else " (also)"),
            f"{one.evidence.title}, {one.unit}",
            f"{one.labels} a class" if per_class else f"{one.labels}",
            *(cell(one.mean(arm), one.unit) for arm in ENCODERS),
            *(cell(one.gain(control), one.unit, signed=True) for control in CONTROLS),
            apart(one),
            ", ".join(str(one.lines[arm][0].about["way"]) if arm in one.lines else "-" for arm in ENCODERS),
            _short(one.mean("native"), one.unit),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main_metric(one: Compared) -> str:
    return "cosine" if one.unit == "Spearman" else "probe"


def _short(estimate: Estimate | None, unit: str) -> str:
    return "-" if estimate is None else shown(estimate.value, unit)


Metric = Callable[[Compared], str | None]


def says(title: str, compared: Sequence[Compared], metric: Metric) -> list[str]:
    """Sentences that follow from the numbers: of the datasets that stand for their modality."""
    leading = [one for one in compared if one.evidence.leads]
    known = [one for one in leading if one.is_ahead(CONTROLS, metric(one)) is not None]
    if not known:
        return [f"- **{title}:** not measured yet."]
    ahead = [one for one in known if one.is_ahead(CONTROLS, metric(one))]
    told = [
        f"- **{title}:** mt-tiny is ahead of random weights *and* of no encoder, both intervals above 0, on "
        f"**{len(ahead)} of the {len(known)}** modalities measured ({_names(ahead)})."
    ]
    for control, called in (("random", "random weights"), ("none", "no encoder")):
        gains = [(one, gain) for one in leading if (gain := one.gain(control, metric(one))) is not None]
        over = [one for one, gain in gains if gain.low > 0]
        under = [one for one, gain in gains if gain.high < 0]
        value = sum(gain.value > 0 for _, gain in gains)
        told.append(
            f"    Against {called}: better in value on {value} of {len(gains)}, with an interval above 0 on {len(over)}"
            f", below 0 on {len(under)}{' (' + _names(under) + ')' if under else ''}."
        )
    told.append(_against_native(leading, metric))
    return told


def _against_native(known: Sequence[Compared], metric: Metric) -> str:
    pairs = [(one, one.mean("mt-tiny", metric(one)), one.mean("native")) for one in known]
    ahead = [one for one, own, native in pairs if own and native and one.sign * (own.value - native.value) > 0]
    count = sum(own is not None and native is not None for _, own, native in pairs)
    names = f" ({_names(ahead)})" if ahead else ""
    return (
        f"    Against the native baseline on the same samples it is better in value on {len(ahead)} of {count}{names}."
    )


def _names(compared: Sequence[Compared]) -> str:
    return ", ".join(one.evidence.modality for one in compared) or "none"
