"""What is seen around a step, before patches are cut.  R rows, C channels, L steps, P patch, N patches, D width."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_KERNEL = 5
_DILATIONS = (1, 2, 4)


class DilatedStem(nn.Module):
    """Convolutions over time that add to each other, each seeing twice as far: 16 steps to either side in all.

    Not normalised on the way, so that the size of a movement is kept.

    Args:
        channels: C that come in.
        hidden: Channels that go out.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, hidden, _KERNEL, padding="same")
        self.further = nn.ModuleList(
            nn.Conv1d(hidden, hidden, _KERNEL, padding="same", dilation=dilation) for dilation in _DILATIONS
        )

    def forward(self, values_RCL: Tensor, real_R1L: Tensor) -> Tensor:
        """(R, hidden, L).

        Args:
            real_R1L: True where a step is real. What lies beyond is zeros, and becomes zeros again.
        """
        hidden_RHL = nn.functional.gelu(self.first(values_RCL)) * real_R1L
        for convolution in self.further:
            hidden_RHL = (hidden_RHL + nn.functional.gelu(convolution(hidden_RHL))) * real_R1L
        return hidden_RHL


class Spectrum(nn.Module):
    """How much of each frequency there is in each patch, whatever its phase.

    Args:
        channels: C.
        width: D.
        patch, stride: In steps.
    """

    window_P: Tensor

    def __init__(self, channels: int, width: int, patch: int, stride: int) -> None:
        super().__init__()
        self.patch, self.stride = patch, stride
        self.register_buffer("window_P", torch.hann_window(patch + 2)[1:-1], persistent=False)
        self.project = nn.Linear(channels * (patch // 2 + 1), width)

    def forward(self, values_RCL: Tensor) -> Tensor:
        """(R, N, D)."""
        patches_RCNP = values_RCL.float().unfold(-1, self.patch, self.stride) * self.window_P
        # of a sine of amplitude 1, about 1; small amplitudes are told apart down to a tenth
        amplitudes = torch.fft.rfft(patches_RCNP).abs() * (2 / self.window_P.sum())
        logarithms_RCNF = torch.log1p(10 * amplitudes)
        projected: Tensor = self.project(logarithms_RCNF.movedim(1, 2).flatten(2))
        return projected
