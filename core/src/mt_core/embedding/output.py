"""The file that vectors go to, looked at before anything is loaded. Importing this imports nothing heavy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mt_core.errors import EmbeddingError
from mt_core.io.lock import locked
from mt_core.io.mirror import mirrored
from mt_core.io.urls import check_no_secret, file_name, is_url

FORMATS = (".parquet", ".csv", ".jsonl", ".npy")
"""What vectors can be written as; the suffix of the file decides. A Parquet file alone can be added to."""

_MAGIC = b"PAR1"  # the first and the last bytes of a Parquet file


def parts_folder(out: Path) -> Path:
    """Where the parts of an unfinished embedding are."""
    return out.with_name(out.name + ".parts")


def modalities_folder(out: Path) -> Path:
    """Where the vectors of each modality are, while those of several are embedded to one file."""
    return out.with_name(out.name + ".modalities")


@contextmanager
def opened(out: str | Path) -> Iterator[Path]:
    """The file to write, for this command alone: `out` itself, or a local copy of what is at its URL, which is kept the
    same there (`mt_core.io.mirror`).

    Raises:
        EmbeddingError: another command is writing it, or the URL cannot be reached.
    """
    if is_url(out):
        name = Path(file_name(out))
        beside = [name.with_suffix(suffix).name for suffix in (".errors.jsonl", ".notices.jsonl", ".sources.csv")]
        folders = [parts_folder(name).name, modalities_folder(name).name]
        with mirrored(str(out), [*beside, *folders], EmbeddingError) as near:
            yield near
        return
    path = Path(out)
    with locked(path, EmbeddingError):
        yield path


def check_output(out: str | Path, *, overwrite: bool) -> None:
    """Refuse a file that vectors can be neither added to nor written to; of one at a URL its suffix alone is looked at.

    Raises:
        InputError: a URL with a password in it.
        EmbeddingError: a folder, or a suffix that is no format; or a file that is not to be overwritten and is not a
            whole Parquet file.
    """
    is_there = not is_url(out)
    if is_url(out):
        check_no_secret(out)
    out = Path(out)
    if is_there and out.is_dir():
        raise EmbeddingError(f"{out} is a folder", fix="name a file, for instance vectors.parquet")
    if out.suffix.lower() not in FORMATS:
        raise EmbeddingError(
            f"{out}: {out.suffix or 'no suffix'} is no format that vectors are written in",
            fix=f"name a file that ends in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
        )
    if not is_there or not out.exists() or overwrite:
        return
    if out.suffix.lower() != ".parquet":
        if (
            parts_folder(out).is_dir() or modalities_folder(out).is_dir()
        ):  # the last call was stopped before its very last step, which is done again
            return
        raise EmbeddingError(
            f"{out} exists, and only a .parquet file can be added to", fix="name another --out, or --overwrite it"
        )
    try:
        with out.open("rb") as content:
            start = content.read(len(_MAGIC))
            content.seek(-min(len(_MAGIC), out.stat().st_size), os.SEEK_END)
            end = content.read()
    except OSError as error:
        raise EmbeddingError(f"{out} cannot be read ({error.strerror})", fix="name another --out") from None
    if (start, end) != (_MAGIC, _MAGIC):
        raise EmbeddingError(
            f"{out} exists and is not a whole Parquet file", fix="name another --out, or --overwrite it"
        )
