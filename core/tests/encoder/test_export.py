"""Models leave Python: torch.export and torch.compile follow what a tokenizer and an encoder do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mt_core.contract import Tokens
from mt_core.encoder import Encoder
from mt_core.sdk.blocks import LearnedPositions


class _Volumes(nn.Module):
    """Patches of volumes, two views a sample, on a lattice of 2 x 1 x 3: to one vector a sample."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.project, self.place = nn.Linear(5, 64), LearnedPositions((2, 2, 2), 64)
        self.encoder = encoder

    def forward(self, patches_BNP: Tensor) -> Tensor:
        grid = (2, 1, 3)
        values = self.place(self.project(patches_BNP), grid)
        return self.encoder(Tokens(values, grid=grid, views=2)).pool("cls+mean+max")


@pytest.fixture
def model(encoder: Encoder) -> nn.Module:
    encoder.blocks = encoder.blocks[:1]
    return _Volumes(encoder).eval()


def test_an_exported_model_gives_the_same_for_another_number_of_samples(model: nn.Module) -> None:
    batch = {0: torch.export.Dim.DYNAMIC}
    exported = torch.export.export(model, (torch.randn(4, 6, 5),), dynamic_shapes=(batch,), strict=False).module()
    patches = torch.randn(6, 6, 5)
    torch.testing.assert_close(exported(patches), model(patches))


class _Lines(nn.Module):
    """Sequences of different lengths, two views a sample, some without a token: to one vector a sample."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.place, self.encoder = LearnedPositions(4, 64), encoder

    def forward(self, values_BND: Tensor, mask_BN: Tensor) -> Tensor:
        values = self.place(values_BND, mask=mask_BN)
        return self.encoder(Tokens(values, mask_BN, views=2)).pool("cls+mean+max")


@pytest.mark.parametrize("has_cls", [True, False])
def test_padding_that_is_computed_along_changes_nothing(encoder: Encoder, has_cls: bool) -> None:
    """Traced, rows are not packed; lengths below and above the learned positions, and padding that holds NaN."""
    encoder.blocks = encoder.blocks[:1]
    if not has_cls:
        encoder.prefix = encoder.prefix_positions = None
        encoder.has_cls = False
    model = _Lines(encoder).eval()
    if not has_cls:
        model.forward = lambda values, mask: model.encoder(  # type: ignore[method-assign]
            Tokens(model.place(values, mask=mask), mask, views=2)
        ).pool("mean+max")
    dynamic = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    example = (torch.randn(4, 6, 64), torch.ones(4, 6, dtype=torch.bool))
    exported = torch.export.export(model, example, dynamic_shapes=(dynamic, dynamic), strict=False).module()
    for length in (9, 3):
        mask = torch.arange(length) < torch.tensor([[3], [0], [length], [1], [0], [2]])
        values = torch.randn(6, length, 64).masked_fill(~mask[..., None], torch.nan)
        expected = model(values.masked_fill(~mask[..., None], 0.0), mask)
        torch.testing.assert_close(exported(values, mask), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_a_compiled_model_is_one_graph_and_gives_the_same(model: nn.Module) -> None:
    patches = torch.randn(4, 6, 5)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(patches), model(patches))
