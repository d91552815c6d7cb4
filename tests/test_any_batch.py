"""Every tokenizer, whatever the batch: a sample's vector depends neither on its neighbours nor on the order."""

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mt_core.encoder import load_encoder
from mt_core.model import MetaTransformer, make_tokenizer
from mt_core.plugins import get
from mt_core.plugins.official import OFFICIAL

SAMPLES = 6


@cache
def prepared(modality: str) -> tuple[MetaTransformer, list[dict[str, torch.Tensor]], torch.Tensor]:
    """A small model, prepared demonstration samples, and the vector of each when it is alone."""
    plugin, encoder = get(modality), load_encoder("random/test_vit")
    dataset = plugin.dataset.demo("train", size=24, seed=0)
    tokenizer = make_tokenizer(plugin.tokenizer, encoder, plugin.dataset.demo_options, seed=0)
    tokenizer.calibrate(dataset[index] for index in range(len(dataset)))
    model = MetaTransformer(modality, tokenizer, encoder).eval()
    items = [tokenizer.prepare(tokenizer.read(dataset[index].sample)) for index in range(SAMPLES)]
    with torch.no_grad():
        alone = torch.cat([model.encode(tokenizer.collate([item])).pool("cls+mean+max") for item in items])
    return model, items, alone


@pytest.mark.parametrize("modality", OFFICIAL)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(chosen=st.lists(st.integers(0, SAMPLES - 1), min_size=2, max_size=5))
def test_any_batch_gives_each_sample_the_vector_it_has_alone(modality, chosen):
    model, items, alone = prepared(modality)
    with torch.no_grad():
        together = model.encode(model.tokenizer.collate([items[index] for index in chosen])).pool("cls+mean+max")
    torch.testing.assert_close(together, alone[chosen], atol=2e-4, rtol=1e-3)
