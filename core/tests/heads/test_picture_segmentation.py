import numpy as np
import pytest
import torch

from mt_core.contract import MISSING_CLASS, Features, Segmentation
from mt_core.errors import OptionError
from mt_core.heads import PictureSegmentationHead, SegmentationHead, default_head
from mt_core.heads.decoder import places_in
from mt_core.heads.dense import dice_loss
from mt_core.heads.joining import join_squares
from mt_core.sdk.blocks.squares import covering_squares

TASK = Segmentation(classes=("sky", "sea", "land"), of="pixels")


def features(sizes: list[tuple[int, int]], num_squares: int = 1) -> Features:
    """Of pictures that are seen in one square of 8 x 8 pixels, 4 tokens, or in several side by side."""
    torch.manual_seed(0)
    rows = len(sizes) * num_squares
    squares = torch.tensor([[0, 8 * at] for at in range(num_squares)]).expand(len(sizes), -1, -1)
    side = {
        "pixels": torch.randn(len(sizes), num_squares, 3, 8, 8),
        "squares": squares,
        "boxes": torch.rand(len(sizes), num_squares, 4),
        "resized": torch.tensor([[8, 8 * num_squares]] * len(sizes)),
        "size": torch.tensor(sizes),
    }
    return Features(torch.randn(rows, 4, 6), grid=(2, 2), views=num_squares, side=side)


@pytest.mark.parametrize("decoder", ["conv", "linear"])
def test_scores_have_the_size_of_each_picture(decoder):
    head = PictureSegmentationHead(6, TASK, PictureSegmentationHead.Options(decoder=decoder, hidden=8))
    output = head(features([(20, 30), (10, 40)]))
    assert output.shape == (2, 20, 40, 3)
    assert output[0, :, :30].isfinite().all() and output[0, :, 30:].isnan().all()
    assert [each["prediction"]["size"] for each in head.decode(output)] == [[20, 30], [10, 40]]


def test_a_pixel_knows_where_in_its_picture_it_lies():
    lower_right_mirrored = torch.tensor([[0.5, 1.0, 1.0, 0.5]])
    down, across = places_in(lower_right_mirrored, torch.zeros(1, 3, 2, 2))[0]
    assert down.tolist() == [[0.25, 0.25], [0.75, 0.75]]
    assert across.tolist() == [[0.75, 0.25], [0.75, 0.25]]


def test_overlapping_squares_of_a_picture_give_it_back():
    picture = torch.rand(2, 24, 40)
    squares = covering_squares(24, 40, 16, 0.5)
    cut = torch.stack([picture[:, top : top + 16, left : left + 16] for top, left in squares])
    sizes = torch.tensor([[24, 40]])
    joined = join_squares(cut, {"squares": torch.tensor(squares)[None], "resized": sizes, "size": sizes})
    torch.testing.assert_close(joined[0], picture.permute(1, 2, 0))


def test_pictures_of_one_size_get_the_same_scores_in_operations_that_can_be_traced():
    head = PictureSegmentationHead(6, TASK, PictureSegmentationHead.Options(hidden=8)).eval()
    alike = features([(20, 30), (20, 30)], num_squares=3)
    overlapping = torch.tensor([[0, 0], [3, 4], [1, 9]]).expand(2, -1, -1)
    side = {**alike.side, "squares": overlapping, "resized": torch.tensor([[11, 17]] * 2)}
    seen = Features(alike.tokens, grid=(2, 2), views=3, side=side)
    torch.testing.assert_close(head.forward_alike(seen), head(seen), equal_nan=True)


def test_squares_that_a_picture_has_not_count_for_nothing():
    squares = torch.tensor([[[0, 0], [0, 8]], [[0, 0], [0, 0]]])
    side = {
        "squares": squares,
        "squares_mask": torch.tensor([[True, True], [True, False]]),
        "resized": torch.tensor([[8, 16], [8, 8]]),
        "size": torch.tensor([[8, 16], [8, 8]]),
    }
    scores = torch.rand(4, 1, 8, 8)
    scores[3] = torch.nan
    joined = join_squares(scores, side)
    torch.testing.assert_close(joined[1, :, :8, 0], scores[2, 0])


def test_a_prediction_is_runs_that_numpy_repeats_to_the_mask():
    head = PictureSegmentationHead(6, TASK)
    mask = torch.tensor([[0, 0, 2], [2, 2, 1]])
    (decoded,) = head.decode(torch.nn.functional.one_hot(mask, 3).float()[None])
    runs = decoded["prediction"]
    assert np.repeat(runs["values"], runs["lengths"]).reshape(runs["size"]).tolist() == mask.tolist()
    assert head.format_prediction(decoded) == "land 50.0%, sky 33.3%, sea 16.7%"


def test_void_pixels_add_nothing_to_loss_and_metrics():
    head = PictureSegmentationHead(6, TASK)
    output = torch.randn(1, 4, 5, 3)
    target = torch.randint(3, (1, 4, 5))
    void = target.clone()
    void[:, :, 3:] = MISSING_CLASS
    torch.testing.assert_close(head.loss(output, void), head.loss(output[:, :, :3], target[:, :, :3]))
    assert len(head.metric_inputs(output, void)[1]) == 12
    nothing = torch.full_like(target, MISSING_CLASS)
    assert head.loss(output.requires_grad_(), nothing).item() == 0


def test_metrics_are_those_of_the_formula():
    head = PictureSegmentationHead(6, TASK)
    true = torch.tensor([[[0, 0, 1, 1, MISSING_CLASS]]])
    predicted = torch.nn.functional.one_hot(torch.tensor([[[0, 1, 1, 1, 2]]]), 3).float()
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(predicted, true))
    values = {name: float(metric.compute()) for name, metric in metrics.items() if name != "iou_land"}
    assert values == pytest.approx({"miou": (1 / 2 + 2 / 3) / 2, "accuracy": 3 / 4, "iou_sky": 1 / 2, "iou_sea": 2 / 3})
    with pytest.raises(ValueError, match="does not occur"):
        metrics["iou_land"].compute()


def test_the_dice_loss_is_that_of_the_formula():
    logits = torch.tensor([[5.0, 0.0], [0.0, 1.0]])
    probability = logits.softmax(-1)
    scores = [(2 * probability[k, k] + 1) / (probability[:, k].sum() + 1 + 1) for k in (0, 1)]
    torch.testing.assert_close(dice_loss(logits, torch.tensor([0, 1])), 1 - torch.stack(scores).mean())


def test_rare_classes_weigh_more_and_a_typical_pixel_one():
    head = PictureSegmentationHead(6, TASK, PictureSegmentationHead.Options(class_weights="balanced"))
    head.calibrate([np.array([[0, 0, 0, 0], [1, -1, -1, -1]])])
    weights = head.weight_K.tolist()
    assert weights[1] == pytest.approx(2 * weights[0])
    assert (4 * weights[0] + weights[1]) / 5 == pytest.approx(1)
    assert weights[2] == 1


def test_each_kind_of_segmentation_has_its_own_head():
    places = Segmentation(classes=("a", "b"))
    assert isinstance(default_head(6, TASK), PictureSegmentationHead)
    assert isinstance(default_head(6, places), SegmentationHead)
    with pytest.raises(OptionError, match="segmentation of places"):
        PictureSegmentationHead(6, places)
    with pytest.raises(OptionError, match="labels=pixels"):
        PictureSegmentationHead(6, TASK)(Features(torch.randn(1, 4, 6), grid=(2, 2)))
