"""What comes after a window of a series.  B samples, C channels, N tokens a channel, D width, H steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Features, Forecasting, Head, Options
from mt_core.errors import OptionError

if TYPE_CHECKING:
    import torchmetrics

_TOLD = 4  # channels


class ForecastingOptions(Options):
    """How tokens become a forecast."""

    rank: int = Field(default=32, ge=1, description="Numbers kept of each token before the places are weighted.")
    slots: int = Field(default=64, ge=1, description="Places that have weights; older tokens are not read.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Share of those numbers that is dropped in training.")


class ForecastingHead(Head):
    """A linear map from the patch tokens of a channel to its next H steps, the same for every channel.

    The channels of a series are its views, one token a patch, the newest last. A token is read by the weights of its
    place counted from the end, so that windows of any length share them. The map works on the window's own scale, and
    `side` says what that is: `mean` and `scale`, both (B, C) in the unit of the series (reversible instance
    normalisation).

    Sources: Nie et al. 2023 (PatchTST), arXiv:2211.14730, section 3.1, for the flattened linear head; Kim et al. 2022
    (RevIN), ICLR, for the scale.
    """

    Options = ForecastingOptions
    options: ForecastingOptions
    kinds = ("forecasting",)
    primary = "mse"
    higher_is_better = False

    def __init__(self, width: int, task: AnyTask, options: ForecastingOptions | None = None) -> None:
        super().__init__(width, task, options)
        if not isinstance(task, Forecasting):
            raise OptionError(f"ForecastingHead does not take a task of kind {task.kind!r}", fix="use it to forecast")
        self.channels, self.horizon = task.channels, task.horizon
        rank, slots = self.options.rank, self.options.slots
        self.reduce = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, rank), nn.Dropout(self.options.dropout))
        # from zero, the window's mean: noise in directions that the training windows never point to would stay
        self.weight_SRH = nn.Parameter(torch.zeros(slots, rank, task.horizon))
        self.bias_H = nn.Parameter(torch.zeros(task.horizon))
        self.mean_C: Tensor
        self.scale_C: Tensor
        self.register_buffer("mean_C", torch.tensor(task.mean))
        self.register_buffer("scale_C", torch.tensor(task.scale))

    def forward(self, features: Features) -> Tensor:
        """(B, H, C) in the unit of the series.

        Raises:
            OptionError: features of another number of channels, or without `side["mean"]` and `side["scale"]`.
        """
        if features.views != len(self.channels) or not {"mean", "scale"} <= features.side.keys():
            raise OptionError(
                f"a forecast of {len(self.channels)} channels needs as many views, each with its mean and scale; there "
                f"are {features.views} views and {', '.join(features.side) or 'no side information'}",
                fix="forecast series of the channels that the run was trained on",
            )
        reduced_MNR = self.reduce(features.tokens)
        placed_MSR = self._by_place(reduced_MNR, features.mask)
        # the newest place comes first, so the first weights are those that every window uses
        steps_MH = torch.einsum("msr,srh->mh", placed_MSR, self.weight_SRH[: placed_MSR.shape[1]]) + self.bias_H
        steps_BHC = rearrange(steps_MH, "(b c) h -> b h c", c=features.views).float()
        return steps_BHC * features.side["scale"][:, None, :] + features.side["mean"][:, None, :]

    def _by_place(self, reduced_MNR: Tensor, mask_MN: Tensor | None) -> Tensor:
        """(M, S', R) the newest token first; zeros where a window has no token so old."""
        if mask_MN is None:
            return reduced_MNR.flip(1)[:, : self.options.slots]
        place_MN = mask_MN.flip(1).cumsum(1).flip(1) - 1
        is_read_MN = mask_MN & (place_MN < self.options.slots)
        placed_MSR = reduced_MNR.new_zeros(
            reduced_MNR.shape[0], min(self.options.slots, mask_MN.shape[1]), self.options.rank
        )
        rows, columns = is_read_MN.nonzero(as_tuple=True)
        return placed_MSR.index_put((rows, place_MN[rows, columns]), reduced_MNR[rows, columns])

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean squared error on the standardised scale of (B, H, C) values; NaN adds nothing."""
        known = ~target.isnan()
        error = (output - target.nan_to_num(0.0)) / self.scale_C
        squares = torch.where(known, error.square(), torch.zeros_like(error))
        return squares.sum() / known.sum().clamp(min=1)

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The next H values of each channel, in the unit of the series."""
        rows = output.float().cpu().transpose(1, 2).tolist()
        return [{"prediction": dict(zip(self.channels, channels, strict=True))} for channels in rows]

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        """Of each channel the first and the last of its forecast steps; of many channels the first few."""
        channels = list(decoded["prediction"].items())
        told = ", ".join(f"{name} {steps[0]:.4g} … {steps[-1]:.4g}" for name, steps in channels[:_TOLD])
        others = f" and {len(channels) - _TOLD} more" if len(channels) > _TOLD else ""
        return f"{self.horizon} steps: {told}{others}"

    def metrics(self) -> torchmetrics.MetricCollection:
        """mse and mae over all steps and channels, on the standardised scale of the training part."""
        import torchmetrics

        return torchmetrics.MetricCollection(
            {"mse": torchmetrics.MeanSquaredError(), "mae": torchmetrics.MeanAbsoluteError()}, compute_groups=False
        )

    def baseline(self, known: Tensor, target: Tensor) -> Tensor:
        """Each channel's mean."""
        return self.mean_C.expand(target.shape)

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        known = ~target.isnan()
        standardised = ((values.float() - self.mean_C) / self.scale_C for values in (output, target))
        predicted, true = (values[known] for values in standardised)
        return predicted, true
