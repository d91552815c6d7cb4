import pytest
import torch

from mt_core.contract import MISSING_CLASS, Features, Segmentation
from mt_core.errors import OptionError
from mt_core.heads import SegmentationHead, default_head

TASK = Segmentation(classes=("wing", "body"))


def cloud(num_places: int = 6, num_tokens: int = 4) -> Features:
    side = {"places": torch.randn(2, num_places, 3)}
    return Features(torch.randn(2, num_tokens, 8), coords=torch.randn(2, num_tokens, 3), side=side)


def test_every_place_gets_its_scores():
    assert SegmentationHead(8, TASK)(cloud()).shape == (2, 6, 2)


def test_without_places_every_token_is_one():
    assert SegmentationHead(8, TASK)(Features(torch.randn(2, 5, 8))).shape == (2, 5, 2)


def test_a_place_on_a_token_has_that_tokens_features():
    head, features = SegmentationHead(8, TASK), cloud(num_places=4)
    on_tokens = Features(features.tokens, coords=features.coords, side={"places": features.coords})
    expected = head.readout(head.of_token(head.normalise(features.tokens)) + head.of_offset(torch.zeros(3)))
    torch.testing.assert_close(head(on_tokens), expected, atol=1e-4, rtol=1e-4)


def test_padded_tokens_label_no_place():
    head, features = SegmentationHead(8, TASK), cloud()
    padded = Features(
        torch.cat([features.tokens, torch.full((2, 3, 8), 9.0)], 1),
        mask=torch.arange(7)[None, :].expand(2, 7) < 4,
        coords=torch.cat([features.coords, features.side["places"][:, :3]], 1),  # nearer than any real token
        side=features.side,
    )
    torch.testing.assert_close(head(padded), head(features))


def test_places_behind_a_samples_own_are_told_apart_and_cost_nothing():
    head, features = SegmentationHead(8, TASK), cloud()
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    side = {**features.side, "places_mask": mask}
    output = head(Features(features.tokens, coords=features.coords, side=side))
    assert [len(decoded["prediction"]) for decoded in head.decode(output)] == [6, 4]
    target = TASK.stack([[0, 1, 0, 1, 0, 1], [0, 1, 1, MISSING_CLASS]])
    loss = head.loss(output, target)
    loss.backward()
    assert loss.isfinite()
    assert all(weight.grad.isfinite().all() for weight in head.parameters())


def test_unknown_labels_give_a_zero_loss_with_zero_gradients():
    head = SegmentationHead(8, TASK)
    loss = head.loss(head(cloud()), torch.full((2, 6), MISSING_CLASS))
    loss.backward()
    assert loss.item() == 0
    assert not any(weight.grad.any() for weight in head.parameters() if weight.grad is not None)


def test_intersection_over_union_is_the_mean_over_classes():
    head = SegmentationHead(8, TASK)
    output = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(output, torch.tensor([[0, 0, 1, 1]])))
    # wing: 2 of 3, body: 1 of 2
    assert metrics["miou"].compute().item() == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert metrics["accuracy"].compute().item() == pytest.approx(3 / 4)


def test_labels_for_another_number_of_places_are_refused():
    head = SegmentationHead(8, TASK)
    with pytest.raises(OptionError, match="labels for"):
        head.loss(head(cloud()), torch.zeros(2, 5, dtype=torch.int64))


def test_places_need_coordinates_of_the_tokens():
    with pytest.raises(OptionError, match="no coordinates"):
        SegmentationHead(8, TASK)(Features(torch.randn(1, 4, 8), side={"places": torch.randn(1, 5, 3)}))


def test_the_naive_answer_is_the_most_frequent_class():
    target = torch.tensor([[1, 1, 0]])
    assert SegmentationHead(8, TASK).baseline(target, target).argmax(-1).tolist() == [[1, 1, 1]]


def test_a_line_counts_the_places_of_each_class():
    assert SegmentationHead(8, TASK).format_prediction({"prediction": ["body", "wing", "body"]}) == "body 2, wing 1"


def test_a_segmentation_task_gets_this_head_even_where_a_recipe_suggests_another_heads_options():
    head = default_head(8, TASK, suggested={"pool": "max"}, options={"pool": "max", "hidden": 16})
    assert isinstance(head, SegmentationHead) and head.options.hidden == 16
    with pytest.raises(OptionError, match="pool"):
        default_head(8, TASK, options={"pool": "max"})


def test_boundaries_between_tokens_are_learned():
    torch.manual_seed(0)
    head = SegmentationHead(8, TASK, SegmentationHead.Options(hidden=32))
    coords = torch.tensor([[[-1.0, 0, 0], [1.0, 0, 0]]]).expand(8, -1, -1)
    places = torch.randn(8, 50, 3)
    features = Features(torch.randn(1, 2, 8).expand(8, -1, -1), coords=coords, side={"places": places})
    target = (places[..., 0] > 0.5).long()
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    for _ in range(150):
        loss = head.loss(head(features), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (head(features).argmax(-1) == target).float().mean() > 0.95


def test_views_without_tokens_and_bands_of_a_lattice_do_not_change_a_place():
    head, tokens = SegmentationHead(8, TASK), torch.randn(1, 4, 8)
    times, places = torch.arange(4.0)[None, :, None], torch.tensor([[[0.5], [2.2]]])
    expected = head(Features(tokens, coords=times, side={"places": places}))
    beside = torch.cat([tokens, torch.randn(1, 4, 8)])  # a channel that the sample does not have
    mask = torch.tensor([[True] * 4, [False] * 4])
    padded = Features(beside, mask=mask, coords=times.repeat(2, 1, 1), views=2, side={"places": places})
    torch.testing.assert_close(head(padded), expected)
    bands = tokens.repeat_interleave(3, dim=1)
    coords = torch.cartesian_prod(torch.arange(4.0), torch.arange(3.0))[None]
    lattice = Features(bands, coords=coords, grid=(4, 3), side={"places": places})
    torch.testing.assert_close(head(lattice), expected)


def test_a_place_sees_all_views_alike():
    head, tokens = SegmentationHead(8, TASK), torch.randn(5, 4, 8)
    times, places = torch.arange(4.0)[None, :, None].repeat(5, 1, 1), torch.rand(1, 6, 1) * 3
    scores = [
        head(Features(order, coords=times, views=5, side={"places": places})) for order in (tokens, tokens.flip(0))
    ]
    torch.testing.assert_close(*scores)


def test_the_area_under_the_curve_of_two_classes_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    head = SegmentationHead(8, TASK)
    output, target = torch.randn(3, 20, 2), torch.randint(-1, 2, (3, 20))
    metrics = head.metrics()
    for row in range(3):
        metrics.update(*head.metric_inputs(output[row : row + 1], target[row : row + 1]))
    known = target >= 0
    expected = roc_auc_score(target[known], output.softmax(-1)[..., 1][known])
    assert metrics["auroc"].compute().item() == pytest.approx(expected)
    assert "auroc" not in SegmentationHead(8, Segmentation(classes=("a", "b", "c"))).metrics()
