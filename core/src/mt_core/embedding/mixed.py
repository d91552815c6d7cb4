"""Files of several modalities to one file of vectors: each modality to a Parquet file of its own, then all together.

v.parquet.modalities/
  image.parquet, text.parquet, …   what `embed_files` writes; gone when the whole is written
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mt_core.embedding.conversion import convert
from mt_core.embedding.embed_result import EmbedResult
from mt_core.embedding.failures import read_failures, write_failures
from mt_core.embedding.files import embed_files
from mt_core.embedding.output import check_output, modalities_folder, opened
from mt_core.embedding.vectors import Rows, batches_of, count_rows, metadata_of, schema_of, write_whole
from mt_core.errors import EmbeddingError, InputError, PluginError
from mt_core.io.atomic import atomic_write, remove
from mt_core.io.names import text_of_path
from mt_core.io.notice_files import read_notices, write_notices
from mt_core.io.notices import Notices, group_notices
from mt_core.model import MetaTransformer

MIXED = "several"
"""What the metadata of such a file call its modality; each row has its own."""

_COMMON = ("encoder_fingerprint", "pool", "layers", "token_budget", "precision", "width", "encoder", "version")


def embed_mixed(
    groups: Mapping[str, Sequence[str]],
    unread: Sequence[Mapping[str, str]],
    out: str | Path,
    load: Callable[[str], MetaTransformer],
    *,
    overwrite: bool = False,
    **settings: Any,
) -> EmbedResult:
    """Vectors of files of several modalities, by one encoder, to one file with the column `modality`.

    What holds of `embed_files` holds for each modality: interrupted work goes on, a file is added to, and what has
    changed is embedded again.

    Args:
        groups: Each modality's files.
        unread: The failures of files that are of no modality: `source`, `problem`, `fix`.
        load: Gives a modality's model; all of one encoder.
        settings: Of `embed_files`.

    Raises:
        EmbeddingError: the file holds vectors of one modality, or cannot be written.
        FingerprintError: it was made by another encoder.
    """
    check_output(out, overwrite=overwrite)
    with opened(out) as path:
        result = _embed(groups, unread, path, load, overwrite, settings)
    return result.named(out)


def _embed(
    groups: Mapping[str, Sequence[str]],
    unread: Sequence[Mapping[str, str]],
    out: Path,
    load: Callable[[str], MetaTransformer],
    overwrite: bool,
    settings: Mapping[str, Any],
) -> EmbedResult:
    """The same, to a local file that no other command writes."""
    check_output(out, overwrite=overwrite)
    folder = modalities_folder(out)
    if overwrite:
        remove(folder)
    elif out.exists() and out.suffix.lower() == ".parquet":
        _take_apart(out, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddingError(f"{folder} cannot be made ({error})", fix="name another --out") from error
    failed = [dict(failure) for failure in unread]
    results: list[EmbedResult] = []
    for modality, files in groups.items():
        try:
            results.append(embed_files(load(modality), files, folder / f"{modality}.parquet", **settings))
        except (InputError, PluginError) as error:  # none of its files can be read, or its plugin cannot be used
            failed += [{"source": text_of_path(f), "problem": error.problem, "fix": error.fix} for f in files]
    return _put_together(out, folder, results, failed)


def _put_together(out: Path, folder: Path, results: Sequence[EmbedResult], failed: list[dict[str, str]]) -> EmbedResult:
    written = sorted(folder.glob("*.parquet"))
    if not written:
        raise EmbeddingError(f"{out}: none of the files could be read", fix=failed[0]["fix"] if failed else "name some")
    metadata = {path.stem: metadata_of(path) for path in written}
    notices = Notices(notice for path in written for notice in read_notices(path.with_suffix(".notices.jsonl")))
    for path in written:
        failed += read_failures(path.with_suffix(".errors.jsonl"))
    files: list[Rows] = [(path, frozenset()) for path in written]
    first = next(iter(metadata.values()))
    rows = count_rows(files)
    common = {
        **{key: first.get(key) for key in _COMMON},
        "modality": MIXED,
        "description": "; ".join(of_one["description"] for of_one in metadata.values()),
        "rows": rows,
        "notices": [vars(group) for group in group_notices(notices)],
        "modalities": metadata,
    }
    errors, notices_file = out.with_suffix(".errors.jsonl"), out.with_suffix(".notices.jsonl")
    write_failures(errors, failed)
    write_notices(notices_file, notices, EmbeddingError)
    if out.suffix.lower() == ".parquet":
        write_whole(out, schema_of(first["width"], common), files)
    else:
        convert(batches_of(files), first["width"], out)
    remove(folder)
    return EmbedResult(
        out,
        rows,
        failed,
        errors if failed else None,
        list(notices),
        notices_file if len(notices) else None,
        sum(result.resumed for result in results),
        sum(result.skipped for result in results),
        sum(result.changed for result in results),
        "; ".join(result.calibrated_on for result in results if result.calibrated_on),
        [name for result in results for name in result.gone],
    )


def _take_apart(out: Path, folder: Path) -> None:
    """A file of several modalities to one of each, so that they can be added to.

    Raises:
        EmbeddingError: it is not of several.
    """
    metadata = metadata_of(out)
    if "modalities" not in metadata:
        raise EmbeddingError(
            f"{out} holds vectors of one modality, {metadata['modality']}",
            fix="name that modality, name another --out, or --overwrite the file",
        )
    folder.mkdir(parents=True, exist_ok=True)
    failures = read_failures(out.with_suffix(".errors.jsonl"))
    notices = read_notices(out.with_suffix(".notices.jsonl"))
    for modality, own in metadata["modalities"].items():
        path = folder / f"{modality}.parquet"
        if path.exists():
            continue  # an interrupted call had gone further
        schema = schema_of(own["width"], own)
        sources: set[str] = set()
        with atomic_write(path, EmbeddingError) as unfinished, pq.ParquetWriter(unfinished, schema) as writer:
            for batch in pq.ParquetFile(out).iter_batches():
                table = batch.filter([name == modality for name in batch.column("modality").to_pylist()])
                sources.update(table.column("source").to_pylist())
                writer.write_batch(table.replace_schema_metadata(schema.metadata))
        write_failures(path.with_suffix(".errors.jsonl"), [f for f in failures if f["source"] in sources])
        write_notices(path.with_suffix(".notices.jsonl"), [n for n in notices if n.source in sources], EmbeddingError)
