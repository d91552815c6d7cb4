"""What is asked of an encoder, in words that another process understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor

from mt_core.contract import Features, Pool
from mt_core.data.batches import computing, encoding
from mt_core.data.pooled_vectors import vectors_from
from mt_core.embedding.memory import answers_of
from mt_core.model import MetaTransformer
from mt_serve.batching import Finish, Work
from mt_serve.runs import Runs, ServedRun
from mt_serve.searching import SearchedIndex


@dataclass(frozen=True)
class Ask:
    """What is to be made of samples.

    Attributes:
        run: The name of the run that they are for.
        what: Answers of its head, or vectors.
        pool: Of vectors; None: see `mt_core.embed`.
        index: The name of the index that vectors are to be compared with, in place of `pool`.
    """

    run: str
    what: Literal["answers", "vectors"]
    pool: Pool | None = None
    index: str | None = None


class Encodes(Protocol):
    """What samples go through: the encoders of this process, or of another."""

    def submit(self, ask: Ask, items: Sequence[dict[str, Tensor]]) -> Future[list[Any]]:
        """Queue prepared samples, at least one.

        Returns:
            What becomes of each: what `Head.decode` gives, or a vector, (width,) float32.
        """
        ...

    def __len__(self) -> int:
        """How many wait, or are at work."""
        ...


class Asks:
    """Makes work of what is asked.

    Args:
        indexes: By name.
    """

    def __init__(self, runs: Runs, indexes: Mapping[str, SearchedIndex]) -> None:
        self.runs, self.indexes = runs, indexes
        self._known: dict[Ask, tuple[ServedRun, MetaTransformer, Finish]] = {}

    def work(self, ask: Ask, items: Sequence[dict[str, Tensor]]) -> Work:
        """The work of one ask. Models are made once: one in another precision holds its first batch against float32."""
        if ask not in self._known:
            run = self.runs.choose(ask.run)
            model, finish = self._answers(run) if ask.what == "answers" else self._vectors(run, ask)
            with encoding(model, run.precision):  # checks both, for all that follow
                self._known[ask] = run, model, finish
        run, model, finish = self._known[ask]
        return Work(model, items, finish, run.precision)

    def _answers(self, run: ServedRun) -> tuple[MetaTransformer, Finish]:
        def finish(model: MetaTransformer, features: Features, items: Sequence[dict[str, Tensor]]) -> Any:
            return answers_of(model, features, items, run.precision)

        return run.to_predict(), finish

    def _vectors(self, run: ServedRun, ask: Ask) -> tuple[MetaTransformer, Finish]:
        by_index = None if ask.index is None else self.indexes[ask.index]
        model, made_by = run.to_embed(ask.pool) if by_index is None else by_index.runs[ask.run]

        def finish(model: MetaTransformer, features: Features, items: Sequence[dict[str, Tensor]]) -> Any:
            with computing(model.device, run.precision):
                return list(vectors_from(model, features, made_by).cpu().numpy())

        return model, finish
