"""What tests over several distributions share."""

import os
from pathlib import Path

import pytest
import torch

import mt_core as mt
from mt_core.encoder import Encoder

collect_ignore = ["thirdparty"]
"""Plugins as others lay them out: their tests run where they are installed."""


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The default encoder, once."""
    return mt.load_encoder()


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Two threads on small tensors are slower than one, and much slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data() -> Path:
    if "MT_DATA" not in os.environ:
        pytest.skip("MT_DATA names no folder of real data")
    return Path(os.environ["MT_DATA"])
