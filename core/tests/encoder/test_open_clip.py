"""Files of open_clip: what is read of them, and what is refused. That the towers compute what open_clip's do is in
`tests/test_open_clip.py`."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from mt_core.contract import Tokens
from mt_core.encoder import load_encoder, onednn_blocks
from mt_core.encoder.backends import make_runner
from mt_core.encoder.controls import no_encoder_control, random_control
from mt_core.encoder.names import parse_name
from mt_core.errors import EncoderError


def drawn_tokens(rows: int, length: int, width: int) -> torch.Tensor:
    return torch.randn(rows, length, width, generator=torch.Generator().manual_seed(1))


def test_a_file_holds_two_towers_that_name_one_space(write_open_clip):
    pictures = load_encoder(write_open_clip())
    text = pictures.for_cells("text")
    assert (pictures.width, pictures.depth, pictures.num_heads) == (48, 2, 3)
    assert (text.width, text.depth, text.num_heads) == (32, 2, 4)
    assert pictures.tower is not None and text.tower is not None
    assert pictures.tower.space == text.tower.space and pictures.fingerprint != text.fingerprint
    assert pictures.tower.scale == text.tower.scale == pytest.approx(math.exp(2.0))


def test_each_tower_finds_the_other(write_open_clip):
    pictures = load_encoder(write_open_clip())
    text = pictures.for_cells("text")
    assert pictures.for_cells(None) is pictures.for_cells("row") is pictures and text.for_cells("text") is text
    assert text.for_cells(None).fingerprint == pictures.fingerprint


def test_other_weights_are_another_space(write_open_clip):
    before = load_encoder(write_open_clip())
    after = load_encoder(write_open_clip(tensors={"text_projection": torch.ones(32, 24)}))
    assert after.fingerprint == before.fingerprint
    assert after.tower is not None and before.tower is not None and after.tower.space != before.tower.space


def test_how_pictures_are_prepared_comes_from_the_configuration(write_open_clip):
    encoder = load_encoder(write_open_clip(prepared={"resize_mode": "squash", "interpolation": "bilinear"}))
    assert (encoder.mean, encoder.std) == ((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    assert (encoder.fit, encoder.interpolation) == ("squash", "bilinear")
    assert (encoder.native_size, encoder.native_patch) == (32, 8)


def test_the_activation_comes_from_the_configuration(write_open_clip):
    tokens = Tokens(drawn_tokens(1, 16, 48))
    plain, quick = (load_encoder(write_open_clip(quick_gelu=is_quick))(tokens).tokens for is_quick in (False, True))
    assert (plain - quick).abs().max() > 1e-3


def test_a_token_of_the_text_tower_depends_on_none_behind_it(write_open_clip):
    text = load_encoder(write_open_clip()).for_cells("text")
    values = drawn_tokens(1, 8, 32)
    changed = values.clone()
    changed[:, 5] += 1
    same = (text(Tokens(values)).tokens - text(Tokens(changed)).tokens).abs().amax(-1)[0] == 0
    assert same.tolist() == [True] * 5 + [False] * 3


def test_the_last_token_of_a_text_is_its_summary_padded_or_alone(write_open_clip):
    text = load_encoder(write_open_clip()).for_cells("text")
    values, lengths = drawn_tokens(3, 9, 32), [4, 9, 1]
    padded = text(Tokens(values, torch.arange(9) < torch.tensor(lengths)[:, None]))
    for row, length in enumerate(lengths):
        alone = text(Tokens(values[row : row + 1, :length]))
        torch.testing.assert_close(padded.cls[row], alone.tokens[0, -1], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(padded.cls[row], alone.cls[0], atol=1e-5, rtol=1e-5)


def test_weights_of_half_precision_and_of_open_clips_training_are_read(write_open_clip):
    path = write_open_clip()
    whole = load_encoder(path)
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}  # the file is written over
    save_file({f"module.{name}": tensor for name, tensor in tensors.items()}, path)
    assert load_encoder(path).fingerprint == whole.fingerprint
    save_file({name: tensor.half() for name, tensor in tensors.items()}, path)
    assert all(weight.dtype == torch.float32 for weight in load_encoder(path).parameters())


def test_the_random_control_shares_no_space(write_open_clip):
    text = load_encoder(write_open_clip()).for_cells("text")
    drawn = random_control(text, seed=1)
    assert drawn.tower is None and drawn.token_table is not None and text.token_table is not None
    assert not torch.equal(drawn.token_table.weight, text.token_table.weight) and not drawn.is_trained


def test_the_control_without_an_encoder_keeps_the_table_of_texts(write_open_clip):
    text = load_encoder(write_open_clip()).for_cells("text")
    assert no_encoder_control(text).token_table is text.token_table and no_encoder_control(text).tower is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vision": {"timm_model_name": "vit_base"}}, "its picture tower is vit_base of another library"),
        ({"text": {"hf_model_name": "roberta"}}, "its text tower is roberta of another library"),
        ({"vision": {"layers": [3, 4, 6, 3]}}, "its picture tower is a ResNet"),
        ({"text": {"hf_tokenizer_name": "bert"}}, "its texts are not cut into CLIP's byte pairs"),
        ({"text": {"vocab_size": 64000}}, "its vocabulary has 64000 ids"),
        ({"text": {"no_causal_mask": True}}, "it has no_causal_mask = True"),
        ({"vision": {"pool_type": "avg"}}, "it has pool_type = 'avg'"),
        ({"multimodal_cfg": {"width": 8}}, "it has multimodal_cfg"),
        ({"prepared": {"interpolation": "random"}}, "its pictures are resized by shortest, random"),
        ({"prepared": {"resize_mode": "longest"}}, "its pictures are resized by longest, bicubic"),
        ({"prepared": {"size": 64}}, "its pictures of 64 pixels are not those of its positions"),
        ({"vision": {"image_size": [32, 64]}}, "is no side of a square"),
        ({"vision": {"head_width": 100}}, "with 0 heads are no tower"),
        ({"prepared": {"mean": None}}, "preprocess_cfg has mean = None"),
        ({"vision": {"layers": 3}}, "does not hold the weights of the picture tower"),
        ({"text": {"context_length": 20}}, "does not hold the weights of the text tower"),
        ({"embed_dim": 30}, "has no projection of shape (48, 30) ((48, 24))"),
        ({"tensors": {"visual.trunk.cls_token": torch.zeros(1)}}, "its picture tower is a model of timm"),
        ({"tensors": {"text.cls_emb": torch.zeros(1)}}, "its text tower is another model than CLIP's"),
        ({"tensors": {"token_embedding.weight": None}}, "has no text tower"),
        ({"tensors": {"visual.ln_post.bias": None}}, "missing: norm.bias"),
        ({"tensors": {"logit_scale": None}}, "has no logit_scale"),
    ],
)
def test_another_model_is_refused(write_open_clip, changes, said):
    with pytest.raises(EncoderError) as refused:
        load_encoder(write_open_clip(**changes)).for_cells("text")
    assert said in refused.value.problem and refused.value.fix


def test_a_file_without_its_configuration_is_refused(write_open_clip):
    path = write_open_clip()
    path.with_name("open_clip_config.json").unlink()
    with pytest.raises(EncoderError, match=r"there is no open_clip_config\.json beside"):
        load_encoder(path)


@pytest.mark.parametrize(
    ("content", "said"), [("{", "is no configuration"), ("[]", "is no configuration"), ("{}", "lacks 'model_cfg'")]
)
def test_a_damaged_configuration_is_refused(write_open_clip, content, said):
    path = write_open_clip()
    path.with_name("open_clip_config.json").write_text(content)
    with pytest.raises(EncoderError, match=said):
        load_encoder(path)


def test_names_mean_repositories_of_the_hub():
    assert parse_name("open_clip/ViT-B-32").model == "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    assert parse_name("open_clip/ViT-L-14.openai").model == "timm/vit_large_patch14_clip_224.openai"
    assert parse_name("open_clip/me/mine").model == "me/mine"


@pytest.mark.parametrize(
    ("name", "near"), [("ViT-B-33", "ViT-B-32"), ("ViT-B-32.laion2b", "ViT-B-32.laion2b_s34b_b79k"), ("RN50", "ViT")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name, near):
    with pytest.raises(EncoderError, match=f"no model of open_clip is known here as '{name}'") as refused:
        parse_name(f"open_clip/{name}")
    assert near in refused.value.fix


def test_without_a_network_a_name_says_how_to_bring_the_files(monkeypatch, tmp_path):
    monkeypatch.setattr("mt_core.encoder.hub._answers", lambda url: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderError, match="are not available") as refused:
        load_encoder("open_clip/ViT-B-32")
    assert "hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K" in refused.value.fix


def test_onednn_computes_causal_attention_as_torch_does(write_open_clip):
    text = load_encoder(write_open_clip()).for_cells("text")
    tokens = Tokens(drawn_tokens(3, 9, 32), torch.arange(9) < torch.tensor([[4], [9], [1]]))
    runner = make_runner(text, "onednn-32", (), has_bf16=False)
    with torch.no_grad():
        ours, theirs = text.with_runner(runner)(tokens), text(tokens)
    torch.testing.assert_close(ours.tokens, theirs.tokens, atol=1e-5, rtol=1e-5)


def test_attention_by_products_is_causal_where_it_is_to_be():
    query, key, value = (drawn_tokens(6, 7, 8).view(3, 2, 7, 8) for _ in range(3))
    found = onednn_blocks._attention_by_products(query, key, value, is_causal=True)
    wanted = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(found, wanted)
