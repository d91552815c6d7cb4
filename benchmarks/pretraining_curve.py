"""The curves of docs/mt-tiny.md: losses and scores on real pictures of a pretraining run, as one SVG.

python benchmarks/pretraining_curve.py runs/tiny/progress.jsonl docs/assets/mt-tiny.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "mt-tiny"

from matplotlib.figure import Figure  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("progress", type=Path)
    parser.add_argument("svg", type=Path)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.progress.read_text().splitlines()]
    trained, scored = [row for row in rows if "loss" in row], [row for row in rows if "scores" in row]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    losses, shares = figure.subplots(1, 2)
    for name in ("patch_loss", "whole_loss"):
        losses.plot(
            [row["pictures"] / 1000 for row in trained], [row[name] for row in trained], label=name.replace("_", " ")
        )
    each = trained[0]["pictures"] / trained[0]["step"]
    for data in scored[0]["scores"]:
        for how in ("probe", "knn"):
            values = [100 * row["scores"][data][how] for row in scored]
            line = shares.plot(
                [row["step"] * each / 1000 for row in scored], values, marker=".", label=f"{data}, {how}"
            )
            shares.axhline(values[0], color=line[0].get_color(), linestyle=":", linewidth=1)
    for axes, title in (
        (losses, "loss on drawn pictures"),
        (shares, "real pictures, % right (dotted: random encoder)"),
    ):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("thousand drawn pictures seen")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    losses.set_yscale("log")
    figure.savefig(arguments.svg, metadata={"Date": None})


if __name__ == "__main__":
    main()
