"""Ten epochs of a head on features that are computed once, against ten epochs that compute them.

    OMP_NUM_THREADS=1 python benchmarks/feature_cache.py [--samples 192] [--epochs 10]

The encoder runs once in place of ten times, so the bound is a tenth of the time. What of it is reached tells what
hashing samples and writing vectors cost. A second run finds all vectors in the cache. CPU time of this process, which
reads and encodes: other work on the machine is not counted.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack

from machine import machine

import mt_core as mt
from mt_core.data.loader import Loader
from mt_core.data.pooled_vectors import PooledVectors
from mt_core.plugins import get

POOL, BATCH = "mean", 32


def encode(model: mt.MetaTransformer, dataset: mt.ModalityDataset, *, use_cache: bool) -> float:
    """CPU seconds of one pass over the dataset, from its samples to vectors."""
    started = time.process_time()
    with (
        Loader(dataset, model.tokenizer, batch_size=BATCH, num_workers=0) as loader,
        PooledVectors(model, POOL, "32", use_cache=use_cache) as pooled,
    ):
        for items, _ in loader.items():
            pooled.of([item for item, _ in items])
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=192)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    print(machine())
    with ExitStack() as stack:
        os.environ["MT_CACHE"] = stack.enter_context(tempfile.TemporaryDirectory())
        dataset = get("image").dataset
        train, val = dataset.demo("train", size=arguments.samples), dataset.demo("val", size=32)
        model = mt.load("image", size=224)
        encode(model, val, use_cache=False)  # warm
        every = sum(encode(model, train, use_cache=False) for _ in range(arguments.epochs))
        once = encode(model, train, use_cache=True)
        again = encode(model, train, use_cache=True)
        # with a hidden layer the head is trained by steps, an epoch at a time
        settings = {"tune": "probe", "head": {"hidden": 64, "pool": POOL}, "batch_size": BATCH, "num_workers": 0}
        mt.fit(model, val, val, epochs=1, **settings)  # imports
        started = time.process_time()
        mt.fit(model, train, val, epochs=arguments.epochs, **settings)
        head = time.process_time() - started
    print(f"{arguments.samples} pictures, {arguments.epochs} epochs")
    print(f"encoding each epoch      {every:8.1f} s")
    times = every / once
    print(f"encoding once, and kept  {once:8.1f} s   {times:6.2f} x, {times / arguments.epochs:.3f} of the bound")
    print(f"found in the cache       {again:8.3f} s   {once / again:6.1f} x")
    print(f"a whole probe, cache full{head:8.1f} s")


if __name__ == "__main__":
    main()
