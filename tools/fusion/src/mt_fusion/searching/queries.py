"""Queries to vectors, by the very model that made the vectors of an index, or one that shares their space."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import name_of
from mt_core.errors import FingerprintError, MtError, OptionError
from mt_fusion.searching.errors import SearchError
from mt_fusion.searching.space import Space, difference, space_of

if TYPE_CHECKING:
    from mt_core.model import MetaTransformer

_RUN = "run.json"


@dataclass
class QueryModel:
    """A model that queries of an index can be embedded with; it is loaded when it is first needed.

    Attributes:
        name: What `--as` calls it: the modality, or the input of a run of several.
        modality: Which plugin reads the queries.
        record: What the index says of the model that made its vectors: an entry of `models`.
        run: The folder of its run; "": it was not trained.
        space: That of the index.
        encoder: Where to get the encoder from, if not by the name that was recorded.
        loaded: The model, once it was needed.
    """

    name: str
    modality: str
    record: dict[str, Any]
    run: str
    space: Space
    encoder: str | None = None
    device: str | None = None
    loaded: MetaTransformer | None = field(default=None, repr=False)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of the files that it reads."""
        from mt_core.plugins import get

        return tuple(get(self.modality).manifest.suffixes)

    def load(self) -> MetaTransformer:
        """The model.

        Raises:
            MtError: it cannot be loaded.
            FingerprintError: it is another than the one that made the vectors.
        """
        if self.loaded is None:
            model = self._load_run() if self.run else self._load_untrained()
            self._check(model)
            self.loaded = model
        return self.loaded

    def embed(self, source: Any) -> NDArray[np.float32]:
        """(n, D) the vectors of a source: one, or one a row of a table.

        Raises:
            MtError: it cannot be read.
        """
        import mt_core as mt

        vectors = mt.embed(self.load(), [source], pool=self._pool)
        if not len(vectors):
            raise SearchError(f"{name_of(source)} holds nothing to search for", fix="name another query")
        return vectors

    @property
    def _pool(self) -> Any:
        pool = self.record.get("pool")
        return None if pool == "head" else pool

    def _load_run(self) -> MetaTransformer:
        import mt_core as mt

        if not os.path.isfile(Path(self.run, _RUN)):
            raise SearchError(
                f"the run that made the vectors is no longer in {self.run}", fix="say where it is: --run DIR"
            )
        model = mt.load_run(self.run, encoder=self.encoder, device=self.device)
        layers = self.record.get("layers")
        if self._pool is not None and layers is not None and list(model.encoder.layers or ()) != list(layers):
            model = model.with_encoder(model.encoder.with_layers(layers))  # those that mt embed chose
        return model

    def _load_untrained(self) -> MetaTransformer:
        import mt_core as mt
        from mt_core.data.batches import ensure_calibrated

        made_by = self.record.get("made_by") or {}
        if made_by and "options" not in made_by:
            raise SearchError("the index does not say what made its vectors", fix="say it: --run DIR")
        layers = self.record.get("layers")
        encoder = self.encoder or self.record.get("encoder")
        options = made_by.get("options", {})
        seed = made_by.get("seed", 0)
        given = {"layers": layers, "token_budget": self.record.get("token_budget"), "seed": seed, "device": self.device}
        model = mt.load(self.modality, encoder=encoder, **given, **options)
        if calibration := self.record.get("calibration"):
            ensure_calibrated(model, [], recorded=calibration)
        return model

    def _check(self, model: MetaTransformer) -> None:
        """Refuse a model whose vectors cannot be compared with those of the index."""
        from mt_core.data.pooled_vectors import vector_identity

        task = model.head.task if model.head is not None else None
        identity = vector_identity(model, self.record.get("pool", "mean"), "32")
        width = {"width": self.space.get("width")}  # of the vectors, which are compared by it when they are there
        space = space_of({**identity, **width, "space": getattr(task, "space", None)})
        if differing := difference(self.space, space):
            what = f"the run in {self.run}" if self.run else f"the model of {self.modality}"
            raise FingerprintError(
                f"{what} is not the one that made the vectors: another {differing}",
                fix="give --run DIR of the run that made them (or --encoder FILE), or embed and index again",
            )


