"""Spectrograms through a few learned convolutions.  B batch, F frames, M mel bins, C channels."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor, nn


class SpectrumStem(nn.Module):
    """Two convolutions along time that see all bins at once.

    Each frame is normalised over its own channels, and nothing is averaged over time; what lies behind a recording's
    end is set to zero after each convolution, which is what the convolution's own border is. So neither the padding nor
    the other recordings of a batch change anything.

    Args:
        bins: M.

    Source: Radford et al. 2022 (Whisper), arXiv:2212.04356, section 2.2, with layer normalisation (Ba et al. 2016,
    arXiv:1607.06450).
    """

    CHANNELS = 128
    REACH = 5

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels, self.CHANNELS, self.REACH, padding=self.REACH // 2)
            for channels in (bins, self.CHANNELS)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(self.CHANNELS) for _ in self.convolutions)

    def forward(self, frames_BFM: Tensor, real_BF: Tensor) -> Tensor:
        """(B, F, M), zero where not real, to (B, F, C), likewise."""
        values_BFC = frames_BFM
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            convolved_BCF = convolution(rearrange(values_BFC, "b f c -> b c f"))
            values_BFC = nn.functional.gelu(norm(rearrange(convolved_BCF, "b c f -> b f c"))) * real_BF[..., None]
        return values_BFC
