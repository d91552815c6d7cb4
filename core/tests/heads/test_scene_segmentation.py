import numpy as np
import pytest
import torch

from mt_core.contract import MISSING_CLASS, Features, Segmentation
from mt_core.errors import OptionError
from mt_core.heads import SceneSegmentationHead, SegmentationHead, default_head
from mt_core.heads.scene_segmentation import joined
from mt_core.heads.segmentation import from_nearest
from mt_core.sdk import mask_from

TASK = Segmentation(classes=("road", "car", "tree"), of="points")
COUNTS = (5, 2)


def features(**more) -> Features:
    """Of one scene of two blocks, 4 tokens each, of which the second block has 3."""
    torch.manual_seed(0)
    side = {"places": torch.randn(1, sum(COUNTS), 3), "counts": torch.tensor([COUNTS]), **more}
    mask = torch.tensor([[True] * 4, [True] * 3 + [False]])
    return Features(torch.randn(2, 4, 8), mask=mask, coords=torch.randn(2, 4, 3), views=2, side=side)


def head(**options) -> SceneSegmentationHead:
    torch.manual_seed(1)
    return SceneSegmentationHead(8, TASK, SceneSegmentationHead.Options(**options)).eval()


def test_a_task_of_points_gets_this_head_and_one_of_places_the_other():
    assert isinstance(default_head(8, TASK), SceneSegmentationHead)
    assert type(default_head(8, TASK.model_copy(update={"of": "places"}))) is SegmentationHead
    with pytest.raises(OptionError, match="segmentation of places"):
        SceneSegmentationHead(8, TASK.model_copy(update={"of": "places"}))


def test_points_of_a_block_see_the_tokens_of_that_block_alone():
    output = head()(features())
    assert output.shape == (1, 7, 3)
    moved = features()
    moved.tokens[1] += 1
    changed = (head()(moved) != output).any(-1)[0]
    assert changed.tolist() == [False] * 5 + [True] * 2


def test_a_padded_token_changes_nothing():
    moved = features()
    moved.tokens[1, 3] += 1
    assert torch.equal(head()(moved), head()(features()))


def test_what_is_known_of_a_point_itself_is_used():
    values = torch.zeros(1, 7, 4)
    values[0, 6, 3] = 1
    changed = (head()(features(place_values=values)) != head()(features())).any(-1)[0]
    assert changed.tolist() == [False] * 6 + [True]


def test_probabilities_are_averaged_by_weight_where_blocks_overlap():
    logits = [torch.tensor([[0.0, 2.0, 1.0], [1.0, 0.0, 0.0]]), torch.tensor([[3.0, 0.0, 0.0]])]
    index, weights = torch.tensor([1, 0, 1]), torch.tensor([1.0, 0.5, 3.0])
    output = joined(logits, index, weights, 2, 3).exp()
    first, second, third = (row.softmax(-1) for row in (*logits[0], *logits[1]))
    torch.testing.assert_close(output, torch.stack([second, (first + 3 * third) / 4]))


def test_a_point_that_no_block_has_is_of_no_class():
    logits = [torch.tensor([[0.0, 2.0, 1.0]])]
    output = joined(logits, torch.tensor([1]), torch.tensor([1.0]), 3, 3)
    (decoded,) = head().decode(output[None])
    assert decoded["prediction"] == {"size": [3], "values": [-1, 1, -1], "lengths": [1, 1, 1]}
    assert decoded["shares"] == {"car": 1.0}
    target = torch.tensor([[MISSING_CLASS, 1, MISSING_CLASS]])
    assert head().loss(output[None], target).isfinite()


def test_a_scene_is_given_as_runs_of_equal_classes():
    output = torch.full((1, 6, 3), -5.0)
    for point, index in enumerate([0, 0, 2, 2, 2]):
        output[0, point, index] = 5
    output[0, 5] = torch.nan  # behind its points
    (decoded,) = head().decode(output)
    assert decoded["prediction"] == {"size": [5], "values": [0, 2], "lengths": [2, 3]}
    assert mask_from(decoded["prediction"]).tolist() == [0, 0, 2, 2, 2]
    assert head().format_prediction(decoded) == "tree 60.0%, road 40.0%"


def test_points_of_no_class_count_in_no_loss_and_no_metric():
    output = head()(features())
    target = torch.tensor([[0, 1, 2, MISSING_CLASS, MISSING_CLASS, 0, 1]])
    spoilt = output.clone()
    spoilt[0, 3:5] = 100
    assert torch.equal(head().loss(output, target), head().loss(spoilt, target))
    predicted, true = head().metric_inputs(output, target)
    assert true.tolist() == [0, 1, 2, 0, 1] and len(predicted) == 5


def test_intersection_over_union_of_points_is_that_of_a_count():
    draw = np.random.default_rng(0)
    true, said = draw.integers(-1, 3, 200), draw.integers(0, 3, 200)
    output = torch.nn.functional.one_hot(torch.from_numpy(said), 3).float()[None]
    metrics = head().metrics()
    metrics.update(*head().metric_inputs(output, torch.from_numpy(true)[None]))
    found, known = metrics.compute(), true >= 0
    for index, name in enumerate(TASK.classes):
        both = ((true == index) & (said == index)).sum()
        either = known & ((true == index) | (said == index))
        assert float(found[f"iou_{name}"]) == pytest.approx(both / either.sum())
    assert float(found["accuracy"]) == pytest.approx((true == said)[known].mean())


def covered(**more) -> Features:
    """The same scene, covered: five points, of which the second block has two again, and a sixth in no block."""
    index = torch.tensor([[0, 1, 2, 3, 4, 1, 3]])
    return features(index=index, weights=torch.rand(1, 7) + 0.1, size=torch.tensor([[6]]), **more)


@pytest.mark.parametrize("more", [{}, {"place_values": torch.rand(1, 7, 2)}, {"counts": torch.tensor([[7, 0]])}])
def test_all_blocks_at_once_are_computed_as_one_after_another(more):
    seen = covered(**more)
    expected = head()(seen)
    assert expected[0].isneginf().all(-1).tolist() == [False] * 5 + [True]
    torch.testing.assert_close(head().forward_alike(seen), expected)


def test_blocks_of_a_single_token_are_computed_alike():
    seen = covered()
    alone = Features(seen.tokens[:, :1], coords=seen.coords[:, :1], views=2, side=seen.side)
    torch.testing.assert_close(head().forward_alike(alone), head()(alone))


def test_of_equally_near_tokens_the_first_are_taken():
    """As on a lattice; otherwise a file of mt export and the run would take different ones."""
    coords = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1], [2, 0]]).repeat(8, 1)  # 32 at a distance of 1
    tokens = torch.eye(40)[None]
    around, offset = from_nearest(tokens, coords[None], None, torch.zeros(1, 1, 2))
    torch.testing.assert_close(around[0, 0].nonzero().flatten(), torch.tensor([0, 1, 2]))
    assert offset.tolist() == [[[-1, 0]]]


def test_tokens_of_another_tokenizer_are_refused_with_the_option():
    with pytest.raises(OptionError, match="labels=scenes"):
        head()(Features(torch.randn(1, 4, 8)))
