"""Indexes of mt index, and the runs whose vectors can be compared with theirs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mt_core.data.pooled_vectors import VectorsFrom, vector_identity, vector_width
from mt_core.errors import MissingDependencyError, OptionError, did_you_mean
from mt_core.model import MetaTransformer
from mt_serve.refusals import Refusal
from mt_serve.runs import Runs, ServedRun, name_and_folder

if TYPE_CHECKING:
    from mt_fusion import Index


@dataclass
class SearchedIndex:
    """An index that is open.

    Attributes:
        runs: The names of those whose vectors can be compared with its own, each with the model that makes them.
    """

    name: str
    index: Index
    runs: dict[str, tuple[MetaTransformer, VectorsFrom]]
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def run_of(self, runs: Runs, name: str | None) -> str:
        """The run that a request is to be read by; where it names none, the only one that makes vectors of this space.

        Raises:
            Refusal: 404, no such run; 400, one that makes other vectors, or several and none named.
        """
        if name is None and len(self.runs) == 1:
            return next(iter(self.runs))
        chosen = runs.choose(name).name
        if chosen not in self.runs:
            raise Refusal(
                f"vectors of the run {chosen} cannot be compared with those of the index {self.name}",
                fix=f"ask with ?run=NAME, of {', '.join(self.runs)}",
            )
        return chosen

    def nearest(self, vectors_QD: np.ndarray, k: int, where: str | None, show: bool) -> list[list[dict[str, Any]]]:
        """The nearest rows of each vector, best first; with `show` what there is to see of each.

        Raises:
            MtError: a condition that is none, or vectors that cannot be compared.
        """
        from mt_fusion.searching.nearest import nearest_rows

        with self._reading:
            found = nearest_rows(self.index, vectors_QD, min(k, self.index.num_rows), where)
            seen = self._seen(found) if show else {}
        return [[{**record, **seen.get(number, {})} for number, record in rows] for rows in found]

    def _seen(self, found: Sequence[Sequence[tuple[int, dict[str, Any]]]]) -> dict[int, dict[str, str]]:
        """`text` or `picture` (a data URI) of the rows, as far as a served run of their modality reads their files."""
        from mt_core import path_of_text
        from mt_fusion.searching.samples import Viewer, places

        viewers = {model.modality: Viewer(model) for model, _ in self.runs.values()}
        seen: dict[int, dict[str, str]] = {}
        for (modality, _, source), numbers in places(self.index, found).items():
            if (viewer := viewers.get(modality)) is not None:
                shown = viewer.see(path_of_text(source), list(numbers))
                seen.update({number: _as_record(shown[row]) for row, number in numbers.items()})
        return seen


def _as_record(seen: Any) -> dict[str, str]:
    import base64

    from mt_core.embedding.sample_pictures import encoded

    if seen.picture is None:
        return {"text": seen.text or seen.note}
    kind, content = encoded(seen.picture, 160)
    return {"picture": f"data:image/{kind};base64,{base64.b64encode(content).decode()}"}


def open_indexes(named: Sequence[str], runs: Runs) -> dict[str, SearchedIndex]:
    """Open indexes, by name.

    Args:
        named: Folders of mt index, each as it is or as NAME=FOLDER.

    Raises:
        MissingDependencyError: mt-fusion is not installed.
        MtError: an index that cannot be opened.
        OptionError: one that none of the runs makes vectors for.
    """
    if not named:
        return {}
    try:
        from mt_fusion import open_index
    except ImportError:
        raise MissingDependencyError(
            "searching needs mt-fusion, which is not installed", fix='pip install "mt-serve[search]"'
        ) from None
    found: dict[str, SearchedIndex] = {}
    for each in named:
        name, folder = name_and_folder(each)
        name = name.removesuffix(".index")
        index = open_index(folder)
        comparable = {run.name: made for run in runs if (made := _model_for(run, index.record["space"])) is not None}
        if not comparable:
            raise OptionError(
                f"the vectors of the index {folder} were made by none of these runs", fix=_made_by(index.record)
            )
        found[name] = SearchedIndex(name, index, comparable)
    return found


def choose_index(indexes: Mapping[str, SearchedIndex], name: str | None) -> SearchedIndex:
    """The index that a request names; the only one where it names none.

    Raises:
        Refusal: 404, no such index or none at all; 400, several and none named.
    """
    if not indexes:
        raise Refusal("no index is served", fix="start the server with one: mt serve … --index DIR", status=404)
    if name is None and len(indexes) == 1:
        return next(iter(indexes.values()))
    if name is None:
        problem = "several indexes are served, and the request names none"
        raise Refusal(problem, fix=f"add &index=NAME, of {', '.join(indexes)}")
    if name not in indexes:
        problem = f"no index is called {name!r}{did_you_mean(name, indexes)}"
        raise Refusal(problem, fix=f"choose of {', '.join(indexes)}", status=404)
    return indexes[name]


def _model_for(run: ServedRun, space: Mapping[str, Any]) -> tuple[MetaTransformer, VectorsFrom] | None:
    """What makes vectors of a space, of a run that can; None: it cannot."""
    from mt_fusion.searching.space import difference, space_of

    pool = space.get("pool")
    model, made_by = run.to_embed(None if pool in (None, "head") else pool)
    layers = space.get("layers")
    if made_by != "head" and layers is not None and list(model.encoder.layers or ()) != list(layers):
        if layers[-1] > model.encoder.depth:
            return None
        model = model.with_encoder(model.encoder.with_layers(layers))
    task = model.head.task if model.head is not None else None
    own = {**vector_identity(model, made_by, "32"), "width": vector_width(model, made_by)}
    is_same = not difference(space, space_of({**own, "space": getattr(task, "space", None)}))
    return (model, made_by) if is_same else None


def _made_by(record: Mapping[str, Any]) -> str:
    runs = [run for model in record.get("models", ()) if (run := (model.get("made_by") or {}).get("run"))]
    if runs:
        return f"serve the run that made them as well: mt serve {Path(runs[0])} …"
    return "embed the files with one of the runs (mt embed RUN …), and index them again"
