"""The frozen encoder by every way of computing it, against torch's float32.

    OMP_NUM_THREADS=1 python benchmarks/precision.py [--repeats 7] [--threads 1] [--encoder mt-tiny]
    MT_DATA=... OMP_NUM_THREADS=1 python benchmarks/precision.py --data

Batches of 32: pictures of the encoder's native size, of 14 x 14 patches, and rows of many lengths (half of it padding).
Times are CPU time of the process, of all threads together, medians of repeats that take turns, so that another program
on the machine changes them little. Cosines are the smallest of any row, of [CLS] and of the mean of the tokens, at the
blocks of each quarter: on drawn pictures, and with --data on the first samples of real data of several modalities.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from machine import machine

import mt_core as mt
from mt_core.contract import Features, Tokens
from mt_core.data.precision import has_bf16
from mt_core.data.precision_probe import autocast_of, calibration_tokens, lowest_cosine
from mt_core.data.probe_tokens import probe_tokens
from mt_core.encoder import Encoder, load_encoder, parse_layers
from mt_core.encoder.backend_names import BACKENDS
from mt_core.encoder.backends import make_runner
from mt_core.errors import MtError
from mt_core.plugins import get

ROWS, SAMPLES = 32, 32
CPU = torch.device("cpu")
Run = Callable[[Tokens], Features]


def rounded(encoder: Encoder) -> Run:
    def run(tokens: Tokens) -> Features:
        with autocast_of("bf16", CPU):
            features: Features = encoder(tokens)
        return features

    return run


def runs_of(encoder: Encoder) -> dict[str, Run]:
    """Those that work here."""
    runs: dict[str, Run] = {"32": encoder}
    if has_bf16(CPU):
        runs["bf16"] = rounded(encoder)
    for name in BACKENDS:
        try:
            runner = make_runner(encoder, name, calibration_tokens(encoder), has_bf16=has_bf16(CPU))
            runs[name] = encoder.with_runner(runner)
        except MtError as error:
            print(f"{name} skipped: {error.problem}")
    return runs


def vectors(run: Run, batches: list[Tokens], width: int) -> list[torch.Tensor]:
    found = [run(batch) for batch in batches]
    return [each.pool(pool).unflatten(-1, (-1, width)) for each in found for pool in ("cls", "mean")]


def batches_of(encoder: Encoder) -> dict[str, Tokens]:
    """What is timed."""
    native, large, _ = probe_tokens(encoder, ROWS * 8, seed=2)
    large = Tokens(large.values[:ROWS])
    lengths = torch.randint(4, 64, (ROWS,), generator=torch.Generator().manual_seed(0))
    mixed = Tokens(large.values[:, :64].contiguous(), torch.arange(64) < lengths.unsqueeze(1))
    native = Tokens(native.values[:ROWS])
    return {f"{native.values.shape[1]} tokens": native, "196 tokens": large, "4 to 63 tokens": mixed}


def time_all(runs: dict[str, Run], tokens: Tokens, repeats: int) -> dict[str, float]:
    """Median CPU seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(tokens)
    for _ in range(repeats):
        for name, run in runs.items():
            begun = time.process_time()
            run(tokens)
            seconds[name].append(time.process_time() - begun)
    return {name: median(each) for name, each in seconds.items()}


def show_speed(encoder: Encoder, repeats: int) -> None:
    runs = runs_of(encoder)
    for title, tokens in batches_of(encoder).items():
        seconds = time_all(runs, tokens, repeats)
        expected = vectors(encoder, [tokens], encoder.width)
        for name, run in runs.items():
            cosine = lowest_cosine(vectors(run, [tokens], encoder.width), expected)
            ratio = seconds["32"] / seconds[name]
            print(f"{title:<16}{name:<20}{seconds[name] * 1000:8.1f} ms {ratio:6.2f} x   {cosine:.5f}", flush=True)


def show_on_data(encoder: Encoder) -> None:
    """The smallest cosine on the first samples of real data, tokenized without training."""
    from evidence_datasets import DATASETS, data_folder

    runs = runs_of(encoder)
    done: set[str] = set()
    for name, entry in DATASETS.items():
        if entry.modality in done or not (data_folder() / entry.path).exists():
            continue
        done.add(entry.modality)
        try:
            dataset = get(entry.modality).dataset.open(data_folder() / entry.path, "train")
            model = mt.load(entry.modality, encoder=encoder)
            tokenizer: Any = model.tokenizer
            picked = [dataset[index] for index in range(0, len(dataset), max(1, len(dataset) // SAMPLES))][:SAMPLES]
            if "needs_calibration" in get(entry.modality).manifest.capabilities:
                tokenizer.calibrate(picked)
            items = [tokenizer.prepare(tokenizer.read(example.sample)) for example in picked]
            batches = [tokenizer(tokenizer.collate(items))]
        except MtError as error:
            print(f"{name} skipped: {error.problem}")
            continue
        expected = vectors(encoder, batches, encoder.width)
        found = {
            key: lowest_cosine(vectors(run, batches, encoder.width), expected)
            for key, run in runs.items()
            if key != "32"
        }
        shown = "  ".join(f"{key} {cosine:.5f}" for key, cosine in found.items())
        print(f"{entry.modality} ({name}): {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="times that each is run")
    parser.add_argument("--threads", type=int, default=1, help="of each run")
    parser.add_argument("--encoder", help="by default mt-tiny")
    parser.add_argument("--data", action="store_true", help="cosines on real data instead of times")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    encoder = load_encoder(options.encoder)
    encoder = encoder.with_layers(parse_layers("quarters", encoder.depth))
    print(f"{machine()}; {encoder.name}")
    with torch.inference_mode():
        if options.data:
            show_on_data(encoder)
        else:
            show_speed(encoder, options.repeats)


if __name__ == "__main__":
    main()
