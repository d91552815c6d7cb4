"""Small models, trained for a moment: an encoder of one block, so that tracing is quick."""

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

import mt_core as mt
from mt_core.encoder import load_encoder
from mt_core.encoder.plain_vit import build_vit
from mt_core.encoder.random_weights import draw_weights
from mt_core.plugins import get


@pytest.fixture(scope="session")
def encoder_file(tmp_path_factory):
    """An encoder of one block, 192 wide."""
    vit = build_vit("vit_tiny_patch16_224", depth=1)
    tensors = vit.state_dict()
    draw_weights(tensors, 0)
    path = tmp_path_factory.mktemp("encoder") / "one.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture(scope="session")
def make_model(encoder_file):
    """Train a modality on its demonstration for one epoch: `make_model("text")`, with settings of the training."""

    def make(name, *, options=None, data=None, **settings):
        dataset = get(name).dataset
        train, val = data or (dataset.demo("train", size=12, seed=0), dataset.demo("val", size=6, seed=0))
        chosen = {**dataset.demo_options, **(options or {})}
        model = mt.load(name, encoder=load_encoder(encoder_file), purpose="train", **chosen)
        mt.fit(model, train, val, epochs=1, num_workers=0, batch_size=6, **settings)
        return model

    return make


@pytest.fixture(scope="session")
def tabular(make_model):
    return make_model("tabular")


@pytest.fixture(scope="session")
def picture_run(encoder_file, tmp_path_factory):
    """A run on a folder of pictures, dark ones and bright ones, and that folder."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for name, level in (("dark", 40), ("bright", 200)):
        (folder / "data" / name).mkdir(parents=True)
        for number in range(10):
            pixels = np.clip(random.normal(level, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "data" / name / f"{number}.png")
    model = mt.load("image", encoder=load_encoder(encoder_file), purpose="train", size=32)
    mt.fit(model, folder / "data", out=folder / "run", epochs=1, num_workers=0, batch_size=8)
    return folder / "run", folder / "data"
