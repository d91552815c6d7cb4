"""The projection that an encoder was trained with.  D width, E width of the space."""

from __future__ import annotations

from torch import Tensor, nn

from mt_core.contract import AnyTask
from mt_core.heads.alignment import AlignmentHead
from mt_core.heads.pooled import PooledOptions


class ProjectionHead(AlignmentHead):
    """[CLS] times a matrix: the vectors of one of two towers that were trained together. It learns nothing.

    Source: Radford et al. 2021 (CLIP), arXiv:2103.00020, figure 3.
    """

    def __init__(self, width: int, task: AnyTask, options: PooledOptions | None = None) -> None:
        super().__init__(width, task, options or PooledOptions(pool="cls"))
        self.readout = nn.Sequential(nn.Linear(width, task.num_outputs, bias=False))

    def take(self, projection_DE: Tensor) -> None:
        """Become this projection."""
        self.readout[0].weight = nn.Parameter(projection_DE.T.clone(), requires_grad=False)
