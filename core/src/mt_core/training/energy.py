"""The energy that a piece of work took, where the machine tells: of its processors by Linux, of a GPU by NVIDIA."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Self

import torch

POWERCAP = Path("/sys/class/powercap")

_SECONDS = 2.0
"""Between two looks. The counter of a processor begins again after an hour or less, and a GPU says its power alone."""

_COUNTED = ("package", "dram")
"""Zones that hold no part of each other. Source: Linux, Documentation/power/powercap/powercap.rst."""


class Energy:
    """Measures energy while its block runs. Other programs on the same processors count too.

    Attributes:
        joules: After the block by what was measured: "processors" (their packages, and memory where the machine counts
            it) and "gpu"; without what the machine does not tell, or does not let this user read to the end.
    """

    def __init__(self, device: torch.device, powercap: Path = POWERCAP, seconds: float = _SECONDS) -> None:
        self.device, self.seconds = device, seconds
        self.joules: dict[str, float] = {}
        self._zones = [zone for zone in (_Zone.of(path) for path in sorted(powercap.glob("*:*"))) if zone is not None]
        self._watts = _gpu_watts(device)
        self._gpu = 0.0
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        self._before = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="energy", daemon=True)
        if self._zones or self._watts is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._thread.ident is not None:
            self._thread.join()
            self._look()
        if self._zones:
            self.joules["processors"] = round(sum(zone.joules for zone in self._zones), 3)
        if self._watts is not None:
            self.joules["gpu"] = round(self._gpu, 3)

    def _watch(self) -> None:
        while not self._is_over.wait(self.seconds):
            self._look()

    def _look(self) -> None:
        if not all([zone.look() for zone in self._zones]):
            self._zones = []  # a part of the energy is no measure of it
        now, watts = time.monotonic(), _gpu_watts(self.device) if self._watts is not None else None
        if watts is not None and self._watts is not None:
            self._gpu += (watts + self._watts) / 2 * (now - self._before)
        self._watts, self._before = watts, now


class _Zone:
    """A counter of microjoules that begins again at the end of its range."""

    def __init__(self, path: Path, last: int, span: int) -> None:
        self.path, self.last, self.span = path, last, span
        self.joules = 0.0

    @classmethod
    def of(cls, path: Path) -> Any:
        """None where it counts what another one counts as well, or may not be read."""
        try:
            if not (path / "name").read_text("ascii").startswith(_COUNTED) or "mmio" in path.name:
                return None
            return cls(path, _number(path / "energy_uj"), _number(path / "max_energy_range_uj"))
        except (OSError, ValueError):
            return None

    def look(self) -> bool:
        """Whether it can still be read."""
        try:
            now = _number(self.path / "energy_uj")
        except (OSError, ValueError):
            return False
        self.joules += (now - self.last) % (self.span + 1) / 1e6
        self.last = now
        return True


def _number(path: Path) -> int:
    return int(path.read_text("ascii"))


def _gpu_watts(device: torch.device) -> float | None:
    """What a GPU draws now; None where it does not tell, or pynvml is not installed."""
    if device.type != "cuda":
        return None
    try:
        return torch.cuda.power_draw(device) / 1000
    except Exception:  # pynvml's own, of drivers without the question, and where it is missing
        return None
