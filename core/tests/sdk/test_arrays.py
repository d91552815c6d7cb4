import numpy as np
import pytest
import torch

from mt_core.sdk import as_array


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.int32, torch.uint8, torch.bool])
def test_a_tensor_keeps_its_type(kind):
    tensor = torch.ones(2, 3, dtype=kind)
    array = as_array(tensor)
    assert array.shape == (2, 3) and torch.from_numpy(array).dtype == kind


def test_floats_that_numpy_does_not_know_become_wider_ones():
    array = as_array(torch.tensor([1.5, -2.0], dtype=torch.bfloat16, requires_grad=True))
    assert array.dtype == np.float32 and array.tolist() == [1.5, -2.0]


def test_lists_become_arrays_where_their_lengths_agree():
    assert as_array([[1, 2], [3, 4]]).shape == (2, 2)
    with pytest.raises(ValueError, match="inhomogeneous"):
        as_array([[1, 2], [3]])


@pytest.mark.parametrize("kind", ["float32", "int16", "bool"])
def test_what_a_masked_array_hides_is_missing(kind):
    hidden = np.ma.masked_array(np.array([1, 1, 0], kind), mask=[False, True, False])
    array = as_array(hidden)
    assert not isinstance(array, np.ma.MaskedArray) and np.isnan(array).tolist() == [False, True, False]
    assert array[[0, 2]].tolist() == [1, 0]


def test_a_masked_array_that_hides_nothing_keeps_its_type():
    assert as_array(np.ma.masked_array(np.array([1, 2], "uint8"))).dtype == np.uint8


def test_masked_texts_are_none():
    assert as_array(np.ma.masked_array(["a", "b"], mask=[False, True])).tolist() == ["a", None]
