"""Files of vectors to an index, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from importlib_metadata import version
from numpy.typing import NDArray

from mt_core.errors import OptionError
from mt_core.io.progress import Progress
from mt_fusion.searching.approximate import build_engine, require_faiss
from mt_fusion.searching.atomic_folder import atomic_folder, check_replaceable
from mt_fusion.searching.errors import SearchError
from mt_fusion.searching.exact import METRICS, Metric
from mt_fusion.searching.index import ENGINE, FORMAT, RECORD, ROWS, VECTORS, Index, open_index
from mt_fusion.searching.joined import Joined
from mt_fusion.searching.space import difference, space_of
from mt_fusion.searching.vector_files import VectorFile, name_of_row, open_vectors

APPROXIMATE_FROM = 1_000_000
"""Rows from which an index is approximate, unless the user says which it is to be."""

_OWN = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("modality", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("modified", pa.timestamp("ns", tz="UTC")),
    ]
)
_OF_MODEL = (
    "modality", "encoder", "made_by", "description", "calibration", "encoder_fingerprint", "tokenizer_fingerprint",
    "head_fingerprint", "pool", "layers", "token_budget", "precision", "space", "width",
)  # fmt: skip


def build_index(
    files: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    metric: Metric = "cosine",
    approximate: bool | None = None,
    modality: str | None = None,
    table: str | Path | None = None,
    key: str | Sequence[str] = "source",
    overwrite: bool = False,
    show_progress: bool = False,
) -> Index:
    """Put the vectors of files into an index.

    Args:
        files: .parquet files that `mt_core.embed_files` wrote, all in one space: see `mt_fusion.searching.space`.
        out: The folder of the index, written whole or not at all.
        metric: "cosine", "dot" (the product) or "l2" (the Euclidean distance).
        approximate: True: most of the nearest rows are found, in milliseconds; needs `mt-fusion[search]`. False: all of
            them are. None: False below a million rows.
        modality: Of files that hold several modalities, the one that is put into the index.
        table: A .csv, .tsv, .parquet or .jsonl whose columns conditions and results can name.
        key: Its column with the sources; two columns where a source holds many samples: sources and rows.
        overwrite: Replace an index in `out`.
        show_progress: On standard error.

    Raises:
        SearchError: what is no file of vectors, vectors of two spaces, vectors that are not finite or (cosine) zero, a
            table that says nothing of them, or an index that is in the way or cannot be written.
        OptionError: no such metric.
        MissingDependencyError: an approximate index without faiss.
    """
    if metric not in METRICS:
        raise OptionError(f"metric={metric!r}", fix=f"choose {', '.join(METRICS[:-1])} or {METRICS[-1]}")
    out = Path(out)
    check_replaceable(out, RECORD, overwrite=overwrite)
    opened = _open(files, modality)
    num_rows = sum(file.num_rows for file in opened)
    if approximate is None:
        approximate = num_rows >= APPROXIMATE_FROM
    if approximate:
        require_faiss()
    joined = None if table is None else Joined(table, [key] if isinstance(key, str) else list(key))
    with atomic_folder(out, RECORD, overwrite=overwrite) as folder:
        with Progress("vectors", num_rows, enabled=show_progress) as progress:
            _write(folder, opened, joined, metric, num_rows, progress)
        if joined is not None:
            joined.check_matched(opened[0].first_source())
        engine = None
        if approximate:
            engine = build_engine(np.load(folder / VECTORS, mmap_mode="r"), metric, folder / ENGINE)
        contents = {
            name: (folder / name).stat().st_size for name in (VECTORS, ROWS, ENGINE) if (folder / name).exists()
        }
        record = {
            "format": FORMAT,
            "version": version("mt-fusion"),
            "rows": num_rows,
            "metric": metric,
            "approximate": engine,
            "contents": contents,
            **_sources_of(opened),
            "table": joined
            and {"path": str(joined.path.resolve()), "matched": joined.num_matched, "renamed": joined.renamed},
        }
        (folder / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    return open_index(out)


def _open(files: str | Path | Sequence[str | Path], modality: str | None) -> list[VectorFile]:
    """The files, all in one space.

    Raises:
        SearchError: none, one twice, or one of another space.
    """
    named = [files] if isinstance(files, str | Path) else list(files)
    if not named:
        raise SearchError("there are no files of vectors", fix="name at least one .parquet file that mt embed wrote")
    opened = [open_vectors(path, modality) for path in named]
    for number, file in enumerate(opened):
        if any(file.path.samefile(earlier.path) for earlier in opened[:number]):
            raise SearchError(f"{file.path} is named twice", fix="name each file once")
        differing = difference(space_of(opened[0].metadata), space_of(file.metadata))
        if differing:
            raise SearchError(
                f"{file.path} holds vectors of another space than {opened[0].path}: another {differing}",
                fix="make one index of each, or embed both with the same model and options",
            )
    return opened


def _sources_of(opened: Sequence[VectorFile]) -> dict[str, Any]:
    """Where the vectors came from, and what makes others that can be compared with them."""
    models: list[dict[str, Any]] = []
    files = []
    for file in opened:
        model = {name: file.metadata[name] for name in _OF_MODEL if name in file.metadata}
        if model not in models:
            models.append(model)
        state = file.path.stat()
        files.append(
            {
                "path": str(file.path.resolve()),
                "size": state.st_size,
                "modified": state.st_mtime_ns,
                "rows": file.num_rows,
                "model": models.index(model),
            }
        )
    return {"space": dict(space_of(opened[0].metadata)), "width": opened[0].width, "models": models, "files": files}


def _write(
    folder: Path, opened: Sequence[VectorFile], joined: Joined | None, metric: Metric, num_rows: int, progress: Progress
) -> None:
    schema = pa.schema([*_OWN, *(joined.fields if joined is not None else ())])
    with (
        open(folder / VECTORS, "wb") as vectors_file,
        pa.OSFile(str(folder / ROWS), "wb") as rows_file,
        pa.ipc.new_file(rows_file, schema) as rows,
    ):
        heading = {"descr": "<f4", "fortran_order": False, "shape": (num_rows, opened[0].width)}
        np.lib.format.write_array_header_1_0(vectors_file, heading)
        count = 0
        for vectors, batch in _blocks(opened, metric):
            vectors_file.write(vectors.astype("<f4", copy=False).data)
            more = joined.of(batch.column("source"), batch.column("row")) if joined is not None else []
            rows.write_batch(pa.RecordBatch.from_arrays([*batch.columns, *more], schema=schema))
            count += len(vectors)
            progress.advance(len(vectors))
        if count != num_rows:
            raise SearchError("a file of vectors changed while it was read", fix="repeat the command")


def _blocks(opened: Sequence[VectorFile], metric: Metric) -> Iterator[tuple[NDArray[np.float32], pa.RecordBatch]]:
    """All vectors, of unit length where the metric is cosine, with their own columns."""
    for file in opened:
        for vectors, batch in file.blocks(tuple(name for name in _OWN.names if name in file.columns)):
            if metric == "cosine":
                lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
                if not lengths.all():
                    name = name_of_row(batch, int(np.argmin(lengths)))
                    raise SearchError(
                        f"{file.path}: the vector of {name} is zero, and has no angle to another one",
                        fix="leave that source out, or give --metric dot or --metric l2",
                    )
                vectors = (vectors / lengths[:, None]).astype(np.float32)
            arrays = [
                batch.column(field.name).cast(field.type)
                if field.name in batch.schema.names
                else pa.nulls(len(batch), field.type)
                for field in _OWN
            ]
            yield vectors, pa.RecordBatch.from_arrays(arrays, schema=_OWN)
