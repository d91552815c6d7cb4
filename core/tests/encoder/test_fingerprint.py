from __future__ import annotations

import hashlib

import pytest
import torch

from mt_core.encoder.fingerprint import fingerprint


def test_it_is_the_sha256_of_names_types_shapes_and_bytes() -> None:
    tensors = {"b": torch.tensor([[1.0, -2.0]]), "a": torch.tensor(3, dtype=torch.int64)}
    written = b"\na torch.int64 ()\n" + b"\x03" + bytes(7)
    written += b"\nb torch.float32 (1, 2)\n" + bytes.fromhex("0000803f000000c0")
    assert fingerprint(tensors) == hashlib.sha256(written).hexdigest()


def test_the_order_of_the_mapping_does_not_count() -> None:
    a, b = torch.zeros(2), torch.ones(3)
    assert fingerprint({"a": a, "b": b}) == fingerprint({"b": b, "a": a})


def test_it_reads_what_is_not_contiguous_or_of_half_precision() -> None:
    matrix = torch.arange(6, dtype=torch.bfloat16).view(2, 3)
    assert fingerprint({"a": matrix.T}) == fingerprint({"a": matrix.T.contiguous()}) != fingerprint({"a": matrix})


@pytest.mark.parametrize(
    "other",
    [
        {"b": torch.zeros(4)},
        {"a": torch.zeros(4, dtype=torch.int32)},
        {"a": torch.zeros(2, 2)},
        {"a": torch.tensor([0.0, 0.0, 0.0, -0.0])},
        {"a": torch.zeros(4), "b": torch.zeros(0)},
    ],
    ids=["name", "type", "shape", "one bit", "one more"],
)
def test_every_difference_shows(other: dict[str, torch.Tensor]) -> None:
    assert fingerprint(other) != fingerprint({"a": torch.zeros(4)})


def test_what_no_tensor_tells_counts_too() -> None:
    assert fingerprint({"a": torch.zeros(4)}, "heads 1") != fingerprint({"a": torch.zeros(4)}, "heads 2")
