"""Shapes of a program's inputs and outputs, axes that vary by names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.export import ExportedProgram

from mt_export.card import Shape
from mt_export.signature import Signature

BATCH = "batch"


class Shapes:
    """Extents of a program's axes; of those that vary the name, and the range in which they may.

    Attributes:
        inputs, outputs: By name.
        ranges: Of each axis that varies the least and the most, None where there is no bound.
    """

    def __init__(self, program: ExportedProgram, inputs: Signature, outputs: Sequence[str]) -> None:
        values = {node.name: node.meta["val"] for node in program.graph.nodes if "val" in node.meta}
        signature = program.graph_signature
        given = [values[str(name)] for name in signature.user_outputs]
        taken = [values[str(name)] for name in signature.user_inputs]
        # every output has a row for each sample; other axes are called after the first input that has them
        stacked = [tensor for name, tensor in zip(inputs.names, taken, strict=True) if name in inputs.stacked]
        self._names = {str(tensor.shape[0]): BATCH for tensor in (given[0], *stacked)}
        self._names |= {
            str(tensor.shape[axis]): called
            for name, tensor in zip(inputs.names, taken, strict=True)
            for axis, called in inputs.axes.get(name, {}).items()
        }
        self.inputs = self._shapes(inputs.names, taken)
        self.outputs = self._shapes(outputs, given)
        self.ranges = {
            self._names[str(symbol)]: (_least(int(bounds.lower)), _bound(bounds.upper))
            for symbol, bounds in program.range_constraints.items()
            if str(symbol) in self._names
        }

    def _shapes(self, names: Sequence[str], tensors: Sequence[Any]) -> dict[str, Shape]:
        return {
            name: [self._extent(size, name, axis) for axis, size in enumerate(tensor.shape)]
            for name, tensor in zip(names, tensors, strict=True)
        }

    def _extent(self, size: Any, name: str, axis: int) -> int | str:
        if isinstance(size, int):
            return size
        said = str(size)
        if said not in self._names:
            self._names[said] = f"{name}_{axis}"
        return self._names[said]


def _least(lower: int) -> int:
    """A lower end: torch.export assumes 2 where nothing is known, and what it then makes holds for 1 as well, which is
    tried on a sample alone."""
    return 1 if lower <= _ASSUMED else lower


def _bound(upper: Any) -> int | None:
    """An upper end as torch.export gives it; None for infinity, and for what no machine holds."""
    is_whole = isinstance(upper, int) or bool(getattr(upper, "is_Integer", False))
    return int(upper) if is_whole and int(upper) < _NO_BOUND else None


_ASSUMED, _NO_BOUND = 2, 2**31
