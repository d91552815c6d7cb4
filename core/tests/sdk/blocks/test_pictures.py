"""`PictureTokenizer` for pictures that are no 8-bit RGB; for those the image plugin's tests speak."""

import numpy as np
import pytest
import torch
from pydantic import Field

from mt_core.sdk.blocks import PictureOptions, PictureTokenizer
from mt_core.sdk.blocks.pictures import resized


class ThermalOptions(PictureOptions):
    num_channels: int = Field(default=1, description="Of the picture.")


class Thermal(PictureTokenizer):
    Options = ThermalOptions

    def read(self, source):
        return source


def tokenizer(**options) -> Thermal:
    torch.manual_seed(0)
    return Thermal(8, ThermalOptions.parse({"size": 16, "patch": 8, **options}))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("stem", ["patch", "conv"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_pictures_of_any_number_of_channels_become_tokens(channels, stem, kind):
    thermal = tokenizer(num_channels=channels, stem=stem)
    item = thermal.prepare(np.ones((20, 30, channels), kind))
    assert item["pixels"].shape == (channels, 16, 16)
    tokens = thermal(thermal.collate([item, item]))
    assert tokens.values.shape == (2, 4, 8) and tokens.grid == (2, 2)


def test_floats_and_bytes_of_the_same_picture_give_the_same_tokens():
    thermal = tokenizer()
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 1), dtype=np.uint8)
    bytes_, floats = (thermal.prepare(pixels) for pixels in (picture, (picture / 255).astype(np.float32)))
    torch.testing.assert_close(
        thermal(thermal.collate([bytes_])).values, thermal(thermal.collate([floats])).values, atol=2e-3, rtol=0
    )


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_channels_are_resized_each_alone(channels):
    pixels = np.random.default_rng(0).random((20, 20, channels), np.float32)
    together = resized(pixels, 10, (0, 0, 20, 20))
    alone = [resized(pixels[..., at : at + 1], 10, (0, 0, 20, 20)) for at in range(channels)]
    np.testing.assert_array_equal(together, np.concatenate(alone, -1))


def test_a_transparent_channel_hides_no_other():
    pixels = np.full((8, 8, 4), 200, np.uint8)
    pixels[..., 3] = 0  # Pillow would take it for opacity and blacken the others
    assert (resized(pixels, 4, (0, 0, 8, 8))[..., :3] == 200).all()


def test_the_encoders_kernel_and_constants_are_adapted_to_the_channels(small_encoder):
    wide = Thermal(small_encoder.width, ThermalOptions.parse({"size": 32, "patch": 16}))
    wide.init_from_encoder(small_encoder)
    torch.testing.assert_close(wide.patches.project.weight, small_encoder.patch_weight.sum(1, keepdim=True))
    assert wide.mean.tolist() == pytest.approx([sum(small_encoder.mean) / 3])


def test_bytes_and_floats_in_one_batch_mean_the_same():
    thermal = tokenizer()
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 1), dtype=np.uint8)
    items = [thermal.prepare(pixels) for pixels in (picture, (picture / 255).astype(np.float32))]
    first, second = thermal(thermal.collate(items)).values
    torch.testing.assert_close(first, second, atol=2e-3, rtol=0)
