"""An encoder in parts: what two processes compute with it is what one computes with all of it."""

from types import SimpleNamespace

import pytest
import torch

import mt_core as mt
from mt_core.contract import Tokens
from mt_core.errors import OptionError
from mt_core.training.lightning_runs import quiet
from mt_core.training.ranks import check_shard
from mt_core.training.sharding import Sharding, clip, is_supported

W = 2


def tokens_of(rank, num_rows=3, *, ask=True):
    """Rows of unequal length, other ones in each process."""
    values = torch.randn(num_rows, 4, 64, generator=torch.Generator().manual_seed(rank))
    mask = torch.ones(num_rows, 4, dtype=torch.bool)
    mask[0, 2:] = False
    return Tokens(values.requires_grad_(ask), mask=mask)


def passed(encoder, rank=0):
    """The features of a process's rows, and the gradient of their squares to the tokens."""
    tokens = tokens_of(rank)
    features = encoder(tokens).tokens
    features.float().square().sum().backward()
    return features.tolist(), tokens.values.grad.tolist()


def measured(rank, original):
    """All that one process finds."""
    with quiet():
        return measured_quietly(rank, original)


def measured_quietly(rank, original):
    model, found = SimpleNamespace(encoder=original, device=torch.device("cpu")), {}
    sharding = Sharding(model, "cpu")
    encoder = model.encoder
    found["held"] = sum(weight.to_local().numel() for weight in encoder.parameters())
    found["frozen"] = passed(encoder, rank)
    # in the second process no token asks for a gradient, then there is no sample
    encoder(tokens_of(rank, ask=rank == 0)).tokens.sum().backward()
    (sharding.take_part() if rank else encoder(tokens_of(rank)).tokens.sum()).backward()
    with torch.no_grad():
        found["long"] = encoder(tokens_of(rank, 20_000 if rank == 0 else 1)).tokens[-1].tolist()
    encoder.unfreeze()
    (sharding.take_part() if rank else encoder(tokens_of(0)).tokens.square().sum()).backward()
    weights = dict(encoder.named_parameters())
    found["full"] = {name: weight.grad.full_tensor().tolist() for name, weight in weights.items()}
    extra = torch.nn.Parameter(torch.zeros(3))
    extra.grad = torch.full((3,), 2.0)
    clip([*weights.values(), extra], 0.5)
    found["clipped"] = (weights["norm.bias"].grad.full_tensor().tolist(), extra.grad.tolist())
    sharding.end()
    found["end"] = (model.encoder is not original, model.encoder.fingerprint)
    model.encoder.freeze(description="as it was")
    Sharding(model, "cpu", bf16=True)
    with torch.autocast("cpu", torch.bfloat16):
        found["bf16"] = passed(model.encoder)
    return found


@pytest.fixture(scope="module")
def encoder(small_encoder_file):
    return mt.load_encoder(small_encoder_file)


@pytest.fixture(scope="module")
def found(of_two_processes, encoder):
    """What two processes have found, by their rank."""
    if not is_supported():
        pytest.skip("this torch cannot")
    return of_two_processes(measured, encoder)


def close(found, expected):
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=1e-5, atol=1e-6)


@pytest.fixture
def own(encoder):
    """The whole encoder, for this process, without gradients of another test."""
    yield encoder
    encoder.zero_grad()
    encoder.freeze(description=encoder.description)


def test_each_process_holds_half_of_the_weights(found, encoder):
    held = [found[rank]["held"] for rank in range(W)]
    assert sum(held) == encoder.num_parameters() and max(held) < 0.51 * sum(held)


@pytest.mark.parametrize("rank", range(W))
def test_features_and_gradients_to_the_tokens_are_those_of_the_whole_encoder(found, own, rank):
    for part, expected in zip(found[rank]["frozen"], passed(own, rank), strict=True):
        close(part, expected)


def test_in_bfloat16_they_are_those_of_autocast(found, own):
    with torch.autocast("cpu", torch.bfloat16):
        expected = passed(own)
    for rank in range(W):
        for part, whole in zip(found[rank]["bf16"], expected, strict=True):
            assert part == whole


def test_more_tokens_than_are_computed_at_a_time_are_computed_as_often_as_in_the_other_process(found, own):
    with torch.no_grad():
        close(found[0]["long"], own(tokens_of(0, 20_000)).tokens[-1].tolist())


def test_gradients_are_means_over_processes_of_which_one_may_have_no_sample(found, own):
    own.unfreeze()
    own(tokens_of(0)).tokens.square().sum().backward()
    for rank in range(W):
        for name, weight in own.named_parameters():
            close(found[rank]["full"][name], (weight.grad / W).tolist())


def test_the_norm_of_gradients_is_that_of_whole_and_divided_ones_together(found):
    gradients = [torch.tensor(gradient).flatten() for gradient in found[0]["full"].values()]
    norm = torch.cat([*gradients, torch.full((3,), 2.0)]).norm()
    for rank in range(W):
        of_bias, of_extra = found[rank]["clipped"]
        close(of_bias, (torch.tensor(found[0]["full"]["norm.bias"]) * 0.5 / norm).tolist())
        close(of_extra, (torch.full((3,), 2.0) * 0.5 / norm).tolist())


def test_afterwards_the_model_has_a_whole_encoder_of_the_same_bits(found, encoder):
    assert found[0]["end"] == found[1]["end"] == (True, encoder.fingerprint)


def test_it_is_refused_where_torch_cannot(monkeypatch):
    monkeypatch.setattr("mt_core.training.sharding.is_supported", lambda: False)
    check_shard(2, is_asked=False)
    with pytest.raises(OptionError, match="later torch"):
        check_shard(2, is_asked=True)
