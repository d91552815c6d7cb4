import pytest
import torch

from mt_core.errors import TokensError
from mt_core.sdk.blocks import LearnedPositions, interpolate_positions


def test_positions_are_unchanged_on_the_lattice_they_were_learned_on():
    positions = torch.randn(6, 4)
    assert torch.equal(interpolate_positions(positions, (2, 3), (2, 3)), positions)


@pytest.mark.parametrize(("learned", "wanted"), [((4,), (8,)), ((2, 2), (4, 4)), ((2, 2, 2), (4, 4, 4))])
def test_a_constant_stays_constant_on_another_lattice(learned, wanted):
    num_learned, num_wanted = 2 ** len(learned) if len(learned) > 1 else 4, torch.tensor(wanted).prod()
    resampled = interpolate_positions(torch.full((num_learned, 3), 0.5), learned, wanted)
    torch.testing.assert_close(resampled, torch.full((int(num_wanted), 3), 0.5))


def test_padding_a_line_moves_no_token_even_beyond_the_learned_length():
    place = LearnedPositions(4, 2)
    short = torch.zeros(1, 6, 2)
    padded = torch.zeros(2, 9, 2)
    mask = torch.tensor([[True] * 6 + [False] * 3, [True] * 9])
    torch.testing.assert_close(place(padded, mask=mask)[0, :6], place(short)[0])


def test_a_line_within_the_learned_length_takes_the_first_positions():
    place = LearnedPositions(4, 2)
    assert torch.equal(place(torch.zeros(1, 3, 2))[0], place.weight[:3])


def test_a_plane_must_be_told_its_lattice():
    with pytest.raises(TokensError, match="lattice"):
        LearnedPositions((2, 2), 3)(torch.zeros(1, 4, 3))


def test_tokens_that_do_not_fill_the_lattice_are_refused():
    with pytest.raises(TokensError, match=r"\(2, 3\)"):
        LearnedPositions((2, 2), 3)(torch.zeros(1, 4, 3), (2, 3))


def test_samples_of_different_shapes_get_the_positions_that_each_gets_alone():
    place = LearnedPositions((2, 2, 2), 3)
    lattices = [(2, 2, 2), (1, 3, 2), (3, 1, 1)]
    placed = place(torch.zeros(3, 8, 3), torch.tensor(lattices))
    for row, lattice in enumerate(lattices):
        num_tokens = torch.tensor(lattice).prod()
        alone = place(torch.zeros(1, num_tokens, 3), lattice)[0]
        assert torch.equal(placed[row, :num_tokens], alone)
        assert not placed[row, num_tokens:].any()


@pytest.mark.parametrize("lattices", [[[3, 1, 3]], [[2, 2]], [[2, 2, 2], [1, 1, 1]]])
def test_lattices_that_are_too_large_or_of_other_samples_or_axes_are_refused(lattices):
    with pytest.raises(TokensError, match="1 samples of 8 tokens"):
        LearnedPositions((2, 2, 2), 3)(torch.zeros(1, 8, 3), torch.tensor(lattices))
