"""The sources that could not be read, in a file beside the vectors: a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mt_core.errors import EmbeddingError
from mt_core.io.atomic import atomic_write, remove


def read_failures(errors: Path) -> list[dict[str, str]]:
    """`source`, `problem` and `fix` of each; [] where there is no such file."""
    if not errors.is_file():
        return []
    return [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()]


def write_failures(errors: Path, failed: Sequence[Mapping[str, str]]) -> None:
    """Write them, whole or not at all; without any there is no file."""
    if failed:
        with atomic_write(errors, EmbeddingError) as unfinished:
            unfinished.write_text("".join(json.dumps(failure) + "\n" for failure in failed), encoding="utf-8")
    else:
        remove(errors)
