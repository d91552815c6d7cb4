"""The runs that are served, on as few encoders as they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt_core.contract import Pool
from mt_core.data.backed_model import with_precision
from mt_core.data.pooled_vectors import VectorsFrom
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.embedding.pooling import for_vectors
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import OptionError, did_you_mean
from mt_core.model import MetaTransformer
from mt_core.plugins import Plugin, get
from mt_core.training.run import load_run
from mt_core.training.run_record import read_finished
from mt_serve.refusals import Refusal


@dataclass(frozen=True)
class ServedRun:
    """A run, ready to be asked.

    Attributes:
        name: As requests call it.
        model: On an encoder that it shares with all runs of the same fingerprint.
        plugin: Of its modality.
        precision: That its encoder computes in.
    """

    name: str
    model: MetaTransformer
    plugin: Plugin
    precision: Precision = "32"

    def to_predict(self) -> MetaTransformer:
        """The model, its encoder computed in the precision.

        Raises:
            OptionError: a run without a head.
        """
        self.model.require_head()
        return with_precision(self.model, self.precision)

    def to_embed(self, pool: Pool | None) -> tuple[MetaTransformer, VectorsFrom]:
        """The model whose features become vectors, and how; see `mt_core.embed`."""
        model, made_by = for_vectors(self.model, pool)
        return with_precision(model, self.precision), made_by

    def vectors_from(self, pool: Pool | None) -> VectorsFrom:
        """What makes its vectors, as `to_embed` has it, without a model in the precision, which takes memory."""
        return for_vectors(self.model, pool)[1]

    def describe(self) -> dict[str, Any]:
        """What `/models` says of it."""
        head, encoder = self.model.head, self.model.encoder
        task = None if head is None else head.task.model_dump(mode="json")
        return {
            "name": self.name,
            "modality": self.model.modality,
            "description": self.model.description,
            "task": task,
            "suffixes": list(self.plugin.manifest.suffixes),
            "inputs": list(self.model.tokenizer.inputs),
            "encoder": {"name": str(encoder.name), "fingerprint": encoder.fingerprint, "width": encoder.width},
            "precision": self.precision,
        }


class Runs:
    """The runs of a server, by name.

    Args:
        runs: Their names are different.

    Raises:
        OptionError: two of one name.
    """

    def __init__(self, runs: Sequence[ServedRun]) -> None:
        self.by_name: dict[str, ServedRun] = {}
        for run in runs:
            if run.name in self.by_name:
                raise OptionError(
                    f"two runs are called {run.name}", fix=f"name one of them: mt serve other={run.model.run} …"
                )
            self.by_name[run.name] = run

    def __iter__(self) -> Iterator[ServedRun]:
        return iter(self.by_name.values())

    def choose(self, name: str | None) -> ServedRun:
        """The run that a request names; the only one where it names none.

        Raises:
            Refusal: 404, no such run; 400, several and none named.
        """
        known = ", ".join(self.by_name)
        if name is None and len(self.by_name) == 1:
            return next(iter(self.by_name.values()))
        if name is None:
            raise Refusal("several runs are served, and the request names none", fix=f"add ?run=NAME, of {known}")
        if name not in self.by_name:
            problem = f"no run is called {name!r}{did_you_mean(name, self.by_name)}"
            raise Refusal(problem, fix=f"choose of {known}", status=404)
        return self.by_name[name]

    @property
    def fingerprints(self) -> list[str]:
        """Of the different encoders."""
        return list(dict.fromkeys(run.model.encoder.fingerprint for run in self.by_name.values()))


def load_runs(
    named: Sequence[str],
    *,
    encoder: str | None = None,
    device: str | None = None,
    precision: Precision = "32",
) -> Runs:
    """Load runs; those of one encoder share it.

    Args:
        named: Folders of runs, each as it is (then the run is called by the folder) or as NAME=FOLDER.
        encoder: Where to get the encoder from, if not by the name that the runs recorded.
        device: None: CPU.

    Raises:
        MtError: a run that cannot be loaded, or two of one name.
    """
    bases: dict[str, Encoder] = {}
    runs = []
    for each in named:
        name, folder = name_and_folder(each)
        wanted = read_finished(folder).get("encoder", {})
        base = bases.get(wanted.get("fingerprint", ""))
        if base is None:
            base = load_encoder(encoder or wanted.get("name"))
            bases[base.fingerprint] = base
        model = load_run(folder, encoder=base, device=device)
        chosen = resolve_precision(model.encoder, precision)
        runs.append(ServedRun(name, model, get(model.modality), chosen))
    return Runs(runs)


def name_and_folder(given: str) -> tuple[str, Path]:
    """What NAME=FOLDER says; of a folder alone its own name."""
    name, equals, folder = given.partition("=")
    if equals and name and not Path(given).is_dir():
        return name, Path(folder)
    return Path(given).resolve().name, Path(given)
