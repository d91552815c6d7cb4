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
