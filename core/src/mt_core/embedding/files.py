"""Any number of files to one Parquet file of vectors, in bounded memory, and so that it can be interrupted."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from importlib_metadata import version

from mt_core.contract import Pool, pooled_width
from mt_core.data.batches import SampleBatch, ensure_calibrated, gather
from mt_core.data.inputs import as_sources
from mt_core.data.pooled_vectors import PooledVectors, vector_identity
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.data.sources import read_sources
from mt_core.data.workers import SECONDS_A_SAMPLE, resolve_num_workers
from mt_core.embedding.changes import is_gone, state_of
from mt_core.embedding.concurrent import map_ordered, num_parallel_batches
from mt_core.embedding.conversion import convert
from mt_core.embedding.output import check_output, parts_folder
from mt_core.embedding.parts import Parts, recorded
from mt_core.embedding.pooling import for_vectors
from mt_core.embedding.vectors import Rows, batches_of, count_rows, metadata_of, schema_of, states_in, write_whole
from mt_core.errors import DataWarning, EmbeddingError, FingerprintError, MissingDependencyError, OptionError
from mt_core.hooks import session
from mt_core.io.atomic import atomic_write
from mt_core.io.names import path_of_text, text_of_path
from mt_core.io.notice_files import read_notices, write_notices
from mt_core.io.notices import Notices, as_error, collecting, group_notices, relay
from mt_core.io.progress import Progress
from mt_core.model import MetaTransformer

ROWS_A_PART = 4096
SECONDS_A_PART = 5.0


@dataclass(frozen=True)
class EmbedResult:
    """What an embedding gave.

    Attributes:
        path: The Parquet file.
        rows: Rows in it.
        failed: What could not be read: `source`, `problem`, `fix` of each.
        errors: The file that holds `failed`, a JSON object a line; None where there is nothing to hold.
        notices: What was left out of the files, or taken for something else than they say; each once.
        notices_file: The file that holds `notices`, a JSON object a line; None where there is nothing to hold.
        resumed: How many sources had been done by an earlier, interrupted call.
        skipped: How many sources the file held already, complete and unchanged.
        changed: How many files have changed since they were embedded, and were embedded again.
        gone: Files that the file has vectors of and that are no longer there; the vectors are kept.
        calibrated_on: What the tokenizer was calibrated on, where it needs that and was not trained; else "".
    """

    path: Path
    rows: int
    failed: list[dict[str, str]]
    errors: Path | None
    notices: Sequence[DataWarning]
    notices_file: Path | None
    resumed: int
    skipped: int
    changed: int
    calibrated_on: str
    gone: Sequence[str] = ()


def embed_files(
    model: MetaTransformer,
    sources: Any,
    out: str | Path,
    *,
    pool: Pool | None = None,
    batch_size: int = 32,
    num_workers: int | None = None,
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    precision: Precision = "32",
    overwrite: bool = False,
    hash_files: bool = False,
    strict: bool = False,
    show_progress: bool = False,
) -> EmbedResult:
    """Vectors of files, to a Parquet file; see `mt_core.embedding.vectors` for its columns.

    Sources that cannot be read go to `<out>.errors.jsonl` and the others are embedded. What was left out of a source or
    reinterpreted goes to `<out>.notices.jsonl`, and in short into the file's metadata. Interrupted in any way, the same
    call goes on where it was, to the same file. A file that is there already is added to, if it was made by the same
    encoder and tokenizer: sources that it holds are not embedded again, unless their files have changed; vectors of
    files that were removed since are kept, and the result names these files. A tokenizer that needs a calibration and
    was not trained is calibrated on the first samples of the sources; the file keeps the calibration, and what is added
    to it is embedded with the same.

    Args:
        sources: Paths, in the order wanted: a sequence or a column of them, a folder, a pattern.
        out: The file: `.parquet`, or .csv, .jsonl or .npy (`mt_core.embedding.conversion`), which cannot be added to.
        pool: See `Features.pool`; None: see `mt_core.embedding.pooling.for_vectors`.
        batch_size: Samples encoded at a time.
        num_workers: Worker processes that read; None: by the number of cores; 0: this process reads, unprotected.
        seconds_a_sample: How long the reading of one sample may take.
        precision: "bf16" where the machine has it; "auto": the fastest here whose vectors stay those of "32"
            (`mt_core.data.precision_choice`), or what a file that is added to was made with.
        overwrite: Start over, whatever is there.
        hash_files: Tell whether a file has changed by a hash of its content, and not by its size and date alone.
        strict: Whether a source of which something is left out or reinterpreted is an error, as one that cannot be
            read.

    Raises:
        FingerprintError: the file was made by another encoder.
        EmbeddingError: the file, or unfinished work beside it, is of another kind, or cannot be written.
    """
    out = Path(out)
    check_output(out, overwrite=overwrite)
    num_workers = resolve_num_workers(num_workers)
    notices = Notices(strict=strict)
    with collecting(notices):
        names = list(dict.fromkeys(text_of_path(str(source)) for source in as_sources(model, sources)))
    before = _metadata_before(out, overwrite)
    unfinished = None if overwrite else recorded(parts_folder(out))
    with collecting(notices):
        known = (before or unfinished or {}).get("calibration")
        calibration = ensure_calibrated(model, [path_of_text(name) for name in names], num_workers, known)
    notices.check()
    model, pool = for_vectors(model, pool)
    precision = _resolved(model, precision, before or (unfinished or {}).get("identity"))
    identity = _identity(model, pool, precision)
    if before is not None:
        _check_same(out, before, identity)
    if overwrite:  # now that nothing is left to be refused
        out.unlink(missing_ok=True)
        shutil.rmtree(parts_folder(out), ignore_errors=True)
    errors, notices_file = out.with_suffix(".errors.jsonl"), out.with_suffix(".notices.jsonl")
    states = {name: state_of(path_of_text(name), with_hash=hash_files) for name in names}
    held = states_in(out) if before is not None else {}
    gone = [name for name in held if name not in states and is_gone(path_of_text(name), held[name])]
    changed = {name for name in names if name in held and held[name].differs(states[name])}
    wanted = [name for name in names if name not in held or name in changed]
    old_failures = _read_failures(errors) if before is not None else []
    if before is not None:
        _add(notices, [each for each in read_notices(notices_file) if each.source not in wanted], out)
    after = str(before["job"]) if before is not None else ""
    parts = Parts(out, {**identity, "batch_size": batch_size}, wanted, [states[name] for name in wanted], after)
    if before is not None and unfinished is not None and unfinished["job"] == after:
        parts.remove()  # they are in the file already: the call was stopped between its last two steps
    if before is not None and not wanted:
        return _result(
            out, before["rows"], old_failures, errors, notices, notices_file, calibration, skipped=len(names), gone=gone
        )
    first = parts.begin({"calibration": calibration})
    _add(notices, parts.notices(), parts.folder)
    reading = {"num_workers": num_workers, "seconds_a_sample": seconds_a_sample, "strict": strict}
    with session(model.modality, "embed"):
        _embed(model, parts, first, pool, batch_size, precision, show_progress, reading)
    notices = Notices([*notices, *parts.notices()])
    failed = [f for f in old_failures if f["source"] not in wanted] + parts.failed()
    files: list[Rows] = ([(out, changed)] if before is not None else []) + parts.rows()
    rows = count_rows(files)
    metadata = {
        **identity,
        **_provenance(model),
        "job": parts.job,
        "rows": rows,
        "notices": [vars(group) for group in group_notices(notices)],
        "calibration": calibration,
    }
    _write_failures(errors, failed)
    write_notices(notices_file, notices, EmbeddingError)
    if out.suffix.lower() == ".parquet":
        write_whole(out, schema_of(identity["width"], metadata), files)
    else:
        convert(batches_of(files), identity["width"], out)
    parts.remove()
    return _result(
        out,
        rows,
        failed,
        errors,
        notices,
        notices_file,
        calibration,
        resumed=min(first[0], len(wanted)),
        skipped=len(names) - len(wanted),
        changed=len(changed) + parts.num_changed,
        gone=gone,
    )


def _add(notices: Notices, earlier: Sequence[DataWarning], found_in: Path) -> None:
    """Add those of an earlier call.

    Raises:
        EmbeddingError: none are allowed now.
    """
    if notices.strict and earlier:
        raise EmbeddingError(
            f"{found_in} holds vectors that were made when strict was off: {earlier[0]}",
            fix=f"{as_error(earlier[0]).fix}; or start over with --overwrite, or with another --out",
        )
    for notice in earlier:
        notices.add(notice)


def _result(
    out: Path,
    rows: int,
    failed: list[dict[str, str]],
    errors: Path,
    notices: Notices,
    notices_file: Path,
    calibration: Mapping[str, Any] | None,
    *,
    resumed: int = 0,
    skipped: int = 0,
    changed: int = 0,
    gone: Sequence[str] = (),
) -> EmbedResult:
    told = list(notices)
    relay(told)
    return EmbedResult(
        out,
        rows,
        failed,
        errors if failed else None,
        told,
        notices_file if told else None,
        resumed,
        skipped,
        changed,
        calibration["on"] if calibration else "",
        gone,
    )


def _embed(
    model: MetaTransformer,
    parts: Parts,
    first: tuple[int, int],
    pool: Pool,
    batch_size: int,
    precision: Precision,
    show_progress: bool,
    reading: Mapping[str, Any],
) -> None:
    """Batches to parts, from the first place on."""
    pending = _Pending(parts)
    sources = [path_of_text(source) for source in parts.sources]
    width = pooled_width(model.encoder.feature_width, pool)
    pooled = PooledVectors(model, pool, precision)

    def vectors_of(batch: SampleBatch) -> np.ndarray:
        return pooled.of(batch.items) if batch.items else np.zeros((0, width), np.float32)

    left = len(sources) - first[0]
    reads = read_sources(model.tokenizer, sources, first=first, **reading)
    try:
        with pooled, Progress("embedding", None, unit="samples", enabled=show_progress) as shown:
            for batch, vectors in map_ordered(vectors_of, gather(reads, batch_size), num_parallel_batches(model)):
                pending.add(batch, vectors)
                done = batch.next[0] - first[0]
                total = round((shown.done + len(batch.places)) * left / done) if done else None
                shown.advance(len(batch.places), total)
                if pending.is_due():
                    pending.flush()
        pending.flush()
    except KeyboardInterrupt:
        pending.flush()
        raise KeyboardInterrupt("stopped; the same command goes on where it was") from None


class _Pending:
    """Batches that are encoded and not written yet."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._clear()

    def _clear(self) -> None:
        self.batches: list[tuple[SampleBatch, np.ndarray]] = []
        self.since = time.monotonic()

    def add(self, batch: SampleBatch, vectors: np.ndarray) -> None:
        """A batch and its vectors; it is taken whole or, when interrupted, not at all."""
        batch.items.clear()
        self.batches.append((batch, vectors))

    def is_due(self) -> bool:
        num_rows = sum(len(batch.places) for batch, _ in self.batches)
        return num_rows >= ROWS_A_PART or time.monotonic() - self.since >= SECONDS_A_PART

    def flush(self) -> None:
        if self.batches:
            places = [(place.source, place.row) for batch, _ in self.batches for place in batch.places]
            failed = [
                {"source": self.parts.sources[source], "problem": error.problem, "fix": error.fix}
                for batch, _ in self.batches
                for source, error in batch.failed
            ]
            self.parts.add(
                places,
                np.concatenate([vectors for _, vectors in self.batches]),
                failed,
                list(Notices(notice for batch, _ in self.batches for _, notice in batch.notices)),
                self.batches[-1][0].next,
            )
        self._clear()


