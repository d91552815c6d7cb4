"""Pictures to tokens: what each token sees, what the encoder brings, what training may change."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import Tensor

from mt_core.errors import OptionError
from mt_plugin_image.tokenizer import ImageOptions, ImageTokenizer


def tokenizer(width: int = 16, **options: Any) -> ImageTokenizer:
    torch.manual_seed(0)
    return ImageTokenizer(width, ImageOptions(**{"size": 16, "patch": 4, **options})).eval()


def noise(height: int, width: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def batch(*pictures: np.ndarray[Any, Any], of: ImageTokenizer) -> dict[str, Tensor]:
    return of.collate([of.prepare(of.read(picture)) for picture in pictures])


class TimmEncoder:
    """What a tokenizer may take over from an encoder, from a ViT of timm."""

    def __init__(self, vit: Any) -> None:
        self.width = vit.embed_dim
        self.patch_weight = vit.patch_embed.proj.weight
        self.patch_bias = vit.patch_embed.proj.bias
        self.positions = vit.pos_embed[0, 1:]
        self.positions_grid = vit.patch_embed.grid_size
        self.mean = vit.pretrained_cfg["mean"]
        self.std = (0.25, 0.5, 0.75)


@pytest.fixture(scope="module")
def vit() -> Any:
    torch.manual_seed(0)
    return timm.create_model("vit_tiny_patch16_224", pretrained=False).eval()


STEMS = pytest.mark.parametrize("stem", ["patch", "conv"])


# tokens


@STEMS
def test_one_token_a_patch_with_its_centre(stem: str):
    own = tokenizer(stem=stem, patch=8)
    tokens = own(batch(noise(16, 16), noise(40, 20), of=own))
    assert tokens.values.shape == (2, 4, 16)
    assert tokens.grid == (2, 2)
    assert tokens.coords is not None
    assert tokens.coords[1].tolist() == [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]


def test_patch_token_depends_on_its_own_patch_alone():
    own = tokenizer()
    picture = noise(16, 16)
    nudged = picture.copy()
    nudged[4:8, 8:12] += 1  # second row, third column
    values = own(batch(picture, nudged, of=own)).values
    assert (values[0] != values[1]).any(-1).nonzero().flatten().tolist() == [6]


@STEMS
def test_other_pictures_of_the_batch_change_nothing(stem: str):
    own = tokenizer(stem=stem)
    alone = own(batch(noise(16, 16), of=own)).values[0]
    together = own(batch(noise(16, 16), np.zeros((9, 9, 3), np.uint8), noise(30, 16, seed=1), of=own)).values[0]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@STEMS
def test_tokens_depend_on_the_picture_and_on_the_place(stem: str):
    own = tokenizer(stem=stem)
    values = own(batch(noise(16, 16), noise(16, 16, seed=1), np.zeros((16, 16, 3), np.uint8), of=own)).values
    assert (values[0] - values[1]).abs().amax(-1).min() > 1e-3
    assert (values[2, 5] - values[2, 6]).abs().max() > 1e-3  # the same black at two places


@STEMS
def test_everything_learns_from_a_gradient(stem: str):
    own = tokenizer(stem=stem).train()
    own(batch(noise(16, 16), of=own)).values.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in own.parameters())


def test_black_is_minus_one_and_white_is_one_before_an_encoder_is_known():
    own = tokenizer(width=1, size=4, patch=4)
    with torch.no_grad():
        own.patches.project.weight.fill_(1 / 48)
        own.patches.project.bias.zero_()
        own.place.weight.zero_()
    pictures = [np.full((4, 4), grey, np.uint8) for grey in (0, 255)]
    torch.testing.assert_close(own(batch(*pictures, of=own)).values.flatten(), torch.tensor([-1.0, 1.0]))


# prepare


def test_crop_takes_the_middle_and_squash_takes_all():
    thirds = np.zeros((16, 48, 3), np.uint8)
    thirds[:, :16, 0], thirds[:, 16:32, 1], thirds[:, 32:, 2] = 255, 255, 255
    cropped = tokenizer(fit="crop").prepare(thirds)["pixels"]
    assert cropped.shape == (3, 16, 16) and cropped.dtype == torch.uint8
    assert cropped.float().mean((1, 2)).tolist() == [0, 255, 0]
    squashed = tokenizer(fit="squash").prepare(thirds)["pixels"]
    assert squashed.float().mean((1, 2)).tolist() == pytest.approx([85, 85, 85], abs=2)


def test_shrinking_averages():
    checks = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    own = tokenizer()
    assert (own.prepare(own.read(checks))["pixels"].float() - 127.5).abs().max() <= 2


def test_one_pixel_becomes_a_picture():
    own = tokenizer()
    assert (own.prepare(own.read(np.full((1, 1), 9, np.uint8)))["pixels"] == 9).all()


@pytest.mark.parametrize("side", [16, 40])
def test_one_seed_gives_one_augmentation_and_another_another(side: int):
    own, picture = tokenizer(), noise(side, side)

    def drawn(seed: int) -> bytes:
        return own.prepare(picture, torch.Generator().manual_seed(seed))["pixels"].numpy().tobytes()

    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert [drawn(seed) for seed in range(4)] == [drawn(seed) for seed in range(4)]
    assert len({drawn(seed) for seed in range(12)}) > 6
    assert torch.equal(torch.get_rng_state(), state)


def test_augmentation_can_be_switched_off():
    own, picture = tokenizer(flip=False, augment=0), noise(40, 30)
    expected = own.prepare(picture)["pixels"]
    for seed in range(8):
        assert torch.equal(own.prepare(picture, torch.Generator().manual_seed(seed))["pixels"], expected)


def test_flip_alone_mirrors_about_half():
    own, picture = tokenizer(augment=0), noise(16, 16)
    plain = own.prepare(picture)["pixels"]
    drawn = [own.prepare(picture, torch.Generator().manual_seed(seed))["pixels"] for seed in range(40)]
    mirrored = [torch.equal(pixels, plain.flip(2)) for pixels in drawn]
    assert all(flipped or torch.equal(pixels, plain) for flipped, pixels in zip(mirrored, drawn, strict=True))
    assert 10 <= sum(mirrored) <= 30


def test_small_pictures_are_shifted_and_never_scaled():
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[7:9, 7:9] = 100
    own = tokenizer(augment=1, flip=False)
    for seed in range(10):
        moved = own.prepare(picture, torch.Generator().manual_seed(seed))["pixels"]
        assert (moved == 100).sum() == 3 * 4


# init_from_encoder


def test_adopted_tokens_are_the_encoders_own(vit: Any):
    own = ImageTokenizer(192).eval()
    own.init_from_encoder(TimmEncoder(vit))
    picture = noise(224, 224)
    normalised = (
        torch.from_numpy(picture).permute(2, 0, 1) / 255 - torch.tensor(vit.pretrained_cfg["mean"])[:, None, None]
    )
    normalised = normalised / torch.tensor((0.25, 0.5, 0.75))[:, None, None]
    with torch.no_grad():
        expected = vit.patch_embed(normalised[None]) + vit.pos_embed[:, 1:]
        values = own(batch(picture, of=own)).values
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_adopting_changes_nothing_in_the_encoder(vit: Any):
    own = ImageTokenizer(192)
    own.init_from_encoder(TimmEncoder(vit))
    with torch.no_grad():
        own.patches.project.weight.zero_()
        own.place.weight.zero_()
    assert vit.patch_embed.proj.weight.abs().sum() > 0 and vit.pos_embed.abs().sum() > 0


def test_positions_are_adopted_onto_another_lattice(vit: Any):
    own = ImageTokenizer(192, ImageOptions(size=96, patch=16, stem="conv"))
    across = torch.arange(14.0).repeat(14)[:, None].expand(-1, 192)
    encoder = TimmEncoder(vit)
    encoder.positions = across  # they grow from left to right, 0 to 13
    own.init_from_encoder(encoder)
    lattice = own.place.weight.detach().reshape(6, 6, 192)
    assert torch.allclose(lattice[0], lattice[5], atol=1e-4)
    # column c of 6 has its centre at (c + 0.5) * 14 / 6 - 0.5; bicubic keeps a line away from the border
    torch.testing.assert_close(lattice[0, 1:5, 0], (torch.arange(1, 5) + 0.5) * 14 / 6 - 0.5, atol=0.05, rtol=0)


def test_kernel_for_larger_patches_answers_a_flat_picture_as_before(vit: Any):
    own = ImageTokenizer(192, ImageOptions(size=64, patch=32))
    own.init_from_encoder(TimmEncoder(vit))
    flat = torch.full((1, 3, 32, 32), 0.7)
    with torch.no_grad():
        torch.testing.assert_close(
            own.patches(flat)[0, 0], vit.patch_embed.proj(flat[..., :16, :16]).flatten(), atol=1e-4, rtol=0
        )


def test_encoder_without_patches_or_positions_gives_its_normalisation(vit: Any):
    own = ImageTokenizer(192)
    encoder = TimmEncoder(vit)
    encoder.patch_weight = encoder.patch_bias = encoder.positions = encoder.positions_grid = None
    before = own.place.weight.detach().clone()
    own.init_from_encoder(encoder)
    assert own.std.tolist() == [0.25, 0.5, 0.75]
    assert torch.equal(own.place.weight, before)


# keeping


@STEMS
def test_state_survives_a_save(stem: str, vit: Any):
    own = ImageTokenizer(192, ImageOptions(size=32, patch=8, stem=stem)).eval()
    own.init_from_encoder(TimmEncoder(vit))
    again = ImageTokenizer(192, ImageOptions(size=32, patch=8, stem=stem)).eval()
    again.load_state_dict(own.state_dict())
    pixels = batch(noise(32, 32), of=own)
    assert torch.equal(again(pixels).values, own(pixels).values)
    assert torch.equal(pickle.loads(pickle.dumps(own))(pixels).values, own(pixels).values)


@STEMS
def test_larger_pixels_than_it_was_made_for_get_their_own_lattice(stem: str):
    tokens = tokenizer(stem=stem)({"pixels": torch.zeros(1, 3, 16, 24, dtype=torch.uint8)})
    assert tokens.grid == (4, 6) and tokens.values.shape == (1, 24, 16)


# options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 30, "patch": 16}, "do not divide"),
        ({"size": 8}, "do not divide"),
        ({"size": 28, "patch": 14, "stem": "conv"}, "power of two"),
        ({"size": 0}, "size=0"),
        ({"fit": "stretch"}, "crop"),
        ({"augment": 2}, "augment=2"),
        ({"colour": "no"}, "colour"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        ImageOptions.parse(options)


def test_the_header_of_a_file_says_how_large_the_picture_is_before_it_is_made_smaller(tmp_path):
    Image.new("RGB", (700, 300)).save(tmp_path / "wide.png")
    tokenizer = ImageTokenizer(8)
    assert tokenizer.file_facts(tmp_path / "wide.png") == {
        "format": "PNG",
        "width_px": 700,
        "height_px": 300,
        "pixels": "RGB",
    }
    assert tokenizer.file_facts(np.zeros((4, 4, 3), np.uint8)) == {}
