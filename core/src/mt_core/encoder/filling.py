"""Weights of a file into the modules that they are of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mt_core.errors import EncoderError

UNTRAINED = "not trained (its normalisation layers are as at the start)"


def has_learned(module: nn.Module) -> bool:
    """Whether any normalisation layer has changed since it was made, as the first step of any training does."""
    norms = [layer for layer in module.modules() if isinstance(layer, nn.LayerNorm) and layer.elementwise_affine]
    return not norms or any(bool((norm.weight != 1).any()) or bool((norm.bias != 0).any()) for norm in norms)


def copy_all(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], path: Path, what: str, fix: str) -> None:
    """Every wanted tensor from the given ones, in place.

    Args:
        what: They are the weights of, for the message.

    Raises:
        EncoderError: some are missing, left over or of another shape.
    """
    missing, left = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    misshapen = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in given and (given[name].shape != tensor.shape or not given[name].is_floating_point())
    ]
    wrong = {"missing": missing, "not expected": left, "of another shape or type": misshapen}
    if any(wrong.values()):
        found = "; ".join(f"{kind}: {few(names)}" for kind, names in wrong.items() if names)
        raise EncoderError(
            f"{path} does not hold the weights of {what} ({found})",
            fix=fix,
        )
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(given[name])  # a copy: what is loaded must not change with the file


def few(names: Any) -> str:
    """The first names of many, for a message."""
    names = list(names)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
