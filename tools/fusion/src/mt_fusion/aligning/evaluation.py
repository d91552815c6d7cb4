"""Vectors of samples as they are embedded, and how well those that belong together find each other."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from mt_core.data.batches import encoding
from mt_core.data.loader import Loader, check_failures
from mt_core.errors import MtError
from mt_core.training.gathering import connected, gather_rows
from mt_fusion.aligning.module import AlignModule
from mt_fusion.aligning.pairs import different
from mt_fusion.aligning.reading import Samples
from mt_fusion.aligning.recall import chance, recall


class HeldOut:
    """The rows that are held out: their samples' vectors, by the models as they stand. While several processes are
    connected, each encodes its part of them.

    Args:
        reading: How the `Loader` reads.

    Attributes:
        lost: The errors of samples that cannot be read, by input and sample.
    """

    def __init__(self, module: AlignModule, **reading: Any) -> None:
        self.module, self.reading = module, reading
        self.lost: dict[tuple[int, int], MtError] = {}

    def vectors(self) -> dict[int, tuple[Tensor, Tensor]]:
        """Of each input the samples that can be read and their (U, E) vectors, on the CPU."""
        module, pairs = self.module, self.module.pairs
        found = {}
        for at in range(len(pairs.names)):
            wanted = different(pairs.content_RI[pairs.val, at])
            if at in module.fixed:
                found[at] = (wanted, module.fixed[at][wanted])
            elif at in module.features:
                found[at] = (wanted, self._projected(at, wanted))
            else:
                found[at] = self._encoded(at, wanted)
        return found

    def _projected(self, at: int, wanted: Tensor) -> Tensor:
        model = self.module.model_of(at)
        with _evaluating(model, self.module.recipe.precision):
            head: Any = model.head
            vectors: Tensor = head.unit(head.from_pooled(self.module.features[at][wanted].to(model.device))).cpu()
        return vectors

    def _encoded(self, at: int, wanted: Tensor) -> tuple[Tensor, Tensor]:
        model, pairs = self.module.model_of(at), self.module.pairs
        known = wanted[torch.tensor([(at, index) not in self.lost for index in wanted.tolist()], dtype=torch.bool)]
        samples = Samples(pairs.sources[at], known, pairs.names[at])
        ranks = connected(self.module.ranks)
        ids, vectors = [torch.empty(0, dtype=torch.int64)], []
        with (
            contextlib.closing(
                Loader(samples, model.tokenizer, batch_size=64, part=(ranks.rank, ranks.count), **self.reading)
            ) as loader,
            _evaluating(model, self.module.recipe.precision),
        ):
            for batch in loader:
                batch = check_failures(batch, skip=True)
                self.module._note(batch["failed"])
                if batch["inputs"]:
                    inputs = {name: tensor.to(model.device) for name, tensor in batch["inputs"].items()}
                    made = model.require_head().vectors(model.encode(inputs))
                    assert made is not None
                    vectors.append(made.cpu())
                    ids.append(batch["target"])
        width = self.module.model_of(at).require_head().vector_width or 0
        own = (torch.cat(ids), torch.cat([torch.empty(0, width), *vectors]))
        read, of_read = gather_rows(own, ranks) or own
        self.lost.update({(at, index): MtError("unread") for index in set(known.tolist()) - set(read.tolist())})
        return read.cpu(), of_read.cpu()

    def recalls(self) -> dict[str, dict[str, float]]:
        """In each direction between two inputs."""
        return self._measured(self.vectors())

    def _measured(self, vectors: Mapping[int, tuple[Tensor, Tensor]] | None) -> dict[str, dict[str, float]]:
        pairs = self.module.pairs
        measured = {}
        for first, second in permutations(range(len(pairs.names)), 2):
            first_A, second_B, linked_AB = pairs.linked(pairs.val, first, second)
            name = f"{pairs.names[first]} to {pairs.names[second]}"
            if vectors is not None:
                keep_A, first_AE = _placed(first_A, *vectors[first])
                keep_B, second_BE = _placed(second_B, *vectors[second])
                linked_AB = linked_AB[keep_A][:, keep_B]
            if not linked_AB.any():
                continue
            measured[name] = chance(linked_AB) if vectors is None else recall(first_AE, second_BE, linked_AB)
        return measured

    def by_chance(self) -> dict[str, dict[str, float]]:
        """The same of an order that is drawn."""
        return self._measured(None)


def _placed(wanted: Tensor, ids: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Which of the wanted samples have vectors, and these in their order."""
    row_of = {index: row for row, index in enumerate(ids.tolist())}
    has = torch.tensor([index in row_of for index in wanted.tolist()], dtype=torch.bool)
    return has, vectors[[row_of[index] for index in wanted[has].tolist()]]


@contextlib.contextmanager
def _evaluating(model: Any, precision: Any) -> Any:
    """As `encoding`, and the model trains again afterwards where it did before."""
    was_training = model.training
    try:
        with encoding(model, precision):
            yield
    finally:
        model.train(was_training)
