"""The measured tables of docs/align.md and its figure, from benchmarks/results/align.jsonl."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from align_datasets import NAMED, PHOTOS
from evidence_intervals import Estimate, difference, mean_over_seeds
from evidence_records import Line, Metric, Records

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/align.jsonl"
PAGE, FIGURE = ROOT / "docs/align.md", ROOT / "docs/align.svg"
DIRECTIONS = ("photo to caption", "caption to photo")


def write_page(records: Records) -> None:
    """Put the tables between the marks of docs/align.md, and write the figure."""
    lines = records.lines()
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("names", of_names(lines)), ("photos", of_photos(lines))):
        begin, end = f"<!-- {name}: benchmarks/align.py --page -->", f"<!-- end of {name} -->"
        text = re.sub(
            f"(?s){re.escape(begin)}.*?{re.escape(end)}", lambda _, b=begin, t=table, e=end: f"{b}\n{t}\n{e}", text
        )
    PAGE.write_text(text, encoding="utf-8")
    FIGURE.write_text(figure(lines), encoding="utf-8")


def seeds_of(
    lines: Sequence[Line], dataset: str, arm: str, metric: str, labels: int | None = None
) -> dict[int, Metric]:
    return {
        line.key.seed: line.metrics[metric]
        for line in lines
        if (line.key.dataset, line.key.arm, line.key.labels) == (dataset, arm, labels)
    }


def shown(found: Estimate, sign: bool = False) -> str:
    plus = "+" if sign and found.value > 0 else ""
    return f"{plus}{found.value:.1f} ({found.low + 0.0:.1f} to {found.high + 0.0:.1f})".replace("(-0.0 ", "(0.0 ")


def of_names(lines: Sequence[Line]) -> str:
    rows = [
        "| data | held out | names | by chance | probe | names - probe | pairs, test |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, dataset in NAMED.items():
        names, probe = (seeds_of(lines, name, arm, "accuracy") for arm in ("names", "probe"))
        if not names:
            continue
        one = next(line for line in lines if line.key.dataset == name)
        beside = (shown(mean_over_seeds(probe)), shown(difference(names, probe), True)) if probe else ("", "")
        rows.append(
            f"| {name} | {dataset.held_out} | {shown(mean_over_seeds(names))} | {100 / one.about['classes']:.1f} | "
            f"{beside[0]} | {beside[1]} | {one.num_train:,}, {one.num_test:,} |"
        )
    return "\n".join(rows)


def of_photos(lines: Sequence[Line]) -> str:
    rows = ["| photos | direction | recall@1 | @5 | @10 |", "|---|---|---|---|---|"]
    for direction in DIRECTIONS:
        for photos in PHOTOS:
            found = [
                seeds_of(lines, "flickr8k", "names", f"{direction} recall@{nearest}", photos) for nearest in (1, 5, 10)
            ]
            if all(found):
                cells = " | ".join(shown(mean_over_seeds(each)) for each in found)
                rows.append(f"| {photos} | {direction} | {cells} |")
        about = next((line.about for line in lines if line.key.dataset == "flickr8k"), None)
        if about is not None:
            cells = " | ".join(f"{value:.1f}" for value in about[direction].values())
            rows.append(f"| by chance | {direction} | {cells} |")
    return "\n".join(rows)


WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 340, 60, 40, 60
COLOURS = {"photo to caption": "#0b6e99", "caption to photo": "#d9822b"}


def figure(lines: Sequence[Line]) -> str:
    """recall@10 by the number of photos, with intervals, beside chance."""
    estimates = {
        direction: {
            photos: mean_over_seeds(found)
            for photos in PHOTOS
            if (found := seeds_of(lines, "flickr8k", "names", f"{direction} recall@10", photos))
        }
        for direction in DIRECTIONS
    }
    top = 10 * (1 + max((e.high for each in estimates.values() for e in each.values()), default=40) // 10)
    x = {photos: LEFT + 60 + number * 190 for number, photos in enumerate(PHOTOS)}

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="13" role="img" aria-label="recall@10 by the number of photos learned from, beside chance">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for tick in range(0, int(top) + 1, 10):
        out.append(f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - 20}" stroke="#e3e6ea"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="#444">{tick}</text>')
    for photos, at in x.items():
        out.append(f'<text x="{at}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#444">{photos}</text>')
    out.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 14}" text-anchor="middle" fill="#444">photos learned from, five captions '
        "each (recall@10 in percent, 95 % intervals; dotted: by chance)</text>"
    )
    about = next((line.about for line in lines if line.key.dataset == "flickr8k"), {})
    for number, (direction, found) in enumerate(estimates.items()):
        colour, shift = COLOURS[direction], 8 * number - 4
        path = " ".join(f"{x[p] + shift:.1f},{y(e.value):.1f}" for p, e in found.items())
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for photos, each in found.items():
            at = x[photos] + shift
            out.append(f'<path d="M{at} {y(each.low):.1f}V{y(each.high):.1f}" stroke="{colour}"/>')
            out.append(f'<circle cx="{at}" cy="{y(each.value):.1f}" r="4.5" fill="{colour}"/>')
        if direction in about:
            level = y(about[direction]["recall@10"])
            out.append(f'<path d="M{LEFT} {level:.1f}H{WIDTH - 20}" stroke="{colour}" stroke-dasharray="2 5"/>')
        out.append(f'<circle cx="{LEFT + 20 + 170 * number}" cy="20" r="4.5" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + 30 + 170 * number}" y="25" fill="#222">{direction}</text>')
    return "\n".join([*out, "</svg>", ""])
