"""What a budget of tokens saves, and what it costs.

    OMP_NUM_THREADS=1 python benchmarks/token_budget.py cost [--write]      time and memory from 1,000 to 100,000 tokens
    MT_DATA=... python benchmarks/token_budget.py loss                      accuracy of a probe on vectors

`cost` runs mt-tiny on random tokens of one sample, each length in a process of its own: CPU seconds of one forward, and
the peak memory above that of the loaded encoder. Without a budget time grows with the square, and lengths that would
take more than a minute are left out. `--write` draws docs/assets/token-budget.svg. `loss`: vectors without training of
samples that have more tokens than the budget, ridge regression on them, with a 95 % interval of the difference to no
budget over the test samples.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from machine import machine

LENGTHS = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 100_000)
ARMS = ("none", "merge:1024", "tiles:1024")
MOST_WITHOUT = 16_000
LOSSES = {
    "fsdd": ({"view": "tokens"}, (None, "64", "32", "16", "tiles:32", "tiles:16")),
    "cifar10": ({"size": 160}, (None, "64", "32", "16", "tiles:32", "tiles:16")),
    "lidarnet": ({"view": "tokens", "groups": 128}, (None, "64", "32", "16", "tiles:32", "tiles:16")),
}
FIGURE = Path(__file__).parents[1] / "docs" / "assets" / "token-budget.svg"


def one(length: int, budget: str) -> dict[str, float]:
    """CPU seconds and MiB of one forward, in this process."""
    import torch

    from mt_core.contract import Tokens
    from mt_core.encoder import load_encoder

    encoder = load_encoder("mt-tiny").with_budget(None if budget == "none" else budget)
    values = torch.randn(1, length, encoder.width)
    with torch.inference_mode():
        encoder(Tokens(values[:, :32]))  # warm
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        encoder(Tokens(values))
    seconds = time.process_time() - started
    return {"seconds": seconds, "mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}


def cost(write: bool) -> None:
    print("| tokens | budget | CPU seconds | peak MiB |\n|---|---|---|---|")
    found: dict[str, list[tuple[int, float, float]]] = {arm: [] for arm in ARMS}
    for length in LENGTHS:
        for arm in ARMS:
            if arm == "none" and length > MOST_WITHOUT:
                continue
            command = [sys.executable, __file__, "one", "--tokens", str(length), "--budget", arm]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            taken = json.loads(done.stdout.splitlines()[-1])
            found[arm].append((length, taken["seconds"], taken["mib"]))
            print(f"| {length:,} | {arm} | {taken['seconds']:.2f} | {taken['mib']:.0f} |", flush=True)
    if write:
        draw(found)


def draw(found: dict[str, list[tuple[int, float, float]]]) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "token-budget"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(8.5, 3.2), layout="constrained")
    for arm, marker in zip(ARMS, "osD", strict=True):
        lengths, seconds, memory = zip(*found[arm], strict=True)
        label = "all tokens at once" if arm == "none" else arm
        axes[0].plot(lengths, seconds, marker=marker, label=label)
        axes[1].plot(lengths, memory, marker=marker, label=label)
    for each, title in zip(axes, ("CPU seconds", "peak memory in MiB"), strict=True):
        each.set(xscale="log", yscale="log", xlabel="tokens of one sample", title=title)
        each.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})


def loss(only: str | None) -> None:
    import evidence_readout as readout
    from evidence_samples import examples_of, opened, targets_of

    import mt_core as mt

    print("| data | tokens | budget | accuracy, % | difference to no budget, points |\n|---|---|---|---|---|")
    for name, (options, budgets) in LOSSES.items():
        if only not in (None, name):
            continue
        with opened(name) as samples:
            train, test = targets_of(samples.train), targets_of(samples.test)
            right_without: np.ndarray | None = None
            for budget in budgets:
                model = mt.load(samples.evidence.modality, token_budget=budget, **options)
                model.tokenizer.calibrate(examples_of(samples.train))
                vectors = [
                    mt.embed(model, [example.sample for example in examples_of(part)], batch_size=64)
                    for part in (samples.train, samples.test)
                ]
                right = readout.ridge_classes(vectors[0], train, vectors[1]) == test
                right_without = right if right_without is None else right_without
                differences = right.astype(float) - right_without
                drawn = np.random.default_rng(0).integers(0, len(test), (1000, len(test)))
                low, high = np.percentile(100 * differences[drawn].mean(1), [2.5, 97.5])
                tokens = _typical(model, samples.test)
                print(
                    f"| {samples.evidence.title} | {tokens} | {budget or 'none'} | {100 * right.mean():.1f} | "
                    f"{100 * differences.mean():+.1f} ({low:+.1f} to {high:+.1f}) |",
                    flush=True,
                )


def _typical(model, dataset) -> int:
    """The median number of tokens of a sample."""
    from mt_core.data.reading import prepare_example

    counts = []
    for index in range(0, len(dataset), max(1, len(dataset) // 20)):
        item, _ = prepare_example(model.tokenizer, dataset[index])
        counts.append(int(model.tokenizer(model.tokenizer.collate([item])).real().sum()))
    return int(np.median(counts))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["cost", "loss", "one"])
    parser.add_argument("--write", action="store_true", help="cost: draw the figure of the documentation.")
    parser.add_argument("--only", help="loss: one dataset.")
    parser.add_argument("--tokens", type=int, default=1_000, help=argparse.SUPPRESS)
    parser.add_argument("--budget", default="none", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.what == "one":
        print(json.dumps(one(arguments.tokens, arguments.budget)))
        return
    print(machine())
    if arguments.what == "cost":
        cost(arguments.write)
    else:
        loss(arguments.only)


if __name__ == "__main__":
    main()
