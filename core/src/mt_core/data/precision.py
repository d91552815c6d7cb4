"""Numerical precision: what there is, and whether a machine computes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mt_core.encoder.backend_names import BACKENDS, is_installed, runtime_of
from mt_core.errors import MissingDependencyError, OptionError

if TYPE_CHECKING:
    import torch

TrainingPrecision = Literal["32", "bf16"]
"""What gradients go through: torch's float32, or autocast to bfloat16."""

Precision = Literal[
    "auto",
    "32",
    "fp32",
    "bf16",
    "int8",
    "onednn-32",
    "onednn-bf16",
    "openvino-32",
    "openvino-bf16",
    "openvino-int8",
    "openvino-int8-part",
]
"""auto: the fastest here whose vectors stay those of 32; int8: the fastest of int8; fp32: 32; the others by name."""

MEASURED = ("auto", "int8")
"""Those that are chosen by measurement on this machine (`mt_core.data.precision_choice`)."""

WITH_GRADIENTS = ("auto", "32", "fp32", "bf16")


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse what this machine cannot compute in, or would only emulate.

    Raises:
        OptionError: with what to use in its place.
        MissingDependencyError: the runtime of a backend is not installed.
    """
    if precision.endswith("bf16") and not has_bf16(device):
        raise OptionError(f"this {device.type} has no bfloat16 arithmetic", fix="use precision 32")
    if precision in BACKENDS and device.type != "cpu":
        raise OptionError(f"precision {precision} is for a CPU, not for {device.type}", fix="use precision 32 or bf16")
    if precision in BACKENDS and not is_installed(precision):
        runtime = runtime_of(precision)
        raise MissingDependencyError(f"{runtime} is not installed", fix=f"pip install 'mt-core[{runtime}]'")


def check_with_gradients(precision: Precision) -> None:
    """Refuse what computes forward alone where gradients go through the encoder.

    Raises:
        OptionError: with what to use in its place.
    """
    if precision not in WITH_GRADIENTS:
        raise OptionError(
            f"precision {precision} computes no gradients, and this tuning needs them",
            fix="use precision 32, bf16 or auto; or tune=probe or knn, which need none",
        )


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 itself: a GPU of 2020 or later, a CPU with AVX-512 BF16 or AMX."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return False
