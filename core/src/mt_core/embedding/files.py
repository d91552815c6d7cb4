"""Any number of files to one Parquet file of vectors, in bounded memory, and so that it can be interrupted."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importlib_metadata import version

from mt_core.contract import Alignment, Pool
from mt_core.data.batches import ensure_calibrated
from mt_core.data.inputs import as_sources
from mt_core.data.pooled_vectors import VectorsFrom, vector_identity, vector_width
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.data.workers import SECONDS_A_SAMPLE, resolve_num_workers
from mt_core.embedding.changes import FileState, gone_of, states_of
from mt_core.embedding.conversion import convert
from mt_core.embedding.embed_result import EmbedResult
from mt_core.embedding.engine import Encoding, Engine, Here
from mt_core.embedding.failures import read_failures, write_failures
from mt_core.embedding.output import check_output, opened, parts_folder
from mt_core.embedding.part_writer import encode_to_parts
from mt_core.embedding.parts import Parts, recorded
from mt_core.embedding.pooling import for_vectors
from mt_core.embedding.vectors import Rows, batches_of, count_rows, metadata_of, schema_of, states_in, write_whole
from mt_core.errors import DataWarning, EmbeddingError, FingerprintError, MissingDependencyError, OptionError
from mt_core.hooks import session
from mt_core.io.atomic import remove
from mt_core.io.names import path_of_text, text_of_path
from mt_core.io.notice_files import read_notices, write_notices
from mt_core.io.notices import Notices, as_error, collecting, group_notices, relay
from mt_core.model import MetaTransformer


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
    engine: Engine | None = None,
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
        sources: Paths or URLs, in the order wanted: a sequence or a column of them, a folder, a pattern.
        out: The file or its URL: `.parquet`, or .csv, .jsonl or .npy (`mt_core.embedding.conversion`), which cannot be
            added to.
        pool: See `Features.pool`; None: see `mt_core.embedding.pooling.for_vectors`. Vectors that the head of an
            alignment makes have their space in the file's metadata.
        batch_size: Samples encoded at a time.
        num_workers: Worker processes that read; None: by the number of cores; 0: this process reads, unprotected.
        seconds_a_sample: How long the reading of one sample may take.
        precision: "bf16" where the machine has it; "auto": the fastest here whose vectors stay those of "32"
            (`mt_core.data.precision_choice`), or what a file that is added to was made with.
        overwrite: Start over, whatever is there.
        hash_files: Tell whether a file has changed by a hash of its content, and not by its size and date alone.
        strict: Whether a source of which something is left out or reinterpreted is an error, as one that cannot be
            read.
        engine: What computes the vectors, as `mt_ray.RayEngine` on a cluster; None: this process and its workers.

    Raises:
        FingerprintError: the file was made by another encoder.
        EmbeddingError: the file, or unfinished work beside it, is of another kind, or cannot be written.
    """
    check_output(out, overwrite=overwrite)
    reading = {
        "num_workers": resolve_num_workers(num_workers),
        "seconds_a_sample": seconds_a_sample,
        "strict": strict,
    }
    with opened(out) as path:
        how = (pool, batch_size, precision, overwrite, hash_files, show_progress, reading, engine or Here())
        result = _embed(model, sources, path, *how)
    return result.named(out)


def _embed(
    model: MetaTransformer,
    sources: Any,
    out: Path,
    pool: Pool | None,
    batch_size: int,
    precision: Precision,
    overwrite: bool,
    hash_files: bool,
    show_progress: bool,
    reading: Mapping[str, Any],
    engine: Engine,
) -> EmbedResult:
    """The same, to a local file that no other command writes."""
    check_output(out, overwrite=overwrite)
    num_workers, strict = reading["num_workers"], reading["strict"]
    notices = Notices(strict=strict)
    with collecting(notices):
        names = list(dict.fromkeys(text_of_path(str(source)) for source in as_sources(model, sources)))
    before = _metadata_before(out, overwrite)
    unfinished = None if overwrite else recorded(parts_folder(out))
    with collecting(notices):
        known = (before or unfinished or {}).get("calibration")
        calibration = ensure_calibrated(model, [path_of_text(name) for name in names], num_workers, known)
    notices.check()
    model, made_by = for_vectors(model, pool)
    precision = _resolved(model, precision, before or (unfinished or {}).get("identity"))
    identity = _identity(model, made_by, precision)
    if before is not None:
        _check_same(out, before, identity)
    if overwrite:  # now that nothing is left to be refused
        remove(out)
        remove(parts_folder(out))
    paths = [path_of_text(name) for name in names]
    states = states_of(paths, with_hash=hash_files, beside=model.tokenizer.files_beside)
    there = _what_is_there(out, before, dict(zip(names, states, strict=True)), notices)
    wanted = [there.states[name] for name in there.wanted]
    parts = Parts(out, {**identity, "batch_size": batch_size}, there.wanted, wanted, there.job)
    if before is not None and (unfinished is None or unfinished["job"] == there.job):
        parts.remove()  # they are in the file already: the call was stopped in its last step
    if before is not None and not there.wanted:
        return _result(out, before["rows"], there.failures, notices, calibration, there)
    first = parts.begin({"calibration": calibration})
    _add(notices, parts.notices(), parts.folder)
    with session(model.modality, "embed"):
        paths = [path_of_text(name) for name in parts.sources]
        work = Encoding(model, paths, first, made_by, batch_size, precision, reading)
        encode_to_parts(work, parts, engine, show_progress)
    notices = Notices([*notices, *parts.notices()])
    failed = [failure for failure in there.failures if failure["source"] not in there.wanted] + parts.failed()
    metadata = {
        **identity,
        **_space(model, made_by),
        **_provenance(model),
        "job": parts.job,
        "calibration": calibration,
    }
    rows = _write(out, parts, there, metadata, failed, notices)
    done = {"resumed": min(first[0], len(there.wanted)), "changed": len(there.changed) + parts.num_changed}
    return _result(out, rows, failed, notices, calibration, there, **done)


