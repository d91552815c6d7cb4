"""Regular grids to patch tokens.  B batch, C channels, D width, N patches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange, reduce, repeat
from torch import Tensor, nn

from mt_core.errors import TokensError

_Convolution = type[nn.Conv1d] | type[nn.Conv2d] | type[nn.Conv3d]
_CONVOLUTIONS: dict[int, _Convolution] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


class PatchEmbed(nn.Module):
    """A convolution over patches of a line, a plane or a volume: one token a patch, in row-major order.

    Args:
        channels: C of the input.
        width: D of the tokens.
        patch: Extent of a patch along each axis; its length is the number of axes, 1 to 3.
        stride: Distance of neighbouring patches along each axis; by default `patch`, so that they do not overlap.

    Source: Dosovitskiy et al. 2021 (ViT), arXiv:2010.11929, equation 1.
    """

    def __init__(
        self, channels: int, width: int, patch: Sequence[int], stride: Sequence[int] | None = None, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.patch = tuple(patch)
        self.stride = tuple(stride) if stride is not None else self.patch
        convolution = _CONVOLUTIONS[len(self.patch)]
        self.project = convolution(channels, width, self.patch, self.stride, bias=bias)  # type: ignore[arg-type]

    def grid(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The lattice of patches over an input of this shape (axes only, without batch and channels).

        Raises:
            TokensError: an input smaller than one patch.
        """
        if any(size < patch for size, patch in zip(shape, self.patch, strict=True)):
            raise TokensError(
                f"an input of {tuple(shape)} is smaller than one patch of {self.patch}",
                fix="enlarge or pad the input, or choose a smaller patch",
            )
        return tuple(
            (size - patch) // stride + 1 for size, patch, stride in zip(shape, self.patch, self.stride, strict=True)
        )

    def forward(self, grid_BC: Tensor) -> Tensor:
        """(B, C, *axes) to (B, N, D); a remainder that does not fill a patch is left out.

        On a CPU always in the weights' precision: there, under autocast to bfloat16, PyTorch 2.15 gives wrong numbers
        for many convolutions, 6 channels in patches of 16 x 16 among them (seen on an Intel Xeon with AMX).
        """
        self.grid(grid_BC.shape[2:])
        if grid_BC.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                patches: Tensor = self.project(grid_BC.to(self.project.weight.dtype))
        else:
            patches = self.project(grid_BC)
        return rearrange(patches.flatten(2), "b d n -> b n d")


def adapt_channels(kernel_DC: Tensor, channels: int) -> Tensor:
    """A patch kernel learned on some channels, for an input of another number of them.

    One channel gets the sum over the learned ones (a grey picture answers as the same grey in every channel did); more
    channels repeat their mean, scaled so that a constant input answers as before.

    Args:
        kernel_DC: (D, C, *patch) weights of a convolution.

    Returns:
        (D, channels, *patch).
    """
    learned = kernel_DC.shape[1]
    if channels == learned:
        return kernel_DC.clone()
    mean_D1 = reduce(kernel_DC, "d c ... -> d 1 ...", "mean")
    return repeat(mean_D1, "d 1 ... -> d c ...", c=channels) * (learned / channels)


def copy_kernel(patches: PatchEmbed, weight: Tensor, bias: Tensor | None) -> None:
    """Start a patch embedding from learned weights, adapted to its channels and patch size.

    A kernel of another patch size is resampled bilinearly and rescaled, so that a constant input answers as before.
    """
    own = patches.project.weight
    kernel = adapt_channels(weight.detach(), own.shape[1])
    if kernel.shape[2:] != own.shape[2:]:
        area = float(torch.tensor(kernel.shape[2:]).prod() / torch.tensor(own.shape[2:]).prod())
        kernel = nn.functional.interpolate(kernel, size=own.shape[2:], mode="bilinear", antialias=True) * area
    with torch.no_grad():
        own.copy_(kernel)
        if patches.project.bias is not None:
            patches.project.bias.copy_(bias.detach()) if bias is not None else patches.project.bias.zero_()
