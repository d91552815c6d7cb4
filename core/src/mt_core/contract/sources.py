"""The edge where other people's readers end: their exceptions become ours, with the file's name and a fix."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from mt_core.errors import InputError, MissingDependencyError, MtError, MtWarning
from mt_core.io.names import text_of_path

Sample = TypeVar("Sample")


def name_of(source: Any) -> str:
    """How a source is called in messages and in tables: a path as it was given (`mt_core.io.names` where it is not
    UTF-8), anything else by its type."""
    if isinstance(source, str | Path):
        return text_of_path(str(source))
    if filename := getattr(source, "filename", ""):  # a picture that was opened from a file
        return text_of_path(str(filename))
    shape = getattr(source, "shape", None)
    size = f" {tuple(shape)}" if shape is not None else f" of {len(source)} bytes" if isinstance(source, bytes) else ""
    return f"<{type(source).__name__}{size}>"


@contextmanager
def reading(source: Any, *, formats: str, fix: str = "") -> Iterator[None]:
    """Turn whatever a reader raises into an `InputError` that names the source.

    Args:
        source: What is being read.
        formats: What could have been read, for the message: ".ply .pcd .off".
        fix: The next thing to try; by default to check that the file is whole and one of `formats`.

    Raises:
        InputError: for a missing, empty or unreadable file, and for any exception of the reader that is not ours.
        MissingDependencyError: a package that the reader needs is not installed.
    """
    name = name_of(source)
    if isinstance(source, str | Path):
        # os.path, for pathlib raises where a name is too long or a folder is closed
        if os.path.isdir(source):
            raise InputError(f"{name} is a folder, not a file", fix="name the files in it, or a pattern for them")
        if not os.path.exists(source):
            raise InputError(f"{name} does not exist", fix="check the path and the folder it is relative to")
        if not os.path.isfile(source):
            raise InputError(f"{name} is not a regular file", fix="copy what it gives into a file")
        if os.path.getsize(source) == 0:
            raise InputError(f"{name} is empty (0 bytes)", fix="copy or export the file again")
    elif isinstance(source, bytes) and not source:
        raise InputError("there are no bytes to read", fix="pass the content of a whole file")
    try:
        yield
    except (MtError, MtWarning):  # a warning where they are errors
        raise
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{name} needs the package {error.name!r}, which is not installed", fix=f"pip install {error.name}"
        ) from error
    except MemoryError as error:
        raise InputError(f"{name} does not fit into memory", fix="split it into smaller files") from error
    except RecursionError as error:
        raise InputError(f"{name} is nested too deeply to be read", fix=fix or "export it again") from error
    except Exception as error:
        said = str(error).strip().splitlines()
        because = f"{type(error).__name__}: {said[0][:200]}" if said else type(error).__name__
        raise InputError(
            f"{name} cannot be read ({because})",
            fix=fix or f"check that the file is whole and one of {formats}",
        ) from (error if sys.flags.dev_mode else None)


def or_raise(samples: Iterable[Sample | MtError]) -> Iterator[Sample]:
    """What `Tokenizer.stream` gives, an error that it yields in place of a sample raised."""
    for sample in samples:
        if isinstance(sample, MtError):
            raise sample
        yield sample


def only_one(samples: Iterator[Sample | MtError], source: Any, kind: str) -> Sample:
    """The sample of a source that holds exactly one: what `read` is where `stream` gives many.

    Args:
        samples: Those of the source; closed afterwards.
        source: Where they come from, for the message.
        kind: What a sample is called: "row".

    Raises:
        InputError: none, or more than one; the error that stands in place of the only one.
    """
    first = next(samples, None)
    second = next(samples, None) if first is not None else None
    if isinstance(samples, Generator):
        samples.close()
    if first is None:
        raise InputError(f"{name_of(source)} holds no {kind}", fix="give a file with at least one")
    if second is not None:
        raise InputError(
            f"{name_of(source)} holds more than one {kind}, and a sample is one",
            fix="`stream` gives them one by one, as mt embed and mt predict do",
        )
    if isinstance(first, MtError):
        raise first
    return first
