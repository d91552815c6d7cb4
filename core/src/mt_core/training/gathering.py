"""What several processes compute of one batch, put together: every process then has the loss and the metrics of it all.

B rows of all processes, W processes. A loss of gathered rows is that of one process which has the whole batch: means
over unequal parts, negatives and the hardest triplets are right without further ado.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, distributed

from mt_core.contract import MISSING_CLASS
from mt_core.errors import MtError
from mt_core.training.ranks import ALONE, Ranks, fault_of_another

_AXES = 6  # the most that a gathered tensor may have


class _AllRows(torch.autograd.Function):
    """(W, …) of equal tensors. Every process computes the same from them, and so the same gradient: it takes its own
    part, W times, because gradients are averaged over the processes."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        parts = [torch.empty_like(own) for _ in range(ranks.count)]
        distributed.all_gather(parts, own.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0][ctx.ranks.rank] * ctx.ranks.count, None


def gather_rows(rows: Sequence[Tensor | None], ranks: Ranks, failure: MtError | None = None) -> list[Tensor] | None:
    """The rows of all processes, in the order of a batch that was dealt out row by row; None where there are none.

    Args:
        rows: Tensors with one row a sample, of as many rows; None in place of all where this process has no sample.
            Where processes have other shapes behind the first axis, the smaller are filled up with NaN or
            `MISSING_CLASS`.
        failure: Why this process cannot go on.

    Raises:
        MtError: `failure`; or a `RunError`, where another process cannot go on.
    """
    if ranks is ALONE or ranks.count == 1:
        if failure is not None:
            raise failure
        return None if any(tensor is None for tensor in rows) else [tensor for tensor in rows if tensor is not None]
    device = _device(rows)
    shapes = _shapes(rows, failure is not None, device, ranks)
    if failure is not None:
        raise failure
    if int(shapes[:, 0].max()) > 0:
        raise fault_of_another()
    counts = [int(count) for count in shapes[:, 1]]
    if not sum(counts):
        return None
    most = max(counts)
    order = [rank * most + row for row in range(most) for rank in range(ranks.count) if row < counts[rank]]
    places = torch.tensor(order, device=device)
    gathered = []
    for number, tensor in enumerate(rows):
        known = shapes[:, 2 + number * (_AXES + 2) :]
        of_one = next(known[rank] for rank in range(ranks.count) if counts[rank])
        num_axes, is_float = int(of_one[0]), bool(of_one[1])
        size = [most, *(int(length) for length in known[:, 2 : 1 + num_axes].max(0).values)]
        whole = _AllRows.apply(_filled(tensor, size, is_float=is_float, device=device), ranks)
        gathered.append(whole.flatten(0, 1)[places])
    return gathered


def gather_objects(own: Any, ranks: Ranks) -> list[Any]:
    """What each process gives, in the order of the processes; it is pickled."""
    if ranks.count == 1:
        return [own]
    everything: list[Any] = [None] * ranks.count
    distributed.all_gather_object(everything, own)
    return everything


def connected(ranks: Ranks) -> Ranks:
    """The processes as long as they are connected; before and after, this one by itself."""
    return ranks if ranks.count > 1 and distributed.is_initialized() else ALONE


def wait_for_all(ranks: Ranks) -> None:
    """Go on when every process is here."""
    if ranks.count > 1 and distributed.is_initialized():
        distributed.barrier()


def _device(rows: Sequence[Tensor | None]) -> torch.device:
    if distributed.get_backend() == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return next((tensor.device for tensor in rows if tensor is not None), torch.device("cpu"))


def _shapes(rows: Sequence[Tensor | None], is_failed: bool, device: torch.device, ranks: Ranks) -> Tensor:
    """(W, …) whether a process failed, its rows, and of each tensor: its axes, whether it holds floats, their lengths
    behind the first."""
    numbers = [int(is_failed), next((len(tensor) for tensor in rows if tensor is not None), 0)]
    for tensor in rows:
        shape = [] if tensor is None else list(tensor.shape[1:])
        is_float = tensor is not None and tensor.is_floating_point()
        numbers += [1 + len(shape), int(is_float), *shape, *[0] * (_AXES - len(shape))]
    own = torch.tensor(numbers, device=device)
    parts = [torch.empty_like(own) for _ in range(ranks.count)]
    distributed.all_gather(parts, own)
    return torch.stack(parts).cpu()


def _filled(tensor: Tensor | None, size: Sequence[int], *, is_float: bool, device: torch.device) -> Tensor:
    """The tensor in the corner of one of this size, in float32 or int64."""
    dtype, missing = (torch.float32, float("nan")) if is_float else (torch.int64, MISSING_CLASS)
    whole = torch.full(tuple(size), missing, dtype=dtype, device=device)
    if tensor is None or not tensor.numel():
        return whole
    if list(tensor.shape) == list(size):
        return tensor.to(dtype)
    whole[tuple(slice(length) for length in tensor.shape)] = tensor.to(dtype)
    return whole
