"""Vectors in a space that several modalities share.  B samples, E width of the space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from mt_core.contract import Alignment, AnyTask, Features
from mt_core.errors import OptionError
from mt_core.heads.pooled import PooledHead, PooledOptions

if TYPE_CHECKING:
    import torchmetrics


class AlignmentHead(PooledHead):
    """A projection of pooled features to the vectors of length 1 that a space is made of.

    One modality's head alone has nothing to be near to: heads are trained together, on pairs of samples, by `mt align`.
    """

    kinds = ("alignment",)
    primary = "recall"

    def __init__(self, width: int, task: AnyTask, options: PooledOptions | None = None) -> None:
        super().__init__(width, task, options)
        assert isinstance(task, Alignment)
        self.vector_width = task.width

    def vectors(self, features: Features) -> Tensor:
        """(B, E) of length 1, float32."""
        return self.unit(self(features))

    @staticmethod
    def unit(output: Tensor) -> Tensor:
        """(B, E) of length 1, float32, of what `forward` or `from_pooled` gave."""
        return nn.functional.normalize(output.float(), dim=-1)

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The vector of length 1 by which samples of all modalities of the space are compared."""
        return [{"prediction": vector} for vector in self.unit(output).cpu().tolist()]

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        numbers = decoded["prediction"]
        return f"{len(numbers)} numbers: {', '.join(f'{number:.3f}' for number in numbers[:4])}, …"

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Raises OptionError: it takes the vectors of other modalities."""
        raise _alone()

    def metrics(self) -> torchmetrics.MetricCollection:
        """Raises OptionError: it takes the vectors of other modalities."""
        raise _alone()

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Raises OptionError: it takes the vectors of other modalities."""
        raise _alone()


def _alone() -> OptionError:
    return OptionError(
        "one modality alone cannot be trained or measured in a space that several share",
        fix="mt align trains and measures them together, mt zeroshot classifies by them",
    )
