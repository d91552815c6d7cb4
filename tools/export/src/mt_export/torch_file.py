"""Programs as files of torch.export, and these files run by PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from mt_export.quiet import quiet


def write_torch(program: ExportedProgram, path: Path) -> None:
    """Write a program as one `.pt2` file."""
    with path.open("wb") as file, quiet():
        torch.export.save(program, file)


class TorchModel:
    """A `.pt2` file, run on the CPU."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.module = torch.export.load(file).module()

    def __call__(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        outputs: tuple[Tensor, ...] = self.module(*batch.values())
        return outputs
