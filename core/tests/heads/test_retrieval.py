import math

import pytest
import torch

from mt_core.contract import MISSING_CLASS, Features, Retrieval, Role
from mt_core.heads import RetrievalHead, default_head
from mt_core.heads.ranking import MeanAveragePrecision, RankOne

TASK = Retrieval(identities=("ann", "bob", "cem"))
Q, G = Role.QUERY, Role.GALLERY


def ranking(metric, vectors, targets):
    metric.update(torch.nn.functional.normalize(torch.tensor(vectors), dim=-1), torch.tensor(targets))
    return metric.compute().item()


LINE = [[1.0, 0.0], [0.9, 0.1], [0.5, 0.5], [-1.0, 0.1]]
"""One query and a gallery, the nearest first."""


def test_average_precision_is_that_of_the_ranked_gallery():
    # matches at ranks 2 and 3: (1/2 + 2/3) / 2
    targets = [(0, 0, Q), (1, 1, G), (0, 1, G), (0, 1, G)]
    assert ranking(MeanAveragePrecision(), LINE, targets) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert ranking(RankOne(), LINE, targets) == 0


def test_what_the_same_camera_saw_of_the_query_is_left_out():
    targets = [(0, 0, Q), (0, 0, G), (0, 1, G), (1, 1, G)]
    assert ranking(RankOne(), LINE, targets) == 1  # of the second, for the first is not in the gallery
    assert ranking(MeanAveragePrecision(), LINE, targets) == 1


def test_a_query_without_a_match_does_not_count():
    vectors = [*LINE, [1.0, 0.0]]
    targets = [(0, 0, Q), (0, 1, G), (1, 1, G), (1, 1, G), (7, 0, Q)]
    assert ranking(RankOne(), vectors, targets) == 1


def test_without_roles_each_sample_is_sought_among_all_others():
    targets = [(0, 0, Role.BOTH), (0, 0, Role.BOTH), (1, 0, Role.BOTH), (1, 0, Role.BOTH)]
    # the third is nearer to the second than to the fourth
    assert ranking(RankOne(), LINE, targets) == pytest.approx(3 / 4)


def test_no_match_at_all_is_an_error_that_is_shown_as_nan():
    with pytest.raises(ValueError, match="no query has a match"):
        ranking(RankOne(), LINE, [(number, 0, Role.BOTH) for number in range(4)])


def test_the_embedding_has_the_size_asked_for():
    assert RetrievalHead(8, TASK, RetrievalHead.Options(embedding_width=5))(Features(torch.randn(3, 4, 8))).shape == (
        3,
        5,
    )


def test_an_identity_that_training_does_not_have_adds_to_the_triplets_alone():
    head, output = RetrievalHead(8, TASK, RetrievalHead.Options(embedding_width=4)), torch.randn(4, 4)
    unlisted = torch.tensor([[5, 0, 0], [5, 0, 0], [6, 0, 0], [6, 0, 0]])
    loss = head.loss(output, unlisted)
    distance = torch.cdist(output, output)
    farthest = torch.tensor([distance[0, 1], distance[1, 0], distance[2, 3], distance[3, 2]])
    nearest = torch.stack([distance[:2, 2:].amin(1), distance[2:, :2].amin(1)]).flatten()
    torch.testing.assert_close(loss, (farthest - nearest + 0.3).clamp(min=0).mean(), atol=1e-5, rtol=1e-5)


def test_unknown_identities_give_a_zero_loss_with_zero_gradients():
    head = RetrievalHead(8, TASK)
    loss = head.loss(head(Features(torch.randn(2, 3, 8))), torch.tensor([[MISSING_CLASS, 0, 0]] * 2))
    loss.backward()
    assert loss.item() == 0
    assert not any(weight.grad.any() for weight in head.parameters() if weight.grad is not None)


def test_a_batch_of_one_sample_can_be_trained_on():
    head = RetrievalHead(8, TASK).train()
    assert head.loss(head(Features(torch.randn(1, 3, 8))), torch.tensor([[0, 0, 0]])).isfinite()


def test_identical_samples_have_finite_gradients():
    head = RetrievalHead(8, TASK)
    head.loss(
        head(Features(torch.ones(4, 3, 8))), torch.tensor([[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 0, 0]])
    ).backward()
    assert all(weight.grad.isfinite().all() for weight in head.parameters() if weight.grad is not None)


def test_predictions_name_an_identity_and_give_a_vector_of_length_one():
    head = RetrievalHead(8, TASK, RetrievalHead.Options(embedding_width=4)).eval()
    (decoded,) = head.decode(head(Features(torch.randn(1, 3, 8))))
    assert decoded["prediction"] in TASK.identities
    assert math.hypot(*decoded["vector"]) == pytest.approx(1, abs=1e-5)


def test_samples_of_identities_never_seen_find_each_other_after_training():
    torch.manual_seed(0)
    directions = torch.randn(30, 8)

    def samples(identities):
        index = torch.tensor([identity for identity in identities for _ in range(4)])
        noise = torch.cat([torch.randn(len(index), 1, 8) * 0.1, torch.randn(len(index), 2, 8)], 1)
        tokens = torch.zeros(len(index), 3, 8)
        tokens[:, 0] = directions[index]
        return Features(tokens + noise * 0.3), torch.stack([index, index * 0, index * 0], 1)

    task = Retrieval(identities=tuple(map(str, range(20))))
    head = RetrievalHead(8, task, RetrievalHead.Options(embedding_width=16))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    for _ in range(60):
        features, target = samples(range(20))
        loss = head.loss(head(features), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    features, target = samples(range(20, 30))
    head.eval()
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(head(features), target))
    assert metrics["rank1"].compute() > 0.9


def test_a_retrieval_task_gets_this_head_with_its_options():
    head = default_head(8, TASK, options={"embedding_width": 7, "margin": 0.1})
    assert isinstance(head, RetrievalHead) and head.options.embedding_width == 7


def test_its_vectors_are_those_of_its_predictions():
    head, features = (
        RetrievalHead(8, TASK, RetrievalHead.Options(embedding_width=4)).eval(),
        Features(torch.randn(2, 3, 8)),
    )
    predicted = [decoded["vector"] for decoded in head.decode(head(features))]
    torch.testing.assert_close(head.vectors(features), torch.tensor(predicted))
    assert head.vector_width == 4
