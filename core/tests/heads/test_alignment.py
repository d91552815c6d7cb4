import pytest
import torch

from mt_core.contract import MISSING_CLASS, Alignment, Features, Head, task_from
from mt_core.errors import OptionError
from mt_core.heads import AlignmentHead, ClassificationHead, default_head

TASK = Alignment(space="s1", width=5, inputs=("photo", "caption"))


def test_an_alignment_gets_its_head_and_is_written_down_and_read_back():
    assert isinstance(default_head(8, TASK, ClassificationHead), AlignmentHead)
    assert task_from(TASK.model_dump(mode="json")) == TASK
    assert TASK.stack([4, None]).tolist() == [4, MISSING_CLASS]


def test_its_vectors_are_the_projection_at_length_one():
    head, features = AlignmentHead(8, TASK), Features(torch.randn(3, 4, 8))
    vectors, projected = head.vectors(features), head(features)
    assert vectors.shape == (3, 5) and head.vector_width == 5
    torch.testing.assert_close(vectors, projected / projected.norm(dim=1, keepdim=True))
    assert torch.tensor(head.decode(projected)[1]["prediction"]).tolist() == pytest.approx(vectors[1].tolist())
    assert head.format_prediction(head.decode(projected)[0]).startswith("5 numbers: ")


def test_one_modality_alone_is_neither_trained_nor_measured():
    head, output = AlignmentHead(8, TASK), torch.randn(2, 5)
    for refused in (lambda: head.loss(output, torch.zeros(2)), head.metrics, lambda: head.metric_inputs(output, None)):
        with pytest.raises(OptionError, match="one modality alone"):
            refused()


def test_a_head_makes_no_vectors_of_its_own_unless_it_says_so():
    assert Head.vector_width is None
    assert ClassificationHead(8, task_from({"kind": "classification", "classes": ["a"]})).vectors(None) is None
