"""Files to Parquet against the encoder alone on ready tokens, for each modality.

A ratio of 1 means that reading, preparing, tokenizing and writing cost nothing beside the encoder; both sides are timed
in turn, and the best of several rounds counts.

    python benchmarks/files_to_vectors.py [--rounds 3] [text image ...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from drawn_files import MAKERS
from machine import machine

import mt_core as mt
from mt_core.embedding.reading import read_sources
from mt_core.errors import MtError

BATCH = 32


def ready_tokens(model: mt.MetaTransformer, paths: list[Path]) -> list[mt.Tokens]:
    """What the encoder is given, batch by batch."""
    items = [item for read in read_sources(model.tokenizer, paths, readers=0) for item in read.items]
    model.eval()
    with torch.inference_mode():
        return [model.tokenizer(model.tokenizer.collate(items[i : i + BATCH])) for i in range(0, len(items), BATCH)]


def measure(modality: str, rounds: int) -> None:
    from mt_core.embedding.batches import ensure_calibrated

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = MAKERS[modality](folder)
        model = mt.load(modality)
        ensure_calibrated(model, [str(path) for path in paths])
        tokens = ready_tokens(model, paths)
        samples = sum(batch.num_samples for batch in tokens)
        num_tokens = sum(int(batch.real().sum()) for batch in tokens)
        alone, whole = [], []
        for _ in range(rounds):
            started = time.perf_counter()
            with torch.inference_mode():
                for batch in tokens:
                    model.encoder(batch)
            alone.append(time.perf_counter() - started)
            started = time.perf_counter()
            result = mt.embed_files(model, paths, folder / "v.parquet", batch_size=BATCH, overwrite=True)
            whole.append(time.perf_counter() - started)
            assert result.rows == samples and not result.failed
    print(
        f"{modality:<12}{len(paths):>5} files {samples:>6} samples {num_tokens / samples:>6.1f} tokens each   "
        f"encoder alone {samples / min(alone):8.1f}/s   files to Parquet {samples / min(whole):8.1f}/s   "
        f"ratio {min(alone) / min(whole):.3f}",
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
