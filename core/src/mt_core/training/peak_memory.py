"""The most memory that a piece of work had at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch

_PROCESS = Path("/proc/self")


class PeakMemory:
    """Within it memory is watched: of a GPU what torch took there, else of this process (Linux alone).

    Attributes:
        bytes: The peak, after the block; None where the system does not tell.
    """

    bytes: int | None = None

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __enter__(self) -> Self:
        self._is_reset = True
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            try:
                (_PROCESS / "clear_refs").write_text("5", encoding="ascii")  # the peak begins again at what is used now
            except OSError:
                self._is_reset = False
        return self

    def __exit__(self, *_: object) -> None:
        if self.device.type == "cuda":
            self.bytes = torch.cuda.max_memory_allocated(self.device)
        elif self._is_reset:
            lines = (_PROCESS / "status").read_text(encoding="ascii").splitlines()
            self.bytes = next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), None)
