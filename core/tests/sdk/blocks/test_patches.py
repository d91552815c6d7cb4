import pytest
import torch

from mt_core.errors import TokensError
from mt_core.sdk.blocks import PatchEmbed, adapt_channels, copy_kernel


@pytest.mark.parametrize("shape", [(8,), (8, 4), (4, 8, 4)])
def test_a_token_depends_on_its_own_patch_alone(shape):
    patches = PatchEmbed(2, 5, patch=(4,) * len(shape))
    grid = torch.randn(1, 2, *shape)
    nudged = grid.clone()
    nudged[(0, 0, *(0 for _ in shape))] += 1
    changed = (patches(grid) != patches(nudged)).any(-1)[0]
    assert changed.tolist() == [True] + [False] * (changed.numel() - 1)


def test_overlapping_patches_follow_the_lattice():
    patches = PatchEmbed(1, 3, patch=(16, 16), stride=(10, 10))
    assert patches.grid((128, 98)) == (12, 9)
    assert patches(torch.randn(2, 1, 128, 98)).shape == (2, 108, 3)


@pytest.mark.parametrize(("channels", "patch"), [(12, (16,)), (4, (16, 16)), (6, (4, 16, 16))])
def test_half_precision_gives_the_same_tokens_on_a_cpu(channels, patch):
    torch.manual_seed(0)
    patches, grid = PatchEmbed(channels, 192, patch), torch.randn(2, channels, *(2 * size for size in patch))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        halved = patches(grid)
    torch.testing.assert_close(halved.float(), patches(grid).detach(), rtol=0, atol=0.05)


def test_an_input_smaller_than_a_patch_is_refused():
    with pytest.raises(TokensError, match="smaller than one patch"):
        PatchEmbed(1, 3, patch=(4,))(torch.randn(1, 1, 3))


def test_a_grey_picture_answers_as_the_same_grey_in_three_channels():
    colour = PatchEmbed(3, 6, patch=(4, 4))
    grey = PatchEmbed(1, 6, patch=(4, 4))
    copy_kernel(grey, colour.project.weight, colour.project.bias)
    picture = torch.randn(1, 1, 8, 8)
    torch.testing.assert_close(grey(picture), colour(picture.expand(1, 3, 8, 8)))


@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_a_constant_input_answers_alike_for_any_number_of_channels(channels):
    kernel = torch.randn(5, 3, 4, 4)
    adapted = adapt_channels(kernel, channels)
    assert adapted.shape == (5, channels, 4, 4)
    torch.testing.assert_close(adapted.sum((1, 2, 3)), kernel.sum((1, 2, 3)))


def test_a_kernel_of_another_patch_size_keeps_the_answer_to_a_constant():
    learned = PatchEmbed(3, 6, patch=(16, 16))
    small = PatchEmbed(3, 6, patch=(8, 8))
    with torch.no_grad():
        learned.project.weight.copy_(torch.randn(6, 3, 1, 1).expand(6, 3, 16, 16) / 256)
    copy_kernel(small, learned.project.weight, learned.project.bias)
    torch.testing.assert_close(small(torch.ones(1, 3, 8, 8)), learned(torch.ones(1, 3, 16, 16)), atol=1e-4, rtol=1e-4)
