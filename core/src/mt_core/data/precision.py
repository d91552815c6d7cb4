"""Numerical precision: what there is, and whether a machine computes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mt_core.errors import OptionError

if TYPE_CHECKING:
    import torch

Precision = Literal["32", "bf16"]


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse bfloat16 where the machine would only emulate it.

    Raises:
        OptionError: with what to use in its place.
    """
    if precision == "bf16" and not has_bf16(device):
        raise OptionError(f"this {device.type} has no bfloat16 arithmetic", fix="use precision 32")


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 itself: a GPU of 2020 or later, a CPU with AVX-512 BF16 or AMX."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return False
