"""Packing, whatever the lengths: each row gives what it gives alone, and padding gives nothing."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mt_core.contract import Tokens
from mt_core.encoder import load_encoder

ENCODERS = [load_encoder("random/test_vit"), load_encoder("none/vit_tiny_patch16_224")]


@st.composite
def masks(draw) -> torch.Tensor:
    """(R, N) bool with a real token in each sample's views; real tokens stand anywhere, and views may be empty."""
    samples, views, tokens = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 9))
    rows = [[draw(st.booleans()) for _ in range(tokens)] for _ in range(samples * views)]
    for sample in range(samples):
        if not any(any(row) for row in rows[sample * views : (sample + 1) * views]):
            rows[sample * views][draw(st.integers(0, tokens - 1))] = True
    return torch.tensor(rows), views


@settings(max_examples=25, deadline=None, derandomize=True)
@given(masks(), st.sampled_from(ENCODERS), st.integers(0, 2**31))
def test_any_lengths_packed_equal_each_row_alone(drawn, encoder, seed):
    mask, views = drawn
    values = torch.randn(*mask.shape, encoder.width, generator=torch.Generator().manual_seed(seed))
    spoilt = torch.where(mask.unsqueeze(-1), values, torch.full_like(values, 1e6))  # padding is never read
    with torch.no_grad():
        packed = encoder(Tokens(spoilt, mask, views=views))
        for row in range(len(mask)):
            if mask[row].any():
                alone = encoder(Tokens(values[row, mask[row]].unsqueeze(0)))
                torch.testing.assert_close(packed.tokens[row, mask[row]], alone.tokens[0], atol=1e-5, rtol=1e-4)
                if packed.cls is not None:
                    torch.testing.assert_close(packed.cls[row], alone.cls[0], atol=1e-5, rtol=1e-4)
    assert (packed.tokens[~mask] == 0).all()


@settings(max_examples=12, deadline=None, derandomize=True)
@given(masks(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(drawn, random):
    mask, _ = drawn
    mask = mask[mask.any(1)]
    order = list(range(len(mask)))
    random.shuffle(order)
    values = torch.randn(*mask.shape, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        straight = ENCODERS[0](Tokens(values, mask)).tokens
        shuffled = ENCODERS[0](Tokens(values[order], mask[order])).tokens
    torch.testing.assert_close(shuffled, straight[order], atol=1e-5, rtol=1e-4)
