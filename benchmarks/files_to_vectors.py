"""Files to Parquet against the encoder alone on ready tokens, for each modality.

A ratio of 1 means that reading, preparing, tokenizing and writing cost nothing beside the encoder; both sides are timed
in turn, and the best of several rounds counts.

    python benchmarks/files_to_vectors.py [--rounds 3] [text image ...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from drawn_files import MAKERS
from machine import machine

import mt_core as mt
from mt_core.data.sources import read_sources
from mt_core.errors import MtError

BATCHES = {"video": 8}  # elsewhere 32; so that there are many, of a film as large


@dataclass(frozen=True)
class Ready:
    """What the encoder is given, batch by batch, and the CPU seconds a sample that it took to come to it."""

    tokens: list[mt.Tokens]
    reading: float
    tokenizing: float


def ready_tokens(model: mt.MetaTransformer, paths: list[Path], batch: int) -> Ready:
    started = time.process_time()
    items = [item for read in read_sources(model.tokenizer, paths, num_workers=0) for item in read.items]
    read = time.process_time()
    model.eval()
    with torch.inference_mode():
        batches = range(0, len(items), batch)
        tokens = [model.tokenizer(model.tokenizer.collate(items[first : first + batch])) for first in batches]
    return Ready(tokens, (read - started) / len(items), (time.process_time() - read) / len(items))


def measure(modality: str, rounds: int) -> None:
    from mt_core.data.batches import ensure_calibrated

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = MAKERS[modality](folder)
        model = mt.load(modality)
        ensure_calibrated(model, [str(path) for path in paths])
        batch = BATCHES.get(modality, 32)
        ready = ready_tokens(model, paths, batch)
        tokens = ready.tokens
        samples = sum(part.num_samples for part in tokens)
        num_tokens = sum(int(part.real().sum()) for part in tokens)
        alone, whole = [], []
        for _ in range(rounds):
            started = time.perf_counter()
            with torch.inference_mode():
                for part in tokens:
                    model.encoder(part)
            alone.append(time.perf_counter() - started)
            started = time.perf_counter()
            result = mt.embed_files(model, paths, folder / "v.parquet", batch_size=batch, overwrite=True)
            whole.append(time.perf_counter() - started)
            assert result.rows == samples and not result.failed
    rate = samples / min(alone)
    # both take CPU time that the encoder would have had
    bound = 1 / (1 + (ready.reading + ready.tokenizing) * rate / torch.get_num_threads())
    print(
        f"{modality:<14}{len(paths):>5} files {samples:>6} samples {num_tokens / samples:>6.1f} tokens each   "
        f"encoder alone {samples / min(alone):8.1f}/s   files to Parquet {samples / min(whole):8.1f}/s   "
        f"ratio {min(alone) / min(whole):.3f}   CPU ms a sample: reading {1000 * ready.reading:.1f}, "
        f"tokenizer {1000 * ready.tokenizing:.1f}; so about {bound:.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modalities", nargs="*", default=list(MAKERS))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(machine())
    for modality in arguments.modalities:
        try:
            measure(modality, arguments.rounds)
        except MtError as error:
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
