"""`mt` against a script of timm and torchvision for the same task: lines, time of an epoch, quality.

    MT_DATA=... OMP_NUM_THREADS=1 python benchmarks/segmentation_compared.py [--seeds 3] [--rounds 3]

Both train a light decoder on the same frozen weights (mt-tiny), with four squares of 64 pixels a step on the 12
training pictures of CamVid, and look at one picture after each epoch. Time is CPU time of one thread; rounds alternate,
and the ratio is of the medians. Lines are those with code. The quality of `mt` is what benchmarks/segmentation.py has
on record.
"""

from __future__ import annotations

import argparse
import ast
import os
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
import segmentation
import torch
import torchvision_segmentation as script
from machine import machine

OURS = """
import mt_core as mt
model = mt.load("image", purpose="train", labels="pixels")
mt.fit(model, "CamVid", batch_size=1, epochs=10, lr=3e-3)
print(mt.evaluate(model, "CamVid"))
"""


def code_lines(source: str) -> int:
    """Lines that hold code: no blank ones, comments and docstrings."""
    tree = ast.parse(source)
    of_docstrings: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            of_docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and line.strip()[0] != "#" and at not in of_docstrings for at, line in lines)


def epoch_of_script(root: Path, checkpoint: str) -> float:
    """CPU seconds of one epoch and a look at one picture: of three less those of one, halved."""
    picture, _ = script.CamVid(root, "val")[0]

    def taken(epochs: int) -> float:
        started = time.process_time()
        model = script.train(root, 0, checkpoint, epochs)
        for _ in range(epochs):
            script.predict(model, picture)
        return time.process_time() - started

    return (taken(3) - taken(1)) / 2


def epoch_of_mt(root: Path, tune: str) -> float:
    """The same of `mt.fit`."""
    import mt_core as mt
    from mt_core.data.subsets import Subset
    from mt_plugin_image.dataset import ImageDataset

    train = ImageDataset.open(root, "train")
    watched = Subset(ImageDataset.open(root, "val", task=train.task), [0], "watched")

    def taken(epochs: int) -> float:
        model = mt.load("image", purpose="train", **segmentation.TOKENIZER)
        started = time.process_time()
        mt.fit(model, train, watched, tune=tune, **{**segmentation.RECIPE, "epochs": epochs})
        return time.process_time() - started

    return (taken(3) - taken(1)) / 2


def probed(root: Path, seed: int) -> dict[str, float]:
    """Metrics of `mt.fit` with the head alone, which is what the script trains."""
    import mt_core as mt
    from mt_core.data.subsets import Subset
    from mt_plugin_image.dataset import ImageDataset

    train, test = (ImageDataset.open(root, split) for split in ("train", "test"))
    model = mt.load("image", purpose="train", seed=seed, **segmentation.TOKENIZER)
    mt.fit(model, train, Subset(train, [0], "watched"), seed=seed, tune="probe", **segmentation.RECIPE)
    return mt.evaluate(model, test, num_workers=0)


def spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else f"{values[0]:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    from mt_core.encoder.tiny import FILE

    root = Path(os.environ["MT_DATA"]) / "image/CamVid"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rounds = [
            (epoch_of_mt(root, "frozen"), epoch_of_mt(root, "probe"), epoch_of_script(root, str(FILE)))
            for _ in range(arguments.rounds)
        ]
        probes = [probed(root, seed) for seed in range(arguments.seeds)]
    ours, of_head, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
    measured = [script.evaluate(script.train(root, seed, str(FILE)), root) for seed in range(arguments.seeds)]
    recorded = [
        each["metrics"]
        for each in segmentation.BENCH.current()
        if (each["dataset"], each["arm"]) == ("camvid", "mt-tiny") and each["seed"] < arguments.seeds
    ]
    lines = [code_lines(source) for source in (OURS, Path(script.__file__).read_text())]
    print(
        f"{machine()}\nCPU seconds of an epoch: mt {ours:.2f}, of the head alone {of_head:.2f}, script {theirs:.2f}\n"
    )
    print("| | lines of code | time of an epoch | mIoU | accuracy | seeds |\n|---|---|---|---|---|---|")
    for called, count, ratio, results in (
        ("`mt`, patch embedding and head", lines[0], ours / theirs, recorded),
        ("`mt`, head alone (`tune=probe`)", lines[0], of_head / theirs, probes),
        ("timm and torchvision, head alone", lines[1], 1.0, measured),
    ):
        cells = [spread([each[name] for each in results]) for name in ("miou", "accuracy")] if results else ["-", "-"]
        print(f"| {called} | {count} | {ratio:.2f} | {' | '.join(cells)} | {len(results)} |")


if __name__ == "__main__":
    main()
