"""Samples drawn as pictures enter through the encoder's own stem."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import ContractError, OptionError
from mt_core.model import make_tokenizer
from mt_core.sdk.blocks import DrawnTokenizer, PictureOptions, PictureStem, PictureTokenizer, ViewOptions


class Drawn(DrawnTokenizer):
    """Samples that are pictures already."""

    def draw(self, batch: dict[str, Tensor]) -> Tensor | None:
        return batch.get("pictures")


@pytest.fixture(scope="module")
def tiny() -> Encoder:
    return load_encoder("mt-tiny")


def test_a_drawn_picture_gives_the_tokens_that_the_same_photograph_gives(tiny: Encoder) -> None:
    pictures = torch.rand(2, 3, 64, 64)
    own = make_tokenizer(Drawn, tiny, {"view": "picture"}, seed=0)
    photographs = PictureTokenizer(tiny.width, PictureOptions(size=64, patch=16))
    photographs.init_from_encoder(tiny)
    expected = photographs({"pixels": pictures.half().float()})
    tokens = own.see({"pictures": pictures.half().float()[:, None]})
    torch.testing.assert_close(tokens.values, expected.values)
    torch.testing.assert_close(tokens.coords, expected.coords)
    assert tokens.grid == expected.grid == (4, 4)


def test_the_size_of_what_is_drawn_is_the_encoders_own_unless_it_is_given(tiny: Encoder) -> None:
    assert tiny.native_size == 64 and tiny.native_patch == 16
    own = make_tokenizer(Drawn, tiny, {"view": "picture"}, seed=0)
    assert (own.options.picture_size, own.options.picture_patch) == (64, 16)
    assert make_tokenizer(Drawn, tiny, {"view": "picture", "picture_size": 96}, seed=0).options.picture_size == 96
    assert PictureTokenizer.suggested_options(tiny) == {"size": 64, "patch": 16}
    assert Drawn.suggested_options(load_encoder("random/vit_tiny_patch16_224"))["picture_size"] == 224


def test_a_picture_that_a_sample_does_not_have_changes_nothing() -> None:
    stem, pictures = PictureStem(16, 32, 16), torch.rand(2, 2, 3, 32, 32)
    pictures[0, 1] = torch.nan
    tokens = stem(pictures)
    assert tokens.views == 2 and tokens.real().reshape(2, 2, 4).all(-1).tolist() == [[True, False], [True, True]]
    assert bool(tokens.values.isfinite().all())
    torch.testing.assert_close(tokens.values[:1], stem(pictures[:1, :1]).values)


def test_the_view_of_tokens_has_no_stem_for_pictures() -> None:
    own = Drawn(16, ViewOptions())
    assert own.picture is None and not list(own.parameters())
    with pytest.raises(ContractError, match="view is not picture"):
        own.see({"pictures": torch.rand(1, 1, 3, 64, 64)})


def test_a_patch_that_does_not_divide_the_picture_is_refused() -> None:
    with pytest.raises(OptionError, match="patches of 16 do not divide a picture_size of 40"):
        ViewOptions(picture_size=40)
