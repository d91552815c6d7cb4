import numpy as np
import pytest
import torch

from mt_core.contract import Boxes
from mt_core.errors import InputError
from mt_core.heads.joining import join_squares
from mt_core.sdk.blocks import DensePictureTokenizer
from mt_core.sdk.blocks.boxed_pictures import boxes_in, lattice_size, lattice_squares


def tokenizer(**options: object) -> DensePictureTokenizer:
    chosen = {"size": 32, "patch": 8, "labels": "boxes", "interpolation": "bilinear", **options}
    return DensePictureTokenizer(8, DensePictureTokenizer.Options(**chosen)).eval()


def white_on_black(height: int, width: int, box: tuple[int, int, int, int]) -> np.ndarray:
    picture = np.zeros((height, width, 3), np.uint8)
    left, top, right, bottom = box
    picture[top:bottom, left:right] = 255
    return picture


def bounds(item: dict[str, torch.Tensor]) -> list[float]:
    """Where the white lies in what was prepared, in pixels of the picture: left, top, right, bottom."""
    side = {name: item[name][None] for name in ("squares", "resized")}
    (whole,) = join_squares(item["pixels"].float() / 255, {**side, "size": item["resized"][None]})
    height, width = item["size"].tolist()
    is_white = whole[..., 0] > 0.5
    down, across = (is_white.any(axis).nonzero()[:, 0] for axis in (1, 0))
    scale_y, scale_x = height / len(is_white), width / is_white.shape[1]
    return [
        float(across.min()) * scale_x,
        float(down.min()) * scale_y,
        float(across.max() + 1) * scale_x,
        float(down.max() + 1) * scale_y,
    ]


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (32, 240), (72, 176)])
def test_squares_begin_at_patches_and_cover_every_one(height, width, overlap):
    covered = np.zeros((height, width), int)
    for top, left in lattice_squares(height, width, 32, 8, overlap):
        assert top % 8 == left % 8 == 0
        assert 0 <= top <= height - 32 and 0 <= left <= width - 32
        covered[top : top + 32, left : left + 32] += 1
    assert covered.min() >= 1


def test_a_picture_is_resized_to_whole_patches():
    assert lattice_size(480, 640, 64, 16, 4) == (256, 336)
    assert lattice_size(20, 40, 64, 16, 0) == (64, 128)


def test_a_box_moves_with_its_picture():
    box = (40, 12, 70, 50)
    picture, target = white_on_black(60, 100, box), Boxes([box], [1], [False], size=(60, 100))
    made = tokenizer(augment=1.0)
    assert bounds(made.prepare_example(picture, target)[0]) == pytest.approx(box, abs=1.0)
    mirrored = 0
    for seed in range(12):
        item, moved = made.prepare_example(picture, target, torch.Generator().manual_seed(seed))
        if len(moved.xyxy) and not moved.ignored[0]:
            assert bounds(item) == pytest.approx(moved.xyxy[0].tolist(), abs=1.0)
            mirrored += moved.xyxy[0][0] < 20
    assert mirrored  # the box lies right of the middle


def test_a_picture_turned_upside_down_turns_its_boxes():
    class FromAbove(DensePictureTokenizer):
        def is_upside_down(self, generator: torch.Generator) -> bool:
            return True

    box = (40, 2, 70, 20)
    made = FromAbove(8, DensePictureTokenizer.Options(size=32, patch=8, labels="boxes", augment=0.0, flip=False))
    item, moved = made.prepare_example(white_on_black(60, 100, box), Boxes([box], [0]), torch.Generator())
    assert moved.xyxy.tolist() == [[40, 40, 70, 58]]
    assert bounds(item) == pytest.approx(moved.xyxy[0].tolist(), abs=1.0)


def test_what_a_part_hardly_shows_is_ignored_and_what_it_does_not_is_left_out():
    target = Boxes([[0, 0, 10, 10], [8, 0, 18, 10], [4, 0, 14, 10]], [0, 1, 2])
    seen = boxes_in(target, (10.0, 0.0, 30.0, 20.0), mirrored=False, upside_down=False)
    assert seen.xyxy.tolist() == [[0, 0, 8, 10], [0, 0, 4, 10]]
    assert seen.classes.tolist() == [1, 2] and seen.ignored.tolist() == [False, False]
    seen = boxes_in(target, (12.0, 0.0, 30.0, 20.0), mirrored=True, upside_down=False)
    assert seen.xyxy.tolist() == [[12, 0, 18, 10], [16, 0, 18, 10]]
    assert seen.ignored.tolist() == [False, True]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (Boxes([[0, 0, 10, 10]], [0], size=(10, 20)), "boxes are of one of 20 x 10"),
        (Boxes([[0, 0, 25, 10]], [0]), "reaches 5 pixels out of the picture, which is 20 x 20"),
        (3, "is a int"),
    ],
)
def test_boxes_of_another_picture_are_refused(target, problem):
    with pytest.raises(InputError, match=problem):
        tokenizer().prepare_example(np.zeros((20, 20, 3), np.uint8), target)


def test_tokens_of_pictures_of_different_sizes_make_one_batch():
    made = tokenizer(across=1, overlap=0.0)
    items = [made.prepare(np.zeros((*size, 3), np.uint8)) for size in ((32, 32), (32, 64))]
    tokens = made(made.collate(items))
    assert tokens.views == 2 and tokens.values.shape == (4, 16, 8)
    assert tokens.side["squares_mask"].tolist() == [[True, False], [True, True]]
    assert tokens.side["size"].tolist() == [[32, 32], [32, 64]]
