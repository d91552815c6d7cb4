"""What the core's tests share: a toy modality, and an encoder small enough to train around in a second."""

import signal
from pathlib import Path

import pytest
import torch

import mt_core as mt
from mt_core.encoder import Encoder
from mt_core.plugins import registry


@pytest.fixture(scope="session", autouse=True)
def interrupts_are_heard():
    """A shell that runs the tests in its background has them ignore SIGINT, which some of them send."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def toy(monkeypatch):
    """The toy modality is installed."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "toy"))
    registry.reset()
    yield
    registry.reset()


@pytest.fixture
def feature_cache(monkeypatch, tmp_path):
    """Features are kept, in the test's own folder."""
    monkeypatch.setenv("MT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MT_CACHE_BYTES")


@pytest.fixture(scope="session")
def small_encoder_file(tmp_path_factory) -> Path:
    """A ViT of 2 blocks of width 64, in timm's layout."""
    from safetensors.torch import save_file
    from timm.models.vision_transformer import VisionTransformer

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vit = VisionTransformer(img_size=32, patch_size=16, embed_dim=64, depth=2, num_heads=1, num_classes=0)
    path = tmp_path_factory.mktemp("encoder") / "small.safetensors"
    save_file(vit.state_dict(), path)
    return path


@pytest.fixture
def small_encoder(small_encoder_file) -> Encoder:
    return mt.load_encoder(small_encoder_file)