@dataclass(frozen=True)
class _There:
    """What a file that is added to holds already of the sources; nothing, where there is no such file.

    Attributes:
        job: The embedding that it came from; "" where there is no file.
        states: Of each source, now.
        wanted: The sources that are to be embedded.
        changed: Those of them that it holds as they were before.
        gone: Sources that it holds and that are no longer there.
        failures: Of earlier calls.
    """

    job: str
    states: Mapping[str, FileState]
    wanted: Sequence[str]
    changed: Set[str]
    gone: Sequence[str]
    failures: list[dict[str, str]]


def _what_is_there(
    out: Path, before: Mapping[str, Any] | None, states: Mapping[str, FileState], notices: Notices
) -> _There:
    names = list(states)
    if before is None:
        return _There("", states, names, set(), (), [])
    held = states_in(out)
    changed = {name for name in names if name in held and held[name].differs(states[name])}
    wanted = [name for name in names if name not in held or name in changed]
    gone = gone_of({name: state for name, state in held.items() if name not in states})
    earlier = read_notices(out.with_suffix(".notices.jsonl"))
    _add(notices, [notice for notice in earlier if notice.source not in wanted], out)
    return _There(str(before["job"]), states, wanted, changed, gone, read_failures(out.with_suffix(".errors.jsonl")))


def _write(
    out: Path,
    parts: Parts,
    there: _There,
    metadata: Mapping[str, Any],
    failed: Sequence[dict[str, str]],
    notices: Notices,
) -> int:
    """Merge earlier output and new parts into one file, with its failures and notices; gives the number of rows."""
    files: list[Rows] = ([(out, there.changed)] if there.job else []) + parts.rows()
    rows = count_rows(files)
    metadata = {**metadata, "rows": rows, "notices": [vars(group) for group in group_notices(notices)]}
    write_failures(out.with_suffix(".errors.jsonl"), failed)
    write_notices(out.with_suffix(".notices.jsonl"), notices, EmbeddingError)
    if out.suffix.lower() == ".parquet":
        write_whole(out, schema_of(metadata["width"], metadata), files)
    else:
        convert(batches_of(files), metadata["width"], out)
    parts.remove()
    return rows


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
    notices: Notices,
    calibration: Mapping[str, Any] | None,
    there: _There,
    *,
    resumed: int = 0,
    changed: int = 0,
) -> EmbedResult:
    listed = list(notices)
    relay(listed)
    return EmbedResult(
        out,
        rows,
        failed,
        out.with_suffix(".errors.jsonl") if failed else None,
        listed,
        out.with_suffix(".notices.jsonl") if listed else None,
        resumed,
        len(there.states) - len(there.wanted),
        changed,
        calibration["on"] if calibration else "",
        there.gone,
    )


def _identity(model: MetaTransformer, pool: VectorsFrom, precision: Precision) -> dict[str, Any]:
    """What every vector depends on."""
    return {
        **vector_identity(model, pool, precision),
        "width": vector_width(model, pool),
    }


def _space(model: MetaTransformer, pool: VectorsFrom) -> dict[str, str]:
    """The space that vectors are in, where samples of other modalities have vectors in it too."""
    task = model.head.task if pool == "head" and model.head is not None else None
    return {"space": task.space} if isinstance(task, Alignment) else {}


def _resolved(model: MetaTransformer, precision: Precision, before: Mapping[str, Any] | None) -> Precision:
    """The precision to compute in; auto goes on with that of the vectors which are there."""
    earlier = (before or {}).get("precision")
    if precision == "auto" and earlier is not None:
        with contextlib.suppress(OptionError, MissingDependencyError):
            return resolve_precision(model.encoder, earlier)
    return resolve_precision(model.encoder, precision)


def _provenance(model: MetaTransformer) -> dict[str, Any]:
    """Whose vectors these are, for a reader, and what makes the same model again: the folder of its run, or the options
    and the seed of a tokenizer that was not trained. Paths are whole, so that they mean the same from any folder."""
    encoder = str(model.encoder.name)
    made_by: dict[str, Any] = {"options": model.tokenizer.options.model_dump(mode="json"), "seed": model.seed}
    return {
        "encoder": str(Path(encoder).resolve()) if Path(encoder).is_file() else encoder,
        "made_by": {"run": str(Path(model.run).resolve())} if model.run else made_by,
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
