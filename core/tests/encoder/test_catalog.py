from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch

from mt_core.contract import Tokens
from mt_core.encoder import DEFAULT_ENCODER, Encoder, hub, list_encoders, load_encoder, registry
from mt_core.errors import EncoderError


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(hub, "_answers", lambda url: False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))


def test_without_a_name_the_default_is_loaded() -> None:
    encoder = load_encoder()
    assert encoder.name == DEFAULT_ENCODER
    assert encoder.patch_weight is not None and encoder.patch_weight.shape == (192, 3, 16, 16)
    assert encoder.positions is not None and encoder.positions.shape == (196, 192)
    assert encoder.positions_grid == (14, 14)


@pytest.mark.parametrize(
    "model", ["vit_tiny_patch16_224", "vit_base_patch16_clip_224.laion2b", "vit_small_patch14_dinov2"]
)
def test_normalisation_is_that_of_timms_configuration(model: str) -> None:
    from mt_core.encoder.plain_vit import normalisation

    config = timm.get_pretrained_cfg(model)
    assert normalisation(model) == (config.mean, config.std)


def test_a_model_with_registers_only_has_no_cls() -> None:
    encoder = load_encoder("random/test_vit2")
    assert encoder.prefix is not None and encoder.prefix.shape == (1, 64)
    assert encoder(Tokens(torch.zeros(1, 2, 64))).cls is None


def test_dinov2_with_registers_has_five_prefix_tokens_without_positions() -> None:
    encoder = load_encoder("random/vit_small_patch14_reg4_dinov2")
    assert encoder.prefix is not None and encoder.prefix.shape == (5, 384)
    assert encoder.prefix_positions is None and encoder.positions_grid == (37, 37)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("random/vit_tny_patch16_224", "did you mean vit_tiny_patch16_224"),
        ("timm/vit_base_patch16_clip_224.laion3b", "laion2b"),
        ("vit_base_patch16_224", "did you mean random/vit_base_patch16_224"),
        ("mt_tiny", "did you mean mt-tiny"),
        ("random/", "did you mean random/vit_tiny_patch16_224"),
        ("", "random/<timm ViT>"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one_or_the_forms_there_are(name: str, said: str) -> None:
    with pytest.raises(EncoderError) as caught:
        load_encoder(name)
    assert said in caught.value.fix


@pytest.mark.parametrize(
    "name",
    [
        "random/swin_tiny_patch4_window7_224",
        "timm/eva02_tiny_patch14_224",
        "random/resnet18",
        "random/vit_small_patch16_18x2_224",  # parallel blocks
        "random/deit_tiny_distilled_patch16_224",
        "random/vit_dwee_patch16_reg1_gap_256",  # differential attention
    ],
)
def test_what_is_no_plain_vit_is_refused_with_what_to_choose(name: str) -> None:
    if not timm.is_model(name.partition("/")[2]):
        pytest.skip("this timm does not have it")
    with pytest.raises(EncoderError, match="is not a plain ViT") as caught:
        load_encoder(name)
    assert "random/vit_small_patch16_224" in caught.value.fix


@pytest.mark.usefixtures("no_network")
def test_an_unreachable_hub_is_explained_at_once_with_the_way_by_a_file() -> None:
    with pytest.raises(EncoderError) as caught:
        load_encoder("timm/vit_tiny_patch16_224.augreg_in21k")
    assert "vit_tiny_patch16_224.augreg_in21k are not available" in caught.value.problem
    assert "timm/vit_tiny_patch16_224.augreg_in21k model.safetensors config.json" in caught.value.fix
    assert "--encoder FOLDER/model.safetensors" in caught.value.fix


def test_asking_the_hub_leaves_its_settings_as_they_were(no_network: None) -> None:
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    with hub._quick_refusal():
        assert constants.HF_HUB_OFFLINE
    assert constants.HF_HUB_OFFLINE == before


def test_a_host_that_does_not_answer_is_known_within_its_patience() -> None:
    assert not hub._answers("http://127.0.0.1:1")
    assert not hub._answers("no address")


def test_trained_weights_of_timm_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch, no_network: None) -> None:
    torch.manual_seed(0)
    vit = timm.create_model("test_vit", num_classes=0)
    monkeypatch.setattr(timm, "create_model", lambda name, **arguments: vit)
    encoder = load_encoder("timm/test_vit")
    assert encoder.is_trained and encoder.description == "test_vit with timm's trained weights"
    assert torch.equal(encoder.blocks[5].mlp.fc2.weight, vit.state_dict()["blocks.5.mlp.fc2.weight"])


@pytest.fixture
def own() -> Iterator[Encoder]:
    """Registered as `lab/own`."""
    encoder = load_encoder("random/test_vit")
    registry.register("lab/own", lambda: encoder, plugin="lab")
    yield encoder
    registry.reset()


def test_a_registered_encoder_is_loaded_by_its_name(own: Encoder) -> None:
    assert load_encoder("lab/own") is own
    assert "lab/own" in list_encoders()
    with pytest.raises(EncoderError, match="did you mean lab/own"):
        load_encoder("lab/owm")


def test_a_registered_name_does_not_take_the_place_of_the_cores_own(own: Encoder) -> None:
    registry.register("random/test_vit", lambda: own, plugin="lab")
    assert load_encoder("random/test_vit") is not own


def test_a_name_is_registered_once(own: Encoder) -> None:
    with pytest.raises(ValueError, match="there is an encoder 'lab/own' already"):
        registry.register("lab/own", lambda: own, plugin="another")


def test_a_seed_in_the_name_must_be_a_number():
    with pytest.raises(EncoderError, match=r"'x' is not a seed[\s\S]*@1"):
        load_encoder("random/vit_tiny_patch16_224@x")


def test_without_an_encoder_the_features_are_the_tokens():
    encoder = load_encoder("none/vit_tiny_patch16_224")
    values, mask = torch.randn(2, 3, encoder.width), torch.tensor([[True, True, True], [True, False, False]])
    assert encoder.num_parameters() == 0 and encoder.width == 192
    assert torch.equal(encoder(Tokens(values)).tokens, values)
    assert torch.equal(encoder(Tokens(values, mask=mask)).tokens, values * mask.unsqueeze(-1))
    assert "no encoder" in encoder.description
