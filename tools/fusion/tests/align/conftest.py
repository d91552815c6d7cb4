"""Pictures of one colour in noise, with the colour's name: pairs that a projection learns at once."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image

import mt_core as mt
from mt_fusion import align

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


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
def pairs(tmp_path):
    """A table of 24 pictures with the names of their colours."""
    random = np.random.default_rng(0)
    (tmp_path / "img").mkdir()
    path = tmp_path / "pairs.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("photo", "caption"))
        for number in range(24):
            name = list(COLOURS)[number % 3]
            noisy = np.clip(np.array(COLOURS[name]) + random.normal(0, 60, (32, 32, 3)), 0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / f"img/{number:02}.png")
            writer.writerow((f"img/{number:02}.png", name))
    return path


@pytest.fixture
def run(pairs, small_encoder, tmp_path):
    """Aligns the pairs, quickly."""

    def aligned(out="run", settings=None, **more):
        quick = {"tune": "probe", "steps": 6, "width": 8, "evaluate_every": 2, "save_every": 2, "num_workers": 0}
        given = {"data": pairs, "inputs": "photo=image,caption=text", "encoder": small_encoder, "device": "cpu"}
        options = {"photo": {"size": 32, "patch": 16}}
        return align(
            **{**given, "options": options, **more}, out=tmp_path / out, settings={**quick, **(settings or {})}
        )

    return aligned
