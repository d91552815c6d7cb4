"""Adapters beside a frozen encoder: what is trained, what is kept, and what they do once added to the weights."""

from copy import deepcopy

import pytest
import torch
from safetensors.torch import load_file

import mt_core as mt
from mt_core.contract import Tokens
from mt_core.errors import FingerprintError, MissingDependencyError, OptionError
from mt_core.plugins import get
from mt_core.training import Recipe
from mt_core.training.lora import adapters_of, add_adapters, merge_adapters, remove_adapters

pytest.importorskip("peft")
pytestmark = pytest.mark.usefixtures("toy")
QUICK = {"epochs": 2, "batch_size": 8, "num_workers": 0, "lr": 1e-2, "tune": "lora"}


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


def demo(split="train", size=32):
    return get("toy").dataset.demo(split, size=size)


def samples(count=5):
    return [demo("test", count)[index].sample for index in range(count)]


def tensors_of(encoder):
    return {name: tensor.clone() for name, tensor in encoder.state_dict().items()}


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_the_base_encoder_is_the_same_to_the_bit_for_whoever_shares_it(model, small_encoder):
    before, name = tensors_of(small_encoder), small_encoder.fingerprint
    mt.fit(model, demo(), demo("val", 16), **QUICK)
    assert same(tensors_of(small_encoder), before)
    small_encoder.verify()
    assert model.encoder.fingerprint != name and "adapters" in model.description


def test_beside_the_layers_and_added_to_them_they_give_the_same(model):
    add_adapters(model, Recipe(**QUICK, lora_rank=4, lora_targets=("qkv", "fc1")))
    for name, tensor in adapters_of(model.encoder).items():
        if name.endswith("lora_B"):
            torch.nn.init.normal_(tensor, std=0.1, generator=torch.Generator().manual_seed(0))
    tokens = Tokens(torch.randn(3, 7, 64, generator=torch.Generator().manual_seed(1)))
    with torch.inference_mode():
        beside = model.encoder(tokens).tokens
    base = deepcopy(model)
    adapters = remove_adapters(base.encoder)
    base.encoder.verify()
    with torch.inference_mode():
        without = base.encoder(tokens).tokens
    merge_adapters(base, adapters, "a run")
    with torch.inference_mode():
        added = base.encoder(tokens).tokens
    torch.testing.assert_close(added, beside, rtol=0, atol=1e-5)
    assert (without - beside).abs().max() > 1e-2


def test_a_loaded_run_predicts_what_the_trained_model_does(model, small_encoder, tmp_path):
    mt.fit(model, demo(), demo("val", 16), out=tmp_path / "run", **QUICK)
    loaded = mt.load_run(tmp_path / "run", encoder=small_encoder)
    assert mt.predict(loaded, samples()) == mt.predict(model, samples())
    assert loaded.encoder.fingerprint == model.encoder.fingerprint
    assert (mt.embed(loaded, samples()) == mt.embed(model, samples())).all()
    small_encoder.verify()


def test_the_adapters_are_what_makes_the_difference(model, small_encoder, tmp_path):
    mt.fit(model, demo(), demo("val", 16), out=tmp_path / "run", **QUICK)
    tensors = load_file(tmp_path / "run" / "weights.safetensors")
    ups = [tensor for name, tensor in tensors.items() if name.endswith("lora_B")]
    assert len(ups) == 2 * len(small_encoder.blocks) and all(tensor.abs().max() > 0 for tensor in ups)


def test_a_run_holds_the_adapters_and_no_encoder(model, tmp_path):
    result = mt.fit(model, demo(), demo("val", 16), out=tmp_path / "run", lora_rank=2, **QUICK)
    assert {path.name for path in result.folder.iterdir()} == {
        "run.json",
        "weights.safetensors",
        "metrics.csv",
        "report.html",
    }
    tensors = load_file(result.folder / "weights.safetensors")
    assert tensors["adapters.0.attn.qkv.lora_A"].shape == (2, 64)
    assert tensors["adapters.0.attn.qkv.lora_B"].shape == (192, 2)
    assert {name.split(".")[0] for name in tensors} == {"tokenizer", "head", "adapters"}


def test_the_parameters_trained_are_those_of_tokenizer_head_and_adapters(model):
    recipe = Recipe(**QUICK, lora_rank=2)
    add_adapters(model, recipe)
    adapters = sum(tensor.numel() for name, tensor in adapters_of(model.encoder).items() if "lora_" in name)
    # (R, I) and (O, R) of qkv (192, 64) and of proj (64, 64), in each of two blocks
    assert adapters == 2 * 2 * ((64 + 192) + (64 + 64))
    trained = sum(p.numel() for p in model.encoder.parameters() if p.requires_grad)
    assert trained == adapters


def test_a_run_refuses_another_base_encoder(model, tmp_path, small_encoder):
    mt.fit(model, demo(), demo("val", 16), out=tmp_path / "run", **QUICK)
    other = deepcopy(small_encoder)
    with torch.no_grad():
        next(other.blocks.parameters()).add_(1e-3)
    other.freeze(description="other")
    with pytest.raises(FingerprintError, match="trained on the encoder"):
        mt.load_run(tmp_path / "run", encoder=other)


def test_a_base_that_changed_while_adapters_were_trained_is_found_out(model, monkeypatch):
    forward = type(model.tokenizer).forward

    def meddling(self, batch):
        with torch.no_grad():
            model.encoder.norm.weight.add_(1e-3)
        return forward(self, batch)

    monkeypatch.setattr(type(model.tokenizer), "forward", meddling)
    with pytest.raises(FingerprintError, match="changed"):
        mt.fit(model, demo(), demo("val", 16), **QUICK)


def test_an_interrupted_run_goes_on_to_the_same_weights(small_encoder, tmp_path, monkeypatch):
    from mt_core.training.module import TrainingModule

    def fit(out, **more):
        return mt.fit(
            mt.load("toy", encoder=small_encoder), demo(), demo("val", 16), out=tmp_path / out, **QUICK, **more
        )

    fit("whole")
    step = TrainingModule.training_step

    def stopping(self, batch, index):
        if self.global_step == 6:
            raise KeyboardInterrupt
        return step(self, batch, index)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainingModule, "training_step", stopping)
        fit("run")
    fit("run", resume=True)
    whole, resumed = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "run"))
    assert same(whole, resumed)


def test_a_name_of_no_layer_is_refused_with_those_there_are(model):
    with pytest.raises(OptionError, match="query") as refused:
        mt.fit(model, demo(), demo("val", 16), **QUICK, lora_targets="query")
    assert "fc1, fc2, proj, qkv" in refused.value.fix


def test_without_peft_it_says_what_to_install(model, monkeypatch):
    monkeypatch.setattr("mt_core.training.lora.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError) as refused:
        mt.fit(model, demo(), demo("val", 16), **QUICK)
    assert "mt-core[lora]" in refused.value.fix


@pytest.mark.parametrize("tune", ["knn", "probe", "lora"])
def test_a_run_of_any_rung_has_its_controls(model, tune):
    from mt_core.training.controls import evaluate_with_controls

    mt.fit(model, demo(), demo("val", 16), **{**QUICK, "tune": tune, "epochs": 1})
    evaluation = evaluate_with_controls(model, demo("test", 16), num_workers=0)
    assert "none" in [row.kind for row in evaluation.controls.rows]
