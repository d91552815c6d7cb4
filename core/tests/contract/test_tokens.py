import pytest
import torch

from mt_core.contract import Features, Tokens, pad_and_stack, pooled_width
from mt_core.errors import OptionError, TokensError


@pytest.fixture
def ragged() -> Features:
    """Two samples of two views; the second view of the first sample is padding."""
    tokens = torch.tensor([[[1.0], [3.0]], [[99.0], [99.0]], [[2.0], [99.0]], [[4.0], [6.0]]])
    mask = torch.tensor([[True, True], [False, False], [True, False], [True, True]])
    cls = torch.tensor([[10.0], [99.0], [20.0], [40.0]])
    return Features(tokens, cls=cls, mask=mask, views=2)


def test_mean_and_max_are_over_the_real_tokens_of_all_views(ragged):
    assert ragged.pool("mean").tolist() == [[2.0], [4.0]]
    assert ragged.pool("max").tolist() == [[3.0], [6.0]]


def test_cls_is_averaged_over_the_views_that_have_a_real_token(ragged):
    assert ragged.pool("cls").tolist() == [[10.0], [30.0]]


def test_poolings_stand_side_by_side_in_the_order_written(ragged):
    assert ragged.pool("cls+mean+max").tolist() == [[10.0, 2.0, 3.0], [30.0, 4.0, 6.0]]
    assert pooled_width(8, "cls+mean+max") == 24


def test_without_a_mask_every_token_counts():
    features = Features(torch.tensor([[[1.0], [5.0]]]))
    assert features.pooled.tolist() == [[3.0]]
    assert features.pool("max").tolist() == [[5.0]]


def test_pooling_a_missing_cls_says_what_to_use(ragged):
    with pytest.raises(OptionError, match=r"has no \[CLS\][\s\S]*mean"):
        Features(ragged.tokens).pool("cls")


def test_unknown_pooling_names_the_known_ones(ragged):
    with pytest.raises(OptionError, match=r"'median'[\s\S]*cls\+mean"):
        ragged.pool("median")
    with pytest.raises(OptionError, match="no pooling called 'median'"):
        pooled_width(8, "median")


def test_token_ids_are_refused_as_tokens():
    with pytest.raises(TokensError, match="not token ids"):
        Tokens(torch.zeros(2, 3, 4, dtype=torch.int64))


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(TokensError, match="mask"):
        Tokens(torch.zeros(2, 3, 4), mask=torch.ones(2, 4, dtype=torch.bool))


def test_a_mask_that_is_not_bool_is_refused():
    with pytest.raises(TokensError, match="bool"):
        Tokens(torch.zeros(2, 3, 4), mask=torch.ones(2, 3))


def test_coordinates_of_other_tokens_are_refused():
    with pytest.raises(TokensError, match="coordinates"):
        Tokens(torch.zeros(2, 3, 4), coords=torch.zeros(2, 4, 3))


def test_rows_that_do_not_divide_into_views_are_refused():
    with pytest.raises(TokensError, match="2 views"):
        Tokens(torch.zeros(3, 3, 4), views=2)


def test_a_lattice_of_another_size_is_refused():
    with pytest.raises(TokensError, match=r"\(2, 2\)"):
        Tokens(torch.zeros(1, 3, 4), grid=(2, 2))


def test_equal_lengths_are_stacked_without_a_mask():
    batch = pad_and_stack([{"x": torch.ones(2, 3)}, {"x": torch.zeros(2, 3)}])
    assert set(batch) == {"x"}
    assert batch["x"].shape == (2, 2, 3)


def test_other_lengths_are_padded_with_zeros_and_masked():
    batch = pad_and_stack([{"x": torch.ones(1, 2)}, {"x": torch.ones(3, 2)}])
    assert batch["x"][0].tolist() == [[1, 1], [0, 0], [0, 0]]
    assert batch["x_mask"].tolist() == [[True, False, False], [True, True, True]]


def test_trailing_axes_that_differ_are_refused():
    with pytest.raises(TokensError, match="first axis"):
        pad_and_stack([{"x": torch.ones(1, 2)}, {"x": torch.ones(1, 3)}])


def test_names_that_differ_within_a_batch_are_refused():
    with pytest.raises(TokensError, match="'y'"):
        pad_and_stack([{"y": torch.ones(1)}, {"x": torch.ones(1)}])
