"""What a prediction is divided into, by each method."""

from dataclasses import replace

import pytest
import torch

from mt_core.plugins import get
from mt_explain.explaining import chosen_target, explain_one
from mt_explain.methods import METHODS
from mt_explain.methods.rollout import rolled_out
from mt_explain.names import DEFAULT_METHOD
from mt_explain.names import METHODS as NAMES


@pytest.fixture
def text(model_of, sample_of):
    return sample_of(model_of("text"), "this film was unbelievably good, not bad")


def test_the_names_that_the_command_offers_are_those_of_the_methods():
    assert set(NAMES) == set(METHODS) and DEFAULT_METHOD in METHODS


def test_integrated_gradients_add_up_to_the_difference_from_the_baseline(text):
    target = chosen_target(text, None)
    with torch.no_grad():
        start, end = target.score(text.computed(text.mean_token[None])), target.score(text.output)
    found = METHODS["integrated-gradients"](text, target)
    assert float(found.sum()) == pytest.approx(float(end - start), abs=2e-3)


def test_a_gradient_is_the_slope_at_the_tokens(text):
    target = chosen_target(text, None)
    found = METHODS["gradient"](text, target)
    step = 1e-3
    moved = text.tokens.values + step * (text.tokens.values - text.mean_token)
    with torch.no_grad():
        slope = (target.score(text.computed(moved[None])) - target.score(text.output)) / step
    assert float(found.sum()) == pytest.approx(float(slope), abs=0.02 * float(found.abs().sum()))


def test_occlusion_is_the_prediction_without_the_part_as_if_it_had_never_been_there(text):
    model, target = text.model, chosen_target(text, None)
    found = METHODS["occlusion"](text, target)
    part = 3
    kept = text.parts.part_VN[0] != part
    with torch.no_grad():
        shorter = replace(text.tokens, values=text.tokens.values[:, kept], mask=None)
        without = target.score(model.require_head()(model.encoder(shorter)))
        assert float(found[part]) == pytest.approx(float(target.score(text.output) - without), abs=1e-4)


def test_the_tokens_of_one_word_are_one_part(text):
    words = [region.name for region in text.parts.regions]
    assert words == ["this", "film", "was", "unbelievably", "good", ",", "not", "bad"]
    assert text.parts.sums(torch.ones_like(text.parts.part_VN, dtype=torch.float32)).sum() == text.parts.part_VN.numel()


def test_rollout_multiplies_attention_that_is_mixed_with_the_identity():
    first, second = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]]), torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
    by_hand = torch.tensor([[0.5, 0.5], [0.0, 1.0]]) @ torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    assert torch.allclose(rolled_out([first, second]), by_hand)


def test_rollout_shares_one_among_the_tokens_that_a_mean_reads(text):
    found = METHODS["rollout"](text, chosen_target(text, None))
    assert (found > 0).all() and float(found.sum()) <= 1.0 + 1e-5


def test_shares_add_up_to_one(model_of, sample_of):
    sample = sample_of(model_of("tabular"), get("tabular").dataset.demo("test", size=1, seed=0)[0].sample)
    explanation = explain_one(sample, "occlusion")
    assert sum(part.share for part in explanation.parts) == pytest.approx(1)
    assert explanation.strongest(1)[0].share == max(part.share for part in explanation.parts)


def test_auto_is_occlusion_unless_there_are_too_many_parts(text, monkeypatch):
    assert explain_one(text, "auto").method == "occlusion"
    monkeypatch.setattr("mt_explain.methods.choice.MOST_OCCLUDED", 3)
    assert explain_one(text, "auto").method == "integrated-gradients"


def test_a_sample_of_one_part_rests_on_it_alone(model_of, sample_of):
    explanation = explain_one(sample_of(model_of("text"), "film"), "occlusion")
    assert [(part.region.name, part.share) for part in explanation.parts] == [("film", 1.0)]


def test_a_forecast_keeps_the_places_of_absent_tokens(model_of, sample_of):
    """A head that reads tokens by their places must not see older ones move up."""
    model = model_of("timeseries")
    torch.nn.init.normal_(model.head.weight_SRH)  # it starts from zero
    sample = sample_of(model, get("timeseries").dataset.demo("test", size=1, seed=0)[0].sample)
    num_parts = len(sample.parts)
    is_kept = torch.ones(1, num_parts, dtype=torch.bool)
    is_kept[0, num_parts // 2] = False
    features_of_all = sample.computed(sample.tokens.values[None], sample.parts.tokens_of(torch.ones_like(is_kept)))
    assert torch.allclose(features_of_all, sample.output, atol=1e-4)
    steps_HC = (sample.without(is_kept) - sample.output)[0].abs().sum(0)
    channel = sample.parts.regions[num_parts // 2].panel
    others = [number for number in range(len(steps_HC)) if number != channel]
    assert steps_HC[channel] > 0 and torch.allclose(steps_HC[others], torch.zeros(len(others)), atol=1e-4)
