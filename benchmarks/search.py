"""An index of many vectors: how it is built, and how it is searched, exactly and approximately, in one run.

    python benchmarks/search.py [--rows 1000000] [--width 192] [--threads 2] [--queries 200] [--vectors real.parquet]

Vectors are drawn around 20,000 middles whose coordinates get smaller and smaller, as those of real ones do; with
--vectors the queries and the rows are those of a file of mt embed instead (queries are drawn from it by a seed).
Each index is built, and each is searched, in a process of its own, whose memory is measured: `own` is what it allocated
(RssAnon), without the pages of files that it reads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from machine import machine
from numpy.typing import NDArray

BLOCK = 16_384
MIDDLES = 20_000
KINDS = ("exact", "approximate")
SAID = {"modality": "drawn", "encoder_fingerprint": "0", "tokenizer_fingerprint": "0", "pool": "mean", "layers": None}


def drawn(count: int, width: int, seed: int) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    scale = (np.arange(1, width + 1) ** -0.5).astype(np.float32)
    middles = np.random.default_rng(0).standard_normal((MIDDLES, width), dtype=np.float32) * scale
    noise = random.standard_normal((count, width), dtype=np.float32) * scale
    return middles[random.integers(0, MIDDLES, count)] + np.float32(0.8) * noise


def write(path: Path, blocks: Any, width: int) -> None:
    said = {f"mt.{key}": json.dumps(value) for key, value in {**SAID, "width": width}.items()}
    vector = pa.list_(pa.field("item", pa.float32(), nullable=False), width)
    names = [("source", pa.string()), ("row", pa.int64()), ("modality", pa.string()), ("vector", vector)]
    names += [("size", pa.int64())]
    schema = pa.schema([pa.field(*each) for each in names], said)
    done = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for block in blocks:
            numbers = range(done, done + len(block))
            columns = [
                pa.array([f"files/{number:08d}.bin" for number in numbers]),
                pa.array([0] * len(block), pa.int64()),
                pa.array(["drawn"] * len(block)),
                pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), type=vector),
                pa.array(numbers, pa.int64()),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            done += len(block)


class OwnMemory:
    """The most that this process allocated, in MB, looked at twenty times a second."""

    def __enter__(self) -> OwnMemory:
        self.before = self.now()
        self.most = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            self.most = max(self.most, self.now() - self.before)

    @staticmethod
    def now() -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


def build(folder: Path, kind: str) -> dict[str, float]:
    from mt_fusion import build_index

    with OwnMemory() as memory:
        start = time.perf_counter()
        build_index(folder / "v.parquet", folder / kind, approximate=kind == "approximate", overwrite=True)
        seconds = time.perf_counter() - start
    disk = sum(path.stat().st_size for path in (folder / kind).iterdir()) / 1e6
    return {"seconds": seconds, "own MB": memory.most, "disk MB": disk}


def timed(call: Callable[[NDArray[np.float32]], Any], queries: NDArray[np.float32]) -> tuple[list[Any], float]:
    """What each query gives, and the median of the milliseconds."""
    call(queries[:1])  # loaded
    found, seconds = [], []
    for query in queries:
        start = time.perf_counter()
        found.append(call(query[None])[0])
        seconds.append(time.perf_counter() - start)
    return found, 1000 * float(np.median(seconds))


def measure(folder: Path, kind: str, count: int) -> dict[str, Any]:
    """Milliseconds of one query, and which rows it finds; with a condition that a half, and a hundredth, fulfil."""
    from mt_fusion import open_index
    from mt_fusion.searching.nearest import nearest_records

    queries = np.load(folder / "queries.npy")[:count]
    with OwnMemory() as memory:
        start = time.perf_counter()
        index = open_index(folder / kind)
        nearest_records(index, queries[:1], 10)
        loading = time.perf_counter() - start
        result: dict[str, Any] = {"loading s": loading}
        for name, share in (("all", None), ("half", 0.5), ("hundredth", 0.01)):
            where = None if share is None else f"size < {share * index.num_rows}"
            few = queries if share is None else queries[:20]
            found, milliseconds = timed(lambda query, where=where: nearest_records(index, query, 10, where), few)
            result[f"{name} ms"] = milliseconds
            result[f"{name} found"] = [[record["source"] for record in records] for records in found]
    return {**result, "own MB": memory.most, "probes": (index.record["approximate"] or {}).get("probes")}


def in_process(folder: Path, step: str, kind: str, args: argparse.Namespace) -> Any:
    environment = {**os.environ, "OMP_NUM_THREADS": str(args.threads), "OPENBLAS_NUM_THREADS": str(args.threads)}
    command = [sys.executable, __file__, "--step", step, kind, str(folder), "--queries", str(args.queries)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def prepare(folder: Path, args: argparse.Namespace) -> tuple[int, int]:
    """The file of vectors and the queries; gives rows and width."""
    if args.vectors is None:
        sizes = [min(BLOCK, args.rows - first) for first in range(0, args.rows, BLOCK)]
        blocks = (drawn(size, args.width, seed) for seed, size in enumerate(sizes, 1))
        write(folder / "v.parquet", blocks, args.width)
        np.save(folder / "queries.npy", drawn(args.queries, args.width, 10**6))
        return args.rows, args.width
    column = pq.read_table(args.vectors, columns=["vector"]).column("vector").combine_chunks()
    vectors = column.flatten().to_numpy().reshape(len(column), -1)
    order = np.random.default_rng(0).permutation(len(vectors))
    count = min(args.queries, len(vectors) // 10)
    write(folder / "v.parquet", [vectors[np.sort(order[count:])]], vectors.shape[1])
    np.save(folder / "queries.npy", vectors[order[:count]])
    return len(vectors) - count, vectors.shape[1]


def recall(true: list[list[str]], found: list[list[str]]) -> float:
    return float(
        np.mean([len(set(one) & set(other)) / max(1, len(one)) for one, other in zip(true, found, strict=True)])
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--vectors", help="a Parquet file of mt embed, in place of drawn vectors")
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        step, kind, folder = args.step
        done = build(Path(folder), kind) if step == "build" else measure(Path(folder), kind, args.queries)
        print(json.dumps(done))
        return
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows, width = prepare(folder, args)
        parquet = (folder / "v.parquet").stat().st_size / 1e6
        print(f"{rows:,} vectors of {width}, {args.threads} threads; {parquet:.0f} MB of Parquet")
        for kind in KINDS:
            done = in_process(folder, "build", kind, args)
            print(f"{kind}: built in {', '.join(f'{value:.0f} {name}' for name, value in done.items())}", flush=True)
        searched = {kind: in_process(folder, "search", kind, args) for kind in KINDS}
        for kind, found in searched.items():
            told = f"first query after {found['loading s']:.2f} s, {found['own MB']:.0f} MB allocated"
            print(f"{kind}: {told}, partitions looked at: {found['probes']}")
            for which in ("all", "half", "hundredth"):
                speed = searched["exact"][f"{which} ms"] / found[f"{which} ms"]
                share = recall(searched["exact"][f"{which} found"], found[f"{which} found"])
                milliseconds = found[f"{which} ms"]
                print(f"  {which:9}  {milliseconds:8.2f} ms a query, {speed:6.1f} x exact, recall@10 {share:.3f}")


if __name__ == "__main__":
    main()