def query_models(
    record: dict[str, Any], *, run: str | None = None, encoder: str | None = None, device: str | None = None
) -> list[QueryModel]:
    """The models that queries of an index can be embedded with: those that made its vectors; of a space that several
    inputs share, the others as well, whose runs are in the folders beside; of an encoder of two towers that of the
    other one.

    Args:
        record: Of the index.
        run: The folder of a run, or of several, in place of those that were recorded.
    """
    space: Space = record["space"]
    found: dict[tuple[str, str], QueryModel] = {}
    more: dict[str, Any] = {"space": space, "encoder": encoder, "device": device}
    for model in record["models"]:
        recorded = run or (model.get("made_by") or {}).get("run", "")
        folders = _runs(recorded, space.get("space")) if recorded else {}
        for folder, said in folders.items():
            modality = str(said.get("modality", ""))
            is_aligned = "space" in (said.get("task") or {})
            own = {**model, "modality": modality, "pool": "head"} if is_aligned else model
            name = Path(folder).name if is_aligned else modality
            found.setdefault((name, modality), QueryModel(name, modality, own, folder, **more))
        if not folders or "options" in (model.get("made_by") or {}):
            name = model["modality"]
            recorded = "" if folders else recorded
            found.setdefault((name, name), QueryModel(name, name, model, recorded, **more))
            if "space" in space and not recorded:  # that of an encoder of two towers
                for other in _of_other_tower(name):
                    own = {**model, "modality": other, "made_by": {"options": {}, "seed": 0}, "calibration": None}
                    found.setdefault((other, other), QueryModel(other, other, own, "", **more))
    return list(found.values())


def _of_other_tower(modality: str) -> list[str]:
    """The installed modalities that are embedded by the other of two towers than this one: those of texts, or those
    that are pictures and nothing else."""
    from mt_core.plugins import find, list_modalities

    raw = {name: find(name).raw for name in list_modalities()}
    texts = [name for name, each in raw.items() if each.get("cells") == "text"]
    if modality not in texts:
        return texts
    pictures = [name for name, each in raw.items() if not each.get("cells") and not each.get("views")]
    return [name for name in pictures if "init_from_encoder" in raw[name].get("capabilities", ())]


def _runs(folder: str, space: str | None) -> dict[str, dict[str, Any]]:
    """The run in a folder, or the runs below it, with their records; for an aligned run also its sibling runs."""
    there = Path(folder)
    if not there.is_dir():
        return {}
    if (there / _RUN).is_file():
        around = sorted(path for path in there.absolute().parent.iterdir() if path.is_dir()) if space else []
        around = [there.absolute(), *around]
    else:
        around = sorted(path for path in there.iterdir() if path.is_dir())
    found: dict[str, dict[str, Any]] = {}
    for path in around:
        said = _run_record(path)
        if said is not None and (space is None or (said.get("task") or {}).get("space") == space):
            found.setdefault(str(path), said)
    return found


def _run_record(folder: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((folder / _RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def choose(models: Sequence[QueryModel], query: Any, wanted: str | None) -> QueryModel:
    """The model that a query is embedded with: the one that was asked for, or the only one that reads it.

    Raises:
        OptionError: nobody's name, or a query that several read.
        MtError: a query that none reads: what the nearest one says of it.
    """
    if wanted is not None:
        chosen = [model for model in models if model.name == wanted] or [m for m in models if m.modality == wanted]
        if len(chosen) == 1:
            return chosen[0]
        raise OptionError(
            f"--as {wanted}: the index has {'several models of it' if chosen else 'no model of it'}",
            fix=f"choose one of {', '.join(model.name for model in models)}",
        )
    if len(models) == 1:
        return models[0]
    if isinstance(query, str | Path) and os.path.isfile(query):
        by_suffix = [model for model in models if str(query).lower().endswith(model.suffixes)]
        models = by_suffix or models
        if len(models) == 1:
            return models[0]
    readable, refusals = [], []
    for model in models:
        try:
            next(iter(model.load().tokenizer.stream(query)))
        except MtError as error:
            refusals.append(error)
        except StopIteration:
            pass
        else:
            readable.append(model)
    if len(readable) == 1:
        return readable[0]
    names = ", ".join(model.name for model in readable or models)
    if not readable:
        raise refusals[0] if refusals else OptionError(f"{name_of(query)} is read by none of {names}")
    raise OptionError(f"{name_of(query)} can be read as {names}", fix=f"say which: --as {readable[0].name}")
