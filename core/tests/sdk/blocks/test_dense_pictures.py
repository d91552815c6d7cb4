import numpy as np
import pytest
import torch

from mt_core.errors import InputError
from mt_core.sdk.blocks import DensePictureTokenizer
from mt_core.sdk.blocks.squares import covering_squares, resized_size


def tokenizer(**options: object) -> DensePictureTokenizer:
    chosen = {"size": 16, "patch": 8, "labels": "pixels", "squares": 3, **options}
    made = DensePictureTokenizer(8, DensePictureTokenizer.Options(**chosen))
    return made.eval()


def gradient(height: int, width: int) -> np.ndarray:
    rows, columns = np.indices((height, width))
    return np.stack([rows * 200 // height, columns * 200 // width, rows * 0], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 40), (33, 47)])
def test_squares_cover_every_pixel_and_overlap_by_what_is_asked(height, width, overlap):
    covered = np.zeros((height, width), int)
    squares = covering_squares(height, width, 16, overlap)
    for top, left in squares:
        assert 0 <= top <= height - 16 and 0 <= left <= width - 16
        covered[top : top + 16, left : left + 16] += 1
    assert covered.min() >= 1
    assert np.diff(np.unique(squares[:, 1])).max(initial=0) <= 16 * (1 - overlap) + 0.5


def test_the_shorter_side_becomes_so_many_squares_long():
    assert resized_size(360, 480, 64, 2) == (128, 171)
    assert resized_size(360, 480, 64, 0) == (360, 480)
    assert resized_size(20, 40, 64, 0) == (64, 128)


def test_without_augmentation_the_whole_picture_is_there_and_its_mask_untouched():
    mask = np.zeros((24, 40), np.int64)
    item, target = tokenizer(across=1, overlap=0.0).prepare_example(gradient(24, 40), mask)
    assert item["pixels"].shape == (2, 3, 16, 16)
    assert item["size"].tolist() == [24, 40]
    assert target is mask


def test_a_random_square_of_the_mask_is_that_of_the_picture():
    picture = gradient(60, 90)
    mask = (picture[..., 0] >= 100).astype(np.int64) + 2 * (picture[..., 1] >= 100)
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        item, target = tokenizer(augment=1.0).prepare_example(picture, mask, generator)
        pixels = item["pixels"].permute(0, 2, 3, 1).reshape(-1, 16, 3).numpy()
        seen = (pixels[..., 0] >= 100) + 2 * (pixels[..., 1] >= 100)
        assert target.shape == (48, 16)
        for square, (top, left, bottom, right) in zip(
            pixels.reshape(3, 16, 16, 3), item["boxes"].tolist(), strict=True
        ):
            rows, columns = square[..., 0].mean(1) / 200, square[..., 1].mean(0) / 200  # as the gradient tells
            places = (np.arange(16) + 0.5) / 16
            assert np.allclose(rows, top + (bottom - top) * places, atol=0.03)
            assert np.allclose(columns, left + (right - left) * places, atol=0.03)
        assert (seen == target).mean() > 0.85  # apart from the edges


def test_the_same_generator_gives_the_same_squares():
    first, second = (tokenizer().prepare(gradient(60, 90), torch.Generator().manual_seed(3)) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(InputError, match="the picture is 90 x 60 pixels, and its mask 45 x 30"):
        tokenizer().prepare_example(gradient(60, 90), np.zeros((30, 45), np.int64))


def test_a_picture_with_fewer_squares_has_the_tokens_that_it_has_alone():
    made = tokenizer(across=1, overlap=0.0)
    small, wide = (made.prepare(gradient(16, width)) for width in (16, 48))
    alone = made(made.collate([small]))
    both = made(made.collate([small, wide]))
    assert (both.views, both.mask.view(2, 3, -1).any(-1).tolist()) == (3, [[True, False, False], [True] * 3])
    torch.testing.assert_close(both.values[0], alone.values[0])
    assert made.draw(made.collate([small, wide]))[0, 1].isnan().all()


def test_without_labels_of_pixels_a_picture_is_one_square():
    made = tokenizer(labels=None)
    assert made.prepare(gradient(60, 90))["pixels"].shape == (3, 16, 16)
    assert made.needed == 16
    assert made(made.collate([made.prepare(gradient(60, 90))])).views == 1
