"""Files to Parquet against the encoder alone on ready tokens, for each modality.

A ratio of 1 means that reading, preparing, tokenizing and writing cost nothing beside the encoder; both sides are timed
in turn, and the best of several rounds counts.

    python benchmarks/files_to_vectors.py [--rounds 3] [image pointcloud tabular]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import machine

import mt_core as mt
from mt_core.embedding.reading import read_sources
from mt_core.errors import MtError

BATCH = 32


def photographs(folder: Path) -> list[Path]:
    """JPEG files of 640 x 480 pixels with the spectrum of photographs, quality 90."""
    from PIL import Image

    random = np.random.default_rng(0)
    paths = []
    for number in range(224):
        coarse = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
        noisy = np.asarray(picture, dtype=np.int16) + random.normal(0, 6, (480, 640, 3)).astype(np.int16)
        paths.append(folder / f"{number:04d}.jpg")
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


def clouds(folder: Path) -> list[Path]:
    """Binary PLY files of 4,096 points on ellipsoids."""
    random = np.random.default_rng(0)
    header = "ply\nformat binary_little_endian 1.0\nelement vertex 4096\n"
    header += "".join(f"property float {axis}\n" for axis in "xyz") + "end_header\n"
    paths = []
    for number in range(1024):
        points = random.normal(size=(4096, 3))
        points *= random.uniform(0.5, 2, 3) / np.linalg.norm(points, axis=1, keepdims=True)
        paths.append(folder / f"{number:04d}.ply")
        paths[-1].write_bytes(header.encode() + points.astype("<f4").tobytes())
    return paths


def tables(folder: Path) -> list[Path]:
    """Two CSV files of 2,048 rows: eight numbers and six categories."""
    random = np.random.default_rng(0)
    paths = []
    for number in range(2):
        lines = [",".join([*(f"n{i}" for i in range(8)), *(f"c{i}" for i in range(6))])]
        for _ in range(2048):
            numbers = (f"{value:.3f}" for value in random.normal(size=8))
            lines.append(",".join([*numbers, *(f"kind{value}" for value in random.integers(0, 9, 6))]))
        paths.append(folder / f"{number}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths


MAKERS: dict[str, Callable[[Path], list[Path]]] = {"image": photographs, "pointcloud": clouds, "tabular": tables}


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
