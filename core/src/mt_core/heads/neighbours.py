"""What the nearest training samples are.  B samples, N training samples, P pooled width, K neighbours, O outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import MISSING_CLASS, AnyTask, Classification, Head, Options, Pool, pooled_width
from mt_core.errors import OptionError
from mt_core.heads.choice import default_head
from mt_core.heads.pooled import PooledHead

if TYPE_CHECKING:
    import torchmetrics

Distance = Literal["cosine", "euclidean"]
DISTANCES: tuple[Distance, ...] = ("cosine", "euclidean")
COUNTS = (1, 2, 3, 5, 10, 20, 50)
"""How many neighbours are tried, as far as there are so many training samples."""

_KINDS = ("classification", "multilabel", "regression")
_OWN = ("neighbours", "distance")
_AT_A_TIME = 1024
"""Samples whose distances to all training samples are in memory together."""


class NeighbourOptions(Options):
    """How neighbours are found, and what they are asked."""

    pool: Pool = Field(
        default="mean", description="How a sample's tokens become one vector: cls, mean, max, or joined."
    )
    neighbours: int | None = Field(
        default=None, ge=1, description="How many neighbours; none: chosen on the validation part."
    )
    distance: Distance | None = Field(
        default=None,
        description="Of standardised vectors: cosine or euclidean; none: chosen on the validation part.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: a neighbour's class counts inversely to its frequency in training."
    )
    positive: str | None = Field(default=None, description="As for a head of classification.")


class NeighbourHead(PooledHead):
    """The training samples' vectors and targets themselves; a sample gets what its nearest ones have.

    Classes and labels by the share of neighbours that have them, numbers by the mean of those that are known.

    Args:
        width: D, of the features.
        task: Classification, multilabel or regression.
        options: None: the defaults.
        preferred: A plugin's head, which decodes and measures where it is for this kind of task.

    Raises:
        OptionError: another task.
    """

    Options = NeighbourOptions  # type: ignore[assignment]
    options: NeighbourOptions  # type: ignore[assignment]
    kinds = _KINDS

    def __init__(
        self,
        width: int,
        task: AnyTask,
        options: NeighbourOptions | None = None,
        preferred: type[Head] | None = None,
    ) -> None:
        Head.__init__(self, width, task, options)
        if task.kind not in _KINDS:
            raise OptionError(
                f"nearest neighbours have no answer for {task.kind}, whose targets are not one class or number a "
                "sample",
                fix="use --tune probe, which trains the head alone, or --tune frozen",
            )
        own = self.options.model_dump(exclude_defaults=True, exclude={*_OWN})
        self.inner = default_head(width, task, preferred, options=own)
        if isinstance(self.inner, PooledHead):
            self.inner.readout = nn.Sequential()  # never asked
        self.primary, self.higher_is_better = self.inner.primary, self.inner.higher_is_better
        pooled = pooled_width(width, self.options.pool)
        self.vectors_NP: Tensor
        self.targets_NO: Tensor
        self.mean_P: Tensor
        self.scale_P: Tensor
        self.chosen: Tensor
        for name, value in (
            ("vectors_NP", torch.zeros(0, pooled)),
            ("targets_NO", torch.zeros(0, task.num_outputs)),
            ("mean_P", torch.zeros(pooled)),
            ("scale_P", torch.ones(pooled)),
            ("chosen", torch.zeros(2, dtype=torch.int64)),
        ):
            self.register_buffer(name, value)
        self.choose(self.options.neighbours or 1, self.options.distance or "cosine")

    @property
    def neighbours(self) -> int:
        """K."""
        return self._choice[0]

    @property
    def distance(self) -> Distance:
        return DISTANCES[self._choice[1]]

    def choose(self, neighbours: int, distance: Distance) -> None:
        """From now on use these. They are kept as numbers beside the buffer that is saved: while a graph is traced, no
        number can be read from a tensor."""
        self._choice = (neighbours, DISTANCES.index(distance))
        self.chosen.copy_(torch.tensor(self._choice))

    def remember(self, vectors_NP: Tensor, targets: Tensor) -> None:
        """Take the training samples: their pooled vectors, and their targets as the task stacks them."""
        if isinstance(self.task, Classification):
            known = targets != MISSING_CLASS
            vectors_NP, targets = vectors_NP[known], targets[known]
            targets_NO = nn.functional.one_hot(targets, self.task.num_outputs).float()
            targets_NO = targets_NO * getattr(self.inner, "weight_K", torch.ones(())).to(targets_NO.device)
        else:
            known = ~targets.isnan().all(1)
            vectors_NP, targets_NO = vectors_NP[known], targets[known].float()
            if self.task.kind == "regression":
                inner: Any = self.inner
                targets_NO = (targets_NO - inner.mean_T.to(targets_NO)) / inner.scale_T.to(targets_NO)
        precise = vectors_NP.double()
        self.mean_P = precise.mean(0).float()
        scale = precise.std(0, correction=0).float()
        self.scale_P = torch.where(scale > 0, scale, torch.ones_like(scale))
        self.vectors_NP = (vectors_NP.float() - self.mean_P) / self.scale_P
        self.targets_NO = targets_NO

    def counts(self) -> list[int]:
        """The numbers of neighbours that may be tried: the one of the options, or `COUNTS`."""
        most = max(1, len(self.vectors_NP))
        if self.options.neighbours is not None:
            return [min(self.options.neighbours, most)]
        return [count for count in COUNTS if count <= most]

    def distances(self) -> list[Distance]:
        """The distances that may be tried: the one of the options, or both."""
        return [self.options.distance] if self.options.distance is not None else list(DISTANCES)

    def nearest(self, pooled_BP: Tensor, count: int, distance: Distance) -> Tensor:
        """(B, count) indices of the nearest training samples, the nearest first."""
        known_NP = self.vectors_NP
        query_BP = (pooled_BP.float() - self.mean_P) / self.scale_P
        if distance == "cosine":
            known_NP, query_BP = (nn.functional.normalize(each, dim=1) for each in (known_NP, query_BP))
            offset_N = torch.zeros(len(known_NP), device=known_NP.device)
        else:
            offset_N = known_NP.square().sum(1) / 2
        # a graph that is traced takes all samples at once: its number of parts would be fixed
        parts = (query_BP,) if torch.compiler.is_compiling() else torch.split(query_BP, _AT_A_TIME)
        return torch.cat(
            [(part_BP @ known_NP.T - offset_N).topk(min(count, len(known_NP)), dim=1).indices for part_BP in parts]
        )

    def answers(self, nearest_BK: Tensor) -> Tensor:
        """(B, O) scores from the neighbours of each sample, as `Head.forward` gives them."""
        targets_BKO = self.targets_NO[nearest_BK]
        if self.task.kind == "regression":
            known = ~targets_BKO.isnan()
            return targets_BKO.nan_to_num(0.0).sum(1) / known.sum(1).clamp(min=1)
        known_BO = (~targets_BKO.isnan()).sum(1)
        votes_BO = targets_BKO.nan_to_num(0.0).sum(1)
        if self.task.kind == "multilabel":
            share_BO = (votes_BO + 0.5) / (known_BO + 1)
            return torch.logit(share_BO)
        # one more vote, shared by all classes, so that no class is impossible
        return torch.log(votes_BO + 1 / votes_BO.shape[1]) - torch.log(votes_BO.sum(1, keepdim=True) + 1)

    def from_pooled(self, pooled_BP: Tensor) -> Tensor:
        with torch.autocast(pooled_BP.device.type, enabled=False):
            return self.answers(self.nearest(pooled_BP, self.neighbours, self.distance))

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        for name in ("vectors_NP", "targets_NO"):  # as many as there were training samples
            if isinstance(given := state_dict.get(prefix + name), Tensor) and given.ndim == 2:
                setattr(self, name, getattr(self, name).new_zeros(given.shape))
        super()._load_from_state_dict(state_dict, prefix, *rest)
        neighbours, distance = self.chosen.tolist()
        self._choice = (neighbours, distance)

    @property
    def positive_class(self) -> str | None:
        return getattr(self.inner, "positive_class", None)

    def calibrate(self, targets: Sequence[Any]) -> None:
        self.inner.calibrate(targets)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return self.inner.loss(output, target)

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        return self.inner.decode(output)

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        return self.inner.format_prediction(decoded)

    def metrics(self) -> torchmetrics.MetricCollection:
        return self.inner.metrics()

    def baseline(self, known: Tensor, target: Tensor) -> Tensor | None:
        return self.inner.baseline(known, target)

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner.metric_inputs(output, target)


def neighbour_head(
    width: int,
    task: AnyTask,
    preferred: type[Head] | None = None,
    *,
    suggested: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> NeighbourHead:
    """A head of nearest neighbours; the arguments are those of `default_head`."""
    known, suggested = NeighbourOptions.model_fields, suggested or {}
    given = {name: value for name, value in (options or {}).items() if name in known or suggested.get(name) != value}
    return NeighbourHead(width, task, NeighbourOptions.parse(given), preferred)
