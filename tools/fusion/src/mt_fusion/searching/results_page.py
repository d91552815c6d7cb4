"""Results of a search as one HTML file that needs nothing else: each in its modality's own terms."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mt_core import path_of_text
from mt_core.embedding.sample_pictures import Seen, encoded
from mt_core.errors import MtError
from mt_core.io.atomic import atomic_write
from mt_core.io.html import Page
from mt_fusion.searching.errors import SearchError
from mt_fusion.searching.index import Index
from mt_fusion.searching.nearest import Query
from mt_fusion.searching.queries import QueryModel
from mt_fusion.searching.samples import Results, Viewer, model_for, places

MOST_BYTES = 4_500_000
MOST_QUERIES = 40
"""Queries that a page shows; the others are in the table and in JSON."""

_SIDES = (224, 160, 112, 80, 56)
_OF_ALL = ("rank", "score", "distance", "modality", "source", "row")

_STYLE = """
.cards { display: flex; flex-wrap: wrap; gap: 12px; padding: 0; list-style: none }
.card { border: 1px solid #c9d1dd; border-radius: 6px; padding: 8px 10px; width: 232px; box-sizing: border-box;
  overflow-wrap: anywhere; font-size: 0.85em }
.card img { display: block; margin: 0 auto 6px; image-rendering: auto }
.card blockquote { margin: 0 0 6px; white-space: pre-wrap; font-size: 1.05em; max-height: 15em; overflow: auto }
.card .score { font-weight: 600 } .card .where { color: #566173 } .query { border-width: 2px; border-color: #3565a8 }
@media (prefers-color-scheme: dark) {
  .card { border-color: #3a4454 } .card .where { color: #a3aec0 } .query { border-color: #7aa5e6 }
}
"""


def write_page(
    path: str | Path, index: Index, queries: Sequence[Query], results: Results, models: Sequence[QueryModel], note: str
) -> None:
    """Write the page, whole or not at all.

    Args:
        results: Of each query, the numbers of the rows and their records.
        models: Of the index, to read and draw what is found.
        note: What was asked for, in one line.

    Raises:
        SearchError: it cannot be written.
    """
    shown = list(zip(queries, results, strict=True))[:MOST_QUERIES]
    gallery = _Gallery(index, models)
    gallery.read(shown)
    page = Page(f"Search in {index.folder.name}", _STYLE)
    page.note(f"{index.description}. {note}")
    if len(shown) < len(queries):
        page.note(f"The first {len(shown)} of {len(queries)} queries.")
    for query, found in shown:
        page.heading(query.label if len(query.label) <= 120 else query.label[:119] + "…")
        page.parts.append('<ul class="cards">')
        if query.model is not None:
            said = f"query, read as {query.model.name}"
            page.parts.append(gallery.card(gallery.query(query), "query", said, "", f"query: {query.label}"))
        for number, record in found:
            page.parts.append(_result(gallery, number, record))
        page.parts.append("</ul>")
        if not found:
            page.note("Nothing in the index fulfils the condition.")
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SearchError(
            f"the folder of {path} cannot be made ({error.strerror})", fix="choose another --html"
        ) from None
    with atomic_write(path, SearchError) as unfinished:
        unfinished.write_bytes(page.html())


def _result(gallery: _Gallery, number: int, record: dict[str, Any]) -> str:
    scored = "distance" if "distance" in record else "score"
    heading = f"{record['rank']}. {scored} {record[scored]:.4f}"
    place = f"{record['source']}, row {record['row']}" if record["row"] else record["source"]
    seen = gallery.rows[number]
    more = [f"{name}: {value}" for name, value in record.items() if name not in _OF_ALL and value is not None]
    where = record["modality"] if seen.text and seen.text == place else f"{record['modality']}: {place}"
    return gallery.card(seen, "", heading, "\n".join([where, *more]), f"result {record['rank']}: {place}")


class _Gallery:
    """What there is to see of queries and of what was found, small enough for a page."""

    def __init__(self, index: Index, models: Sequence[QueryModel]) -> None:
        self.index, self.models = index, models
        self.rows: dict[int, Seen] = {}
        self._queries: dict[tuple[str, int], Seen] = {}
        self._viewers: dict[tuple[str, str], Viewer | MtError] = {}
        self._side = _SIDES[-1]

    def read(self, shown: Sequence[tuple[Query, Sequence[tuple[int, dict[str, Any]]]]]) -> None:
        """Read every sample once, each source in one go, and choose a size that all pictures have room in."""
        for (modality, run, source), numbers in places(self.index, [found for _, found in shown]).items():
            seen = self._see(model_for(self.models, modality, run), path_of_text(source), list(numbers))
            self.rows.update({number: seen[row] for row, number in numbers.items()})
        for query, _ in shown:
            if query.model is not None and (query.name, query.row) not in self._queries:
                seen = self._see(query.model, query.source, [query.row])
                self._queries[query.name, query.row] = seen[query.row]
        pictures = [seen.picture for seen in (*self.rows.values(), *self._queries.values()) if seen.picture is not None]
        for self._side in _SIDES:
            if sum(len(encoded(picture, self._side)[1]) for picture in pictures) * 4 / 3 <= MOST_BYTES:
                return
        self._side = 0

    def query(self, query: Query) -> Seen:
        return self._queries[query.name, query.row]

    def card(self, seen: Seen, kind: str, heading: str, where: str, alt: str) -> str:
        """One sample in HTML."""
        parts = []
        if seen.picture is not None and self._side:
            form, content = encoded(seen.picture, self._side)
            data = base64.b64encode(content).decode()
            parts.append(f'<img alt="{html.escape(alt)}" src="data:image/{form};base64,{data}">')
        if seen.text:
            parts.append(f"<blockquote>{html.escape(seen.text)}</blockquote>")
        parts.append(f'<div class="score">{html.escape(heading)}</div>')
        lines = [*([seen.note] if seen.note else []), *where.split("\n")]
        parts += [f'<div class="where">{html.escape(line)}</div>' for line in lines if line]
        return f'<li class="card {kind}">{"".join(parts)}</li>'

    def _see(self, model: QueryModel | None, source: Any, rows: list[int]) -> dict[int, Seen]:
        viewer = self._viewer(model)
        if isinstance(viewer, Viewer):
            return viewer.see(source, rows)
        return {row: Seen(note=f"not shown: {viewer.problem}") for row in rows}

    def _viewer(self, model: QueryModel | None) -> Viewer | MtError:
        if model is None:
            return SearchError("no model reads it")
        key = (model.name, model.run)
        if key not in self._viewers:
            try:
                self._viewers[key] = Viewer(model.load())
            except MtError as error:
                self._viewers[key] = error
        return self._viewers[key]
