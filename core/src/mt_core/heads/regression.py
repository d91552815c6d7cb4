"""One or several numbers.  B samples, T targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Regression
from mt_core.heads.pooled import PooledHead, PooledOptions, mean_of_known

if TYPE_CHECKING:
    import torchmetrics

_LOSSES: dict[str, Callable[..., Tensor]] = {
    "mse": nn.functional.mse_loss,
    "huber": nn.functional.smooth_l1_loss,
    "mae": nn.functional.l1_loss,
}


class RegressionOptions(PooledOptions):
    """How numbers are learned."""

    objective: Literal["mse", "huber", "mae"] = Field(
        default="mse", description="The loss; huber: smooth L1 with its bend at one standard deviation."
    )


class RegressionHead(PooledHead):
    """Numbers, learned on the standardised scale of the training targets and given in their own unit."""

    Options = RegressionOptions
    options: RegressionOptions
    kinds = ("regression",)
    primary = "rmse"
    higher_is_better = False

    def __init__(self, width: int, task: AnyTask, options: RegressionOptions | None = None) -> None:
        super().__init__(width, task, options)
        assert isinstance(task, Regression)
        self.names = task.names
        self.mean_T: Tensor
        self.scale_T: Tensor
        self.register_buffer("mean_T", torch.zeros(len(task.names)))
        self.register_buffer("scale_T", torch.ones(len(task.names)))

    def calibrate(self, targets: Sequence[Any]) -> None:
        """Mean and standard deviation of the known training targets; a constant target keeps a scale of one."""
        target_NT = self.task.stack(targets).double()
        known_NT = ~target_NT.isnan()
        count_T = known_NT.sum(0).clamp(min=1)
        mean_T = target_NT.nan_to_num(0.0).sum(0) / count_T
        deviation_NT = torch.where(known_NT, target_NT - mean_T, torch.zeros_like(target_NT))
        scale_T = (deviation_NT.square().sum(0) / count_T).sqrt()
        self.mean_T.copy_(mean_T)
        self.scale_T.copy_(torch.where(scale_T > 0, scale_T, torch.ones_like(scale_T)))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The objective between standardised (B, T) predictions and targets; NaN adds nothing."""
        known = ~target.isnan()
        standardised = (target.nan_to_num(0.0) - self.mean_T) / self.scale_T
        return mean_of_known(_LOSSES[self.options.objective](output.float(), standardised, reduction="none"), known)

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """One number a name, in the targets' own unit; a task with one name gives the number alone."""
        rows = self._in_unit(output).cpu().tolist()
        if len(self.names) == 1:
            return [{"prediction": row[0]} for row in rows]
        return [{"prediction": dict(zip(self.names, row, strict=True))} for row in rows]

    def metrics(self) -> torchmetrics.MetricCollection:
        """rmse and mae in the targets' unit, over all known targets, and r2."""
        import torchmetrics

        return torchmetrics.MetricCollection(
            {
                "rmse": torchmetrics.MeanSquaredError(squared=False),
                "mae": torchmetrics.MeanAbsoluteError(),
                "r2": torchmetrics.R2Score(),
            },
            compute_groups=False,
        )

    def baseline(self, known: Tensor, target: Tensor) -> Tensor:
        """The mean, which is zero on the standardised scale."""
        return torch.zeros(len(target), len(self.names), device=self.mean_T.device)

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        known = ~target.isnan()
        return self._in_unit(output)[known], target[known]

    def _in_unit(self, output: Tensor) -> Tensor:
        return output.float() * self.scale_T + self.mean_T
