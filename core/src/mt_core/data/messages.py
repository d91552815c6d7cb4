"""Messages between two processes over a pipe: anything that pickles, tensors in it as the bytes that they are.

A tensor that torch sends takes a file descriptor and a piece of shared memory, which a process that dies leaves behind.
Large ones go beside the pickle, piece by piece, so that neither side copies a batch as a whole.
"""

from __future__ import annotations

import io
import pickle
import struct
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
from torch import Tensor

_LARGE, _PIECE = 1 << 16, 1 << 18  # bytes


def send(connection: Connection, message: Any) -> None:
    """Send a message; tensors arrive on the CPU, without their gradients.

    Raises:
        OSError: nobody is there to receive it.
    """
    large: list[memoryview] = []

    def is_small(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes >= _LARGE:
            large.append(raw)
        return raw.nbytes < _LARGE

    pickled = io.BytesIO()
    _Pickler(pickled, protocol=5, buffer_callback=is_small).dump(message)
    connection.send_bytes(struct.pack(f"<{len(large)}q", *(raw.nbytes for raw in large)))
    connection.send_bytes(pickled.getbuffer())
    for raw in large:
        for first in range(0, raw.nbytes, _PIECE):
            connection.send_bytes(raw[first : first + _PIECE])


def receive(connection: Connection) -> Any:
    """The next message.

    Raises:
        EOFError, OSError: there is none, and the sender is gone.
    """
    sizes = connection.recv_bytes()
    pickled = connection.recv_bytes()
    buffers = []
    for size in struct.unpack(f"<{len(sizes) // 8}q", sizes):
        buffer = np.empty(size, np.uint8)
        first = 0
        while first < size:
            first += connection.recv_bytes_into(buffer, first)
        buffers.append(buffer)
    return pickle.loads(pickled, buffers=buffers)


def to_bytes(message: Any) -> bytes:
    """The same as one piece of bytes."""
    pickled = io.BytesIO()
    _Pickler(pickled, protocol=5).dump(message)
    return pickled.getvalue()


def from_bytes(message: bytes) -> Any:
    """What `to_bytes` was given. Only of a process of ours: unpickling runs code."""
    return pickle.loads(message)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return NotImplemented
        value = value.detach().cpu()
        if value.dtype is torch.bfloat16:  # which numpy has not
            return _as_bfloat16, (value.view(torch.int16).numpy(),)
        return torch.from_numpy, (value.numpy(),)


def _as_bfloat16(bits: Any) -> Tensor:
    return torch.from_numpy(bits).view(torch.bfloat16)
