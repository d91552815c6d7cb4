"""Runs small enough for a second: one block, four tokens, and nothing to score on unless a test asks for it."""

import signal

import pytest
import torch

import mt_core as mt
from mt_pretrain import pretrain
from mt_pretrain.formulas import descriptors, module, training

TINY = {"depth": 1, "size": 32, "batch_size": 8, "categories": 16}


@pytest.fixture(scope="session", autouse=True)
def interrupts_are_heard():
    """A shell that runs the tests in its background has them ignore SIGINT, which some of them send."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def small_encoder_file(tmp_path_factory):
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
def small_encoder(small_encoder_file):
    return mt.load_encoder(small_encoder_file)


@pytest.fixture
def tiny(monkeypatch):
    """Settings of a tiny run, whose descriptors are learned from an eighth of the pictures."""
    monkeypatch.setattr(descriptors, "_BATCHES", 4)
    return dict(TINY)


@pytest.fixture
def unscored(monkeypatch):
    monkeypatch.setattr(training, "open_pictures", lambda *_: [])


@pytest.fixture(scope="session")
def one_of_four(tmp_path_factory):
    """A run of one step of four, to be copied."""
    folder = tmp_path_factory.mktemp("one") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descriptors, "_BATCHES", 4)
        patch.setattr(training, "open_pictures", lambda *_: [])
        pretrain(folder, {**TINY, "steps": 4}, minutes=1e-9)
    return folder


@pytest.fixture
def signal_at(monkeypatch):
    """A function of step and signal: it comes while the pictures of that step are drawn, once each."""
    drawing, coming = module.draw, {}

    def draw(seed, step, **options):
        if step in coming:
            signal.raise_signal(coming.pop(step))
        return drawing(seed, step, **options)

    monkeypatch.setattr(module, "draw", draw)
    return coming.__setitem__
