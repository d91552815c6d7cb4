"""Tensors from a file of weights. Nothing in a file is ever run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mt_core.encoder.names import check_file
from mt_core.errors import EncoderError

_NESTS = ("state_dict", "model", "module")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file or of a state dict saved by torch, by name.

    Raises:
        EncoderError: no such file, or one that is empty, truncated, of another format, or needs code to be read.
    """
    check_file(path)
    tensors = _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_torch(path)
    if not tensors:
        raise EncoderError(
            f"{path} holds no tensor", fix="give the file of the weights, not of the optimiser or a config"
        )
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise EncoderError(f"{path}: {name} is not finite everywhere", fix="download the file again")
    return tensors


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:
        raise EncoderError(
            f"{path} is no whole safetensors file: {_one_line(error)}", fix="download or copy it again"
        ) from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise EncoderError(
            f"{path} cannot be read as weights alone: {_one_line(error)}",
            fix="download or copy it again; a file that holds code or whole Python objects is not opened: where you "
            "trust it, save its state dict with safetensors.torch.save_file and give that file",
        ) from error
    for nest in _NESTS:
        if isinstance(content, Mapping) and isinstance(content.get(nest), Mapping):
            content = content[nest]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise EncoderError(f"{path} holds no state dict of tensors", fix="save model.state_dict() and give that file")
    return {str(name): tensor for name, tensor in content.items()}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
