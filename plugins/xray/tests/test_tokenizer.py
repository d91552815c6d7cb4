"""Radiographs to tokens: what each token sees, what the encoder brings, what training may change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.errors import OptionError
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


def test_deep_and_8_bit_films_may_share_a_batch():
    own = tokenizer()
    deep = noise().astype(np.float32) / 255
    batch = own.collate([own.prepare(own.read(film)) for film in (deep, noise())])
    values = own(batch).values
    torch.testing.assert_close(values[0], values[1], rtol=0, atol=1e-5)


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


@pytest.mark.parametrize(("options", "said"), [({"stretch": "much"}, "stretch"), ({"fit": "pad"}, "crop")])
def test_wrong_options_are_refused(options: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        XrayOptions.parse(options)
