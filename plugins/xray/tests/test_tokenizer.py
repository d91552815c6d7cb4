"""Radiographs to tokens: what each token sees, what the encoder brings, what training may change."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mt_core.errors import OptionError
from mt_core.sdk.blocks import PatchEmbed
from mt_plugin_xray.tokenizer import XrayOptions, XrayTokenizer


def tokenizer(width: int = 16, **options: Any) -> XrayTokenizer:
    torch.manual_seed(0)
    return XrayTokenizer(width, XrayOptions(**{"size": 16, "patch": 4, **options})).eval()


def noise(height: int = 16, width: int = 16, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def pixels(own: XrayTokenizer, film: Any, seed: int | None = None) -> Tensor:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return own.prepare(own.read(film), generator)["pixels"]


def tokens(own: XrayTokenizer, *films: Any) -> Tensor:
    prepared = [{"pixels": pixels(own, film)} for film in films]
    return own(own.collate(prepared)).values


STEMS = pytest.mark.parametrize("stem", ["patch", "conv"])


@STEMS
def test_one_token_a_patch_with_its_centre(stem: str):
    own = tokenizer(stem=stem, patch=8)
    found = own(own.collate([own.prepare(own.read(noise(30, 20)))]))
    assert found.values.shape == (1, 4, 16) and found.grid == (2, 2)
    assert found.coords[0].tolist() == [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_films_of_any_mode_become_one_channel(channels: int):
    film = np.repeat(noise()[..., None], channels, axis=2)
    assert pixels(tokenizer(), film).shape == (1, 16, 16)
    assert tokens(tokenizer(), film).isfinite().all()


@STEMS
def test_other_films_of_the_batch_change_nothing(stem: str):
    own = tokenizer(stem=stem)
    alone = tokens(own, noise())[0]
    together = tokens(own, noise(9, 9, seed=1), noise(), noise(50, 20, seed=2))[1]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_deep_and_8_bit_films_may_share_a_batch():
    own = tokenizer()
    deep = noise().astype(np.float32) / 255
    batch = own.collate([own.prepare(own.read(film)) for film in (deep, noise())])
    values = own(batch).values
    torch.testing.assert_close(values[0], values[1], rtol=0, atol=1e-5)


@STEMS
def test_tokens_depend_on_the_film_and_on_the_place(stem: str):
    own = tokenizer(stem=stem)
    values = tokens(own, noise(), noise(seed=1), np.zeros((16, 16), np.uint8))
    assert (values[0] - values[1]).abs().amax(-1).min() > 1e-3
    assert (values[2, 5] - values[2, 6]).abs().max() > 1e-3


@STEMS
def test_everything_learns_from_a_gradient(stem: str):
    own = tokenizer(stem=stem).train()
    tokens(own, noise()).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in own.parameters())


def test_encoders_kernel_is_adapted_to_one_channel():
    class Encoder:
        mean, std = (0.4, 0.5, 0.6), (0.2, 0.2, 0.2)
        patch_weight, patch_bias = torch.randn(16, 3, 4, 4), torch.randn(16)
        positions = positions_grid = None

    own = tokenizer()
    own.init_from_encoder(Encoder())  # type: ignore[arg-type]
    grey = torch.rand(1, 1, 4, 4)
    assert isinstance(own.patches, PatchEmbed)
    expected = torch.nn.functional.conv2d(grey.expand(1, 3, 4, 4), Encoder.patch_weight, Encoder.patch_bias).flatten()
    torch.testing.assert_close(own.patches(grey).flatten(), expected, rtol=0, atol=1e-5)
    assert own.mean.tolist() == pytest.approx([0.5]) and own.std.tolist() == pytest.approx([0.2])


def test_stretched_films_do_not_depend_on_their_exposure():
    film = noise() / 255.0
    own = tokenizer(stretch=True)
    torch.testing.assert_close(pixels(own, film * 0.3 + 0.2), pixels(own, film), rtol=0, atol=3e-3)
    low, high = np.percentile(film, (1, 99))
    expected = torch.from_numpy(np.clip((film - low) / (high - low), 0, 1)).half()
    torch.testing.assert_close(pixels(own, film)[0], expected, rtol=0, atol=2e-3)


def test_all_of_a_wide_film_is_looked_at():
    film = np.zeros((16, 48), np.uint8)
    film[:, :4] = 255
    assert pixels(tokenizer(), film).max() > 0.9
    assert pixels(tokenizer(fit="crop"), film).max() == 0


def test_heart_stays_on_its_side_unless_mirroring_is_asked_for():
    film = np.zeros((16, 16), np.uint8)
    film[:, 12:] = 255
    for wanted in (False, True):
        own = tokenizer(flip=True, augment=0) if wanted else tokenizer(augment=0)
        mirrored = [bool(pixels(own, film, seed)[..., :4].max() > 0.9) for seed in range(40)]
        assert 10 <= sum(mirrored) <= 30 if wanted else not any(mirrored)


def test_without_a_generator_nothing_is_random():
    own = tokenizer()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert torch.equal(pixels(own, noise(40, 30)), pixels(own, noise(40, 30)))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("side", [16, 40])
def test_one_seed_gives_one_augmentation_and_another_another(side: int):
    own = tokenizer(augment=1)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    drawn = [pixels(own, noise(side, side), seed).numpy().tobytes() for seed in range(12)]
    assert drawn == [pixels(own, noise(side, side), seed).numpy().tobytes() for seed in range(12)]
    assert len(set(drawn)) > 6 and torch.equal(torch.get_rng_state(), state)


def test_state_survives_a_save(tmp_path: Path):
    Image.fromarray(noise()).save(tmp_path / "a.png")
    own, again = tokenizer(stem="conv"), tokenizer(stem="conv")
    torch.nn.init.normal_(own.place.weight)
    again.load_state_dict(own.state_dict())
    assert torch.equal(tokens(again, tmp_path / "a.png"), tokens(own, str(tmp_path / "a.png")))
    assert torch.equal(tokens(pickle.loads(pickle.dumps(own)), noise()), tokens(own, noise()))


@pytest.mark.parametrize(
    ("options", "said"), [({"size": 30}, "do not divide"), ({"stretch": "much"}, "stretch"), ({"fit": "pad"}, "crop")]
)
def test_wrong_options_are_refused_with_those_that_there_are(options: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said) as caught:
        XrayOptions.parse(options)
    assert "flip=False" in caught.value.fix


def test_every_option_is_described():
    assert all(field.description for field in XrayOptions.model_fields.values())
