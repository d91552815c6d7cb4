"""A figure of what vectors tell without training, as SVG: of each dataset three dots with their intervals.

Metrics differ, so the axis is the share of the way from the constant answer, 0, to no error at all, 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from evidence_intervals import Estimate
from evidence_select import ENCODERS, Compared
from evidence_tables import main_metric

WIDTH, LEFT, RIGHT, TOP, ROW, STEP = 760, 250, 24, 52, 34, 8
COLOURS = {"mt-tiny": "#0b6e99", "random": "#d9822b", "none": "#7a7f87"}
CALLED = {"mt-tiny": "mt-tiny", "random": "random weights", "none": "no encoder"}
SHAPES = {
    "mt-tiny": '<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>',
    "random": '<rect x="{left:.1f}" y="{top:.1f}" width="8" height="8" fill="{colour}"/>',
    "none": '<path d="M{x:.1f} {up:.1f}l5 9h-10z" fill="{colour}"/>',
}


def share(value: float, one: Compared) -> float:
    """Where a value lies between the constant answer and none of its errors."""
    constant = float(one.first.about["constant"])
    return (value - constant) / (100 - constant) if one.sign > 0 else 1 - value / constant


def figure(compared: Sequence[Compared]) -> str:
    """Of the datasets that stand for their modality."""
    rows = [one for one in compared if one.evidence.leads]
    height = TOP + ROW * len(rows) + 44
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="13" role="img" aria-label="Without training: mt-tiny, random weights and no encoder">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_legend(),
    ]
    bottom = TOP + ROW * len(rows)
    for tick in range(6):
        x = _place(tick / 5)
        lines.append(f'<path d="M{x:.1f} {TOP - 6}V{bottom}" stroke="#e3e6ea"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" fill="#444">{tick / 5:g}</text>')
    lines.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{bottom + 36}" text-anchor="middle" fill="#444">share of the way '
        "from the constant answer (0) to no error (1), 95 % intervals</text>"
    )
    for number, one in enumerate(rows):
        lines += _row(one, TOP + ROW * number + ROW / 2)
    return "\n".join([*lines, "</svg>", ""])


def _legend() -> list[str]:
    lines, x = [], float(LEFT)
    for arm in ENCODERS:
        lines.append(_mark(arm, x, 20))
        lines.append(f'<text x="{x + 10}" y="25" fill="#222">{CALLED[arm]}</text>')
        x += 130
    return lines


def _row(one: Compared, middle: float) -> list[str]:
    name = f"{one.evidence.modality}: {one.evidence.title}"
    lines = [f'<text x="{LEFT - 14}" y="{middle + 4:.1f}" text-anchor="end" fill="#222">{escape(name)}</text>']
    for place, arm in enumerate(ENCODERS):
        estimate = one.mean(arm, main_metric(one))
        if estimate is None:
            continue
        y = middle + STEP * (place - 1)
        low, high = sorted(_place(share(value, one)) for value in (estimate.low, estimate.high))
        lines.append(f'<path d="M{low:.1f} {y:.1f}H{high:.1f}" stroke="{COLOURS[arm]}" stroke-width="2"/>')
        lines.append(_mark(arm, _place(_share_of(estimate, one)), y))
    return lines


def _share_of(estimate: Estimate, one: Compared) -> float:
    return share(estimate.value, one)


def _place(share: float) -> float:
    """Pixels; what is worse than the constant answer stands at the left edge."""
    return LEFT + max(-0.03, min(1.0, share)) * (WIDTH - LEFT - RIGHT)


def _mark(arm: str, x: float, y: float) -> str:
    return SHAPES[arm].format(x=x, y=y, left=x - 4, top=y - 4, up=y - 5, colour=COLOURS[arm])
