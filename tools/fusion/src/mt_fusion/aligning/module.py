"""What Lightning runs: samples of several inputs to vectors of one space, and these to the loss.

R rows, A and B samples of two inputs, U samples of one, E width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import combinations
from typing import Any, NoReturn

import lightning
import torch
from torch import Tensor, nn

from mt_core import hooks
from mt_core.data.loader import check_failures
from mt_core.data.reading import skipped
from mt_core.errors import InputError, MtError, RunError
from mt_core.heads import AlignmentHead
from mt_core.io.notices import relay
from mt_core.model import MetaTransformer
from mt_core.training.gathering import gather_objects, gather_rows
from mt_core.training.optimizer import adamw, parameter_groups, seed_step
from mt_core.training.ranks import ALONE, Ranks
from mt_fusion.aligning.objective import Contrast, through_cache
from mt_fusion.aligning.pairs import MISSING, Pairs, different
from mt_fusion.aligning.reading import IDS, chunks_of
from mt_fusion.aligning.recipe import AlignRecipe

MEASURED = ("loss", "scale")
"""What is measured of a step, in this order."""

_Chunk = tuple[int, Callable[[], Tensor]]
"""The input that samples belong to, and what gives their vectors."""


class AlignModule(lightning.LightningModule):
    """The models of some inputs under a recipe. Checkpoints hold what is trained, never the frozen encoder.

    Args:
        models: By the number of their input; each with an `AlignmentHead`.
        features: Pooled vectors of all samples of an input whose projection alone learns.
        fixed: Vectors of length 1 of all samples of an input that stays as it is.
        ranks: The processes that learn together. Each encodes its part of the rows of a step, and the loss is that of
            all of them.

    Attributes:
        measured: (len(MEASURED),) of the last step.
        failed: Of the samples that were left out, by the problem.
    """

    def __init__(
        self,
        pairs: Pairs,
        recipe: AlignRecipe,
        models: Mapping[int, MetaTransformer],
        features: Mapping[int, Tensor],
        fixed: Mapping[int, Tensor],
        ranks: Ranks = ALONE,
    ) -> None:
        super().__init__()
        self.pairs, self.recipe, self.ranks = pairs, recipe, ranks
        self.numbers = tuple(models)
        self.models = nn.ModuleList(models.values())
        self.features, self.fixed = dict(features), dict(fixed)
        self.contrast = Contrast(recipe.loss, recipe.temperature)
        self.measured = torch.zeros(len(MEASURED))
        self.failed: dict[str, MtError] = {}
        self._links = {
            (first, second): _codes(pairs, first, second) for first, second in combinations(range(len(pairs.names)), 2)
        }

    def model_of(self, at: int) -> MetaTransformer:
        found: Any = self.models[self.numbers.index(at)]
        return found  # type: ignore[no-any-return]

    @property
    def strict_loading(self) -> bool:
        return False

    @strict_loading.setter
    def strict_loading(self, strict_loading: bool) -> None: ...

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        encoders, ids, rows, failed = self._encoders(batch)
        objective = partial(self._objective, ids=ids, rows=rows, failed=failed)
        if len(encoders) > len(ids):
            trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
            loss = through_cache(
                [encode for _, encode in encoders], partial(objective, [at for at, _ in encoders]), trained
            )
        else:
            loss = objective([at for at, _ in encoders], [encode() for _, encode in encoders])
        if not bool(loss.isfinite()):
            raise RunError(f"the loss is {loss.item()} at step {self.global_step}", fix="align again with a lower lr")
        self.measured = torch.stack([loss.detach(), self.contrast.scale.detach()])
        return loss

    def _encoders(self, batch: Any) -> tuple[list[_Chunk], dict[int, Tensor], Tensor, Sequence[MtError]]:
        """What gives the vectors of each chunk, by input; the samples of each input in their order; the rows; and the
        errors of those that cannot be read."""
        encoders: list[_Chunk] = []
        failed: Sequence[MtError] = ()
        ids: dict[int, Tensor] = {}
        if isinstance(batch, Tensor):
            rows, inputs = batch.cpu(), {}
        else:
            batch = check_failures(batch, skip=True)
            failed = batch["failed"]
            self._note(failed)
            rows, inputs = batch["target"].cpu(), batch["inputs"]
        content_RI = self.pairs.content_RI[rows]
        for at in range(len(self.pairs.names)):
            if f"{at}/{IDS}" in inputs:
                ids[at] = inputs[f"{at}/{IDS}"].cpu()
                for chunk in chunks_of(inputs, at):
                    encoders.append((at, partial(self._encoded, at, chunk, len(encoders))))
            elif at in self.features or at in self.fixed:
                known = different(content_RI[:, at])
                if len(known):
                    ids[at] = known
                    encoders.append((at, partial(self._projected, at, known, len(encoders))))
        return encoders, ids, rows, failed

    def _note(self, failed: Sequence[MtError]) -> None:
        for error in failed:
            if error.problem not in self.failed:
                self.failed[error.problem] = error
                relay([skipped(error)])

    def _encoded(self, at: int, chunk: Mapping[str, Tensor], number: int) -> Tensor:
        self._seed(number)
        model = self.model_of(at)
        with self._autocast():
            return AlignmentHead.unit(model(chunk))

    def _projected(self, at: int, known: Tensor, number: int) -> Tensor:
        if at in self.fixed:
            return self.fixed[at][known].to(self.device)
        self._seed(number)
        head: Any = self.model_of(at).head
        with self._autocast():
            return AlignmentHead.unit(head.from_pooled(self.features[at][known].to(self.device)))

    def _seed(self, number: int) -> None:
        # what a chunk draws is the same both times that it is encoded
        seed_step(self.recipe.seed, self.global_step * 1_009 + number, self.ranks.rank)

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")

    def _objective(
        self,
        owners: Sequence[int],
        vectors: Sequence[Tensor],
        *,
        ids: Mapping[int, Tensor],
        rows: Tensor,
        failed: Sequence[MtError],
    ) -> Tensor:
        """The mean over pairs of inputs that a row of the batch has both of."""
        of_input = {
            at: torch.cat([each for owner, each in zip(owners, vectors, strict=True) if owner == at]).float()
            for at in ids
        }
        if self.ranks.count > 1:
            of_input, ids, rows = self._of_all(of_input, ids, rows)
        if len(ids) < 2:
            self._refuse_few(failed)
        losses = []
        with torch.autocast(self.device.type, enabled=False):
            for first, second in combinations(ids, 2):
                own = {at: torch.isin(ids[at], self._with_both(rows, first, second, at)) for at in (first, second)}
                if not own[first].any():
                    continue
                codes = ids[first][own[first]][:, None] * len(self.pairs.sources[second]) + ids[second][own[second]]
                linked_AB = torch.isin(codes, self._links[first, second]).to(self.device)
                parts = [of_input[at][own[at].to(self.device)] for at in (first, second)]
                losses.append(self.contrast(*parts, linked_AB))
        if not losses:
            raise InputError("no row of a batch has two inputs that can be read", fix="raise batch_size")
        return torch.stack(losses).mean()

    def _of_all(
        self, of_input: Mapping[int, Tensor], ids: Mapping[int, Tensor], rows: Tensor
    ) -> tuple[dict[int, Tensor], dict[int, Tensor], Tensor]:
        """The vectors of each input, their samples, and the rows of all processes; a sample that several of them have
        is there once."""
        vectors_of_all: dict[int, Tensor] = {}
        ids_of_all: dict[int, Tensor] = {}
        for at in range(len(self.pairs.names)):
            gathered = gather_rows((of_input.get(at), ids.get(at)), self.ranks)
            if gathered is None:
                continue
            vectors_UE, ids_U = gathered
            first_of = {index: place for place, index in reversed(list(enumerate(ids_U.tolist())))}
            places = torch.tensor(sorted(first_of.values()))
            vectors_of_all[at] = vectors_UE[places.to(vectors_UE.device)]
            ids_of_all[at] = ids_U.cpu()[places]
        gathered = gather_rows((rows,), self.ranks)
        return vectors_of_all, ids_of_all, rows if gathered is None else gathered[0].cpu()

    def _refuse_few(self, failed: Sequence[MtError]) -> NoReturn:
        errors = [error for of_one in gather_objects(list(failed), self.ranks) for error in of_one]
        raise InputError(
            "a batch has samples of fewer than two inputs" + (f"; {errors[0].problem}" if errors else ""),
            fix=errors[0].fix if errors else "raise batch_size",
        )

    def on_train_end(self) -> None:
        for errors in gather_objects(list(self.failed.values()), self.ranks):
            self._note(errors)

    def _with_both(self, rows: Tensor, first: int, second: int, wanted: int) -> Tensor:
        both = self.pairs.content_RI[rows]
        return different(both[(both[:, first] != MISSING) & (both[:, second] != MISSING)][:, wanted])

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        loss = float(self.measured[0])
        for at in self.numbers:
            hooks.gather("mt_step_end", modality=self.model_of(at).modality, step=self.global_step, loss=loss)

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        groups = parameter_groups(self.named_parameters(), recipe.weight_decay)
        return adamw(groups, recipe.lr, num_steps=recipe.steps, warmup=recipe.warmup)

    def learned_state(self) -> dict[str, Tensor]:
        """What a checkpoint holds of the state: tokenizers, projections, adapters, the scale."""
        return {name: tensor for name, tensor in self.state_dict().items() if _is_learned(name)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: tensor for name, tensor in state.items() if _is_learned(name)}


def _is_learned(name: str) -> bool:
    return name.startswith("contrast.") or ".tokenizer." in name or ".head." in name or "lora_" in name


def _codes(pairs: Pairs, first: int, second: int) -> Tensor:
    """Which samples of two inputs belong together, one number for each two."""
    both = pairs.content_RI[pairs.train][:, [first, second]]
    both = both[(both != MISSING).all(1)]
    return different(both[:, 0] * len(pairs.sources[second]) + both[:, 1])


class RowBatches:
    """Batches of row numbers, for what needs no files: shuffled by seed and epoch, all of one size."""

    def __init__(self, rows: Tensor, batch_size: int, seed: int) -> None:
        self.rows, self.batch_size, self.seed = rows, batch_size, seed

    def __len__(self) -> int:
        return max(1, len(self.rows) // self.batch_size)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Tensor]:
        """The batches of one epoch, from the first that is wanted."""
        generator = torch.Generator().manual_seed(hash((self.seed, epoch)) % 2**63)
        order = torch.randperm(len(self.rows), generator=generator)
        for number in range(first, len(self)):
            yield self.rows[order[number * self.batch_size : (number + 1) * self.batch_size]]
