"""Videos shown to the encoder frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mt_core.encoder import load_encoder
from mt_core.errors import OptionError
from mt_core.model import make_tokenizer
from mt_plugin_video.tokenizer import VideoTokenizer

FRAMES = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)


def test_every_frame_gives_the_tokens_that_it_gives_as_a_picture() -> None:
    encoder = load_encoder("mt-tiny")
    tokenizer = make_tokenizer(VideoTokenizer, encoder, {"view": "picture", "frames": 8}, seed=0)
    assert (tokenizer.options.size, tokenizer.options.patch) == (64, 16)
    batch = tokenizer.collate([tokenizer.prepare(tokenizer.read(FRAMES))])
    tokens = tokenizer(batch)
    assert tokens.views == 8 and tokens.values.shape == (8, 16, encoder.width)
    pixels = torch.from_numpy(FRAMES).permute(0, 3, 1, 2).float() / 255
    torch.testing.assert_close(tokens.values, tokenizer.picture(pixels[:, None]).values)
    torch.testing.assert_close(tokenizer.draw(batch)[0], pixels)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}


def test_motion_and_convolutions_belong_to_tubelets() -> None:
    for options in ({"motion": True}, {"stem": "conv"}):
        with pytest.raises(OptionError, match="no motion, stem=patch"):
            VideoTokenizer.Options.parse({"view": "picture", **options})
