"""The samples that a search found, read again and shown to people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt_core import path_of_text
from mt_core.data.sources import raw_samples
from mt_core.embedding.sample_pictures import SampleViewer, Seen
from mt_core.errors import MtError

if TYPE_CHECKING:
    from mt_core.model import MetaTransformer
    from mt_fusion.searching.index import Index
    from mt_fusion.searching.queries import QueryModel

_NEAR = 100_000  # rows of a source that are read for a table in the terminal


class Viewer:
    """Samples of one model's modality, as people look at them."""

    def __init__(self, model: MetaTransformer) -> None:
        self.model = model
        self._viewer = SampleViewer(model)

    def see(self, source: Any, rows: Sequence[int]) -> dict[int, Seen]:
        """Some samples of a source, by their rows."""
        if isinstance(source, str) and not os.path.exists(source) and _was_path(source):
            return {row: Seen(note="no longer there") for row in rows}
        found: dict[int, Seen] = {}
        error: MtError | None = None
        for read in raw_samples(self.model.tokenizer, [source], 0):
            for offset, sample in enumerate(read.items):
                if read.row + offset in rows:
                    found[read.row + offset] = self._viewer.see(sample)
            error = read.error or error
            if read.row + len(read.items) > max(rows):
                break
        missing = Seen(note=f"cannot be read: {error.problem}" if error is not None else "no longer in its file")
        return {row: found.get(row, missing) for row in rows}

    def texts(self, source: Any, rows: Sequence[int]) -> dict[int, str]:
        """The texts of some samples of a source, as far as they are there and are text."""
        found: dict[int, str] = {}
        for read in raw_samples(self.model.tokenizer, [source], 0):
            for row in rows:
                if 0 <= row - read.row < len(read.items):
                    found[row] = self.model.tokenizer.as_text(read.items[row - read.row]) or ""
            if read.row + len(read.items) > max(rows):
                break
        return found


Results = Sequence[Sequence[tuple[int, dict[str, Any]]]]
"""Of each query, the numbers of the rows that were found, and their records."""

Place = tuple[str, str, str]
"""A modality, the folder of the run that made its vectors, and a source."""


def places(index: Index, results: Results) -> dict[Place, dict[int, int]]:
    """The rows that were found, source by source: each row of the source with its number in the index."""
    found: dict[Place, dict[int, int]] = {}
    for records in results:
        for number, record in records:
            made_by = index.model_of(number).get("made_by") or {}
            place = (record["modality"], made_by.get("run", ""), record["source"])
            found.setdefault(place, {})[record["row"]] = number
    return found


def model_for(models: Sequence[QueryModel], modality: str, run: str) -> QueryModel | None:
    """The model that reads the samples of a place."""
    same = [model for model in models if model.modality == modality]
    return next((model for model in same if model.run == run), same[0] if same else None)


def read_texts(index: Index, results: Results, models: Sequence[QueryModel]) -> dict[int, str]:
    """The texts of the rows that were found, by their numbers; of models that are loaded, and of samples that are
    text and stand near the beginning of their source."""
    found: dict[int, str] = {}
    without: set[str] = set()
    for (modality, run, source), numbers in places(index, results).items():
        model = model_for(models, modality, run)
        near = [row for row in numbers if row < _NEAR]
        if model is None or model.loaded is None or modality in without or not near:
            continue
        texts = Viewer(model.loaded).texts(path_of_text(source), near)
        if not any(texts.values()):
            without.add(modality)  # pictures, say: the others need not be read to know it
        found.update({numbers[row]: text for row, text in texts.items() if text})
    return found


def _was_path(source: str) -> bool:
    """Whether a name that no file has was that of one, and is not a text."""
    return os.sep in source and bool(Path(source).suffix) and "\n" not in source