def _identity(model: MetaTransformer, pool: Pool, precision: Precision) -> dict[str, Any]:
    """What every vector depends on."""
    return {
        **vector_identity(model, pool, precision),
        "width": pooled_width(model.encoder.feature_width, pool),
    }


def _resolved(model: MetaTransformer, precision: Precision, before: Mapping[str, Any] | None) -> Precision:
    """The precision to compute in; auto goes on with that of the vectors which are there."""
    earlier = (before or {}).get("precision")
    if precision == "auto" and earlier is not None:
        with contextlib.suppress(OptionError, MissingDependencyError):
            return resolve_precision(model.encoder, earlier)
    return resolve_precision(model.encoder, precision)


def _provenance(model: MetaTransformer) -> dict[str, str]:
    """Whose vectors these are, for a reader."""
    return {
        "encoder": str(model.encoder.name),
        "description": model.description,
        "version": version("mt-core"),
    }


def _metadata_before(out: Path, overwrite: bool) -> dict[str, Any] | None:
    """What a file that is there already, and is to be added to, says of itself."""
    return metadata_of(out) if out.exists() and not overwrite and out.suffix.lower() == ".parquet" else None


def _check_same(out: Path, before: dict[str, Any], identity: dict[str, Any]) -> None:
    if before["encoder_fingerprint"] != identity["encoder_fingerprint"]:
        raise FingerprintError(
            f"{out} holds vectors of another encoder ({before['encoder']}, {before['encoder_fingerprint'][:12]}…)",
            fix="name another --out, use that encoder, or --overwrite the file",
        )
    differing = [key for key in identity if before.get(key) != identity[key]]
    if differing == ["tokenizer_fingerprint"] and before.get("calibration"):
        raise EmbeddingError(
            f"{out} holds vectors of another tokenizer or another calibration: {before['description']}",
            fix="repeat its command with the same options, name another --out, or --overwrite the file",
        )
    if differing:
        told = ", ".join(f"{key.replace('_', ' ')} {before.get(key)!s:.12}" for key in differing)
        raise EmbeddingError(
            f"{out} holds vectors that were made with other settings: {told}",
            fix="name another --out, or --overwrite the file",
        )


def _read_failures(errors: Path) -> list[dict[str, str]]:
    if not errors.is_file():
        return []
    return [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()]


def _write_failures(errors: Path, failed: Sequence[dict[str, str]]) -> None:
    if failed:
        with atomic_write(errors, EmbeddingError) as unfinished:
            unfinished.write_text("".join(json.dumps(failure) + "\n" for failure in failed), encoding="utf-8")
    else:
        errors.unlink(missing_ok=True)
