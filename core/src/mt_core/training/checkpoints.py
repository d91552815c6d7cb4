"""Checkpoints: what an interrupted run goes on from."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mt_core.errors import RunError

CHECKPOINTS = "checkpoints"
"""The folder of them within a run's."""

_LAST = "last"
_PARTS = {"global_step", "loops", "callbacks", "optimizer_states", "lr_schedulers"}


def last_checkpoint(folder: Path) -> Path:
    """Where the checkpoint after a run's last whole epoch is."""
    return folder / CHECKPOINTS / f"{_LAST}.ckpt"


def check_checkpoint(path: Path, expected: Mapping[str, Tensor] | None = None) -> Path:
    """The path of a checkpoint that is whole and nothing but tensors and numbers: torch's own message about another
    would advise to run it.

    Args:
        expected: Tensors of the names and shapes that it must have; None: any.

    Raises:
        RunError: any other.
    """
    fix = "take an earlier copy of the run, or train again; nothing in that file was run"
    try:
        with zipfile.ZipFile(path) as parts:
            if (damaged := parts.testzip()) is not None:  # torch itself does not look at the checksums
                raise zipfile.BadZipFile(damaged)
        state = torch.load(path, map_location="meta", weights_only=True)
        shapes = {name: tensor.shape for name, tensor in state["state_dict"].items()}
        is_whole = state.keys() >= _PARTS
    except Exception as error:
        raise RunError(f"{path} cannot be read as weights alone ({type(error).__name__})", fix=fix) from None
    wanted = shapes if expected is None else {name: tensor.shape for name, tensor in expected.items()}
    if not is_whole or shapes != wanted:
        raise RunError(f"{path} is no checkpoint of this run", fix=fix)
    return path
