"""What an embedding gives to its caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mt_core.errors import DataWarning
from mt_core.io.urls import is_url


@dataclass(frozen=True)
class EmbedResult:
    """What an embedding gave.

    Attributes:
        path: The file; its URL, where it was named by one, as are `errors` and `notices_file` then.
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

    path: Path | str
    rows: int
    failed: list[dict[str, str]]
    errors: Path | str | None
    notices: Sequence[DataWarning]
    notices_file: Path | str | None
    resumed: int
    skipped: int
    changed: int
    calibrated_on: str
    gone: Sequence[str] = ()

    def named(self, out: str | Path) -> EmbedResult:
        """The same with the URL of what was written to a local copy of it."""
        if not is_url(out):
            return self
        folder = out.rpartition("/")[0]
        errors, notices = (
            f"{folder}/{each.name}" if isinstance(each, Path) else each for each in (self.errors, self.notices_file)
        )
        return replace(self, path=out, errors=errors, notices_file=notices)
