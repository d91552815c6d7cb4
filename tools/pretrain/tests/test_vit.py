"""The ViT that learns is the random control before its first step, and the encoder that is loaded after its last."""

import json

import numpy as np
import pytest
import timm
import torch

import mt_core as mt
from mt_core.encoder import Encoder
from mt_core.encoder.plain_vit import normalisation, parts_of
from mt_core.errors import OptionError
from mt_core.sdk.blocks import PictureOptions, PictureTokenizer
from mt_pretrain import PretrainRecipe
from mt_pretrain.formulas.descriptors import cells_below
from mt_pretrain.formulas.drawing import draw
from mt_pretrain.formulas.module import MEASURED, FormulaModule
from mt_pretrain.vit import check_size, save_encoder, tokens_of, untrained_vit, vit_of

TINY = "vit_tiny_patch16_224"


class Tokenizer(PictureTokenizer):
    def read(self, source):
        return source


def encoder_of(vit):
    mean, std = normalisation(TINY)
    return Encoder(parts_of(vit), name="", description="", is_trained=False, mean=mean, std=std)


@pytest.mark.parametrize("seed", [0, 5])
def test_with_whole_branches_it_is_the_random_control_before_the_first_step(seed, tiny):
    module = FormulaModule(PretrainRecipe(seed=seed, branch_start=1, size=32))
    control = mt.load_encoder(f"random/{TINY}@{seed}").fingerprint
    assert encoder_of(module.vit).fingerprint == control
    assert encoder_of(module.averaged_vit).fingerprint == control


def test_by_default_it_begins_as_the_identity(tiny):
    module = FormulaModule(PretrainRecipe(depth=3, size=32))
    tokens = torch.randn(2, 5, 192, generator=torch.Generator().manual_seed(0))
    assert torch.equal(module.vit.blocks(tokens), tokens)
    assert torch.equal(module.averaged_vit.blocks(tokens), tokens)


def test_the_loss_is_that_of_patches_and_of_the_whole_by_their_weights(tiny):
    learning = FormulaModule(PretrainRecipe(**tiny, patch_weight=3, whole_weight=0.5))
    loss, measured = learning.losses(draw(0, 0, count=8, size=32, categories=16).pixels)
    named = dict(zip(MEASURED, measured.tolist(), strict=True))
    assert min(named["patch_loss"], named["whole_loss"]) > 0
    assert loss.item() == pytest.approx(3 * named["patch_loss"] + 0.5 * named["whole_loss"], rel=1e-5)


def test_an_encoder_trained_further_begins_with_all_its_weights(tmp_path):
    vit = untrained_vit(TINY, 2, 3)
    encoder = mt.load_encoder(save_encoder(vit, tmp_path, TINY, 2))
    further = vit_of(encoder, TINY, 2)
    halved = {name: tensor.half().float() for name, tensor in vit.state_dict().items()}
    assert further.state_dict().keys() == halved.keys()
    assert all(torch.equal(tensor, halved[name]) for name, tensor in further.state_dict().items())


def test_an_encoder_of_another_architecture_is_not_trained_further(small_encoder):
    with pytest.raises(OptionError, match="other parts than"):
        vit_of(small_encoder, TINY, 2)


@pytest.mark.parametrize("size", [32, 64, 224])
def test_training_sees_what_the_loaded_encoder_will_compute(size):
    vit = untrained_vit(TINY, 2, 0)
    encoder = encoder_of(vit)
    tokenizer = Tokenizer(encoder.width, PictureOptions(size=size))
    tokenizer.init_from_encoder(encoder)
    picture = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    batch = tokenizer.collate([tokenizer.prepare(picture)])
    with torch.inference_mode():
        expected = encoder(tokenizer(batch)).tokens
        mean, std = (torch.tensor(three)[:, None, None] for three in normalisation(TINY))
        tokens = tokens_of(vit, (batch["pixels"] / 255 - mean) / std)
    torch.testing.assert_close(tokens, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["vit_base_patch16_clip_224", "vit_medium_patch16_reg4_gap_256"])
def test_where_no_position_is_interpolated_it_is_timms(architecture):
    vit, theirs = untrained_vit(architecture, 1, 0), timm.create_model(architecture, num_classes=0, depth=1).eval()
    theirs.load_state_dict(vit.state_dict(), strict=False)  # what pools and classifies is theirs alone
    pixels = torch.randn(1, 3, *theirs.patch_embed.img_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = theirs.forward_features(pixels)[:, theirs.num_prefix_tokens :]
        torch.testing.assert_close(tokens_of(vit, pixels), expected, atol=1e-5, rtol=1e-4)


def test_the_file_is_a_frozen_encoder_of_these_weights(tmp_path):
    vit = untrained_vit(TINY, 1, 3)
    encoder = mt.load_encoder(save_encoder(vit, tmp_path, TINY, 1))
    assert encoder.is_frozen and not encoder.is_trained and not any(p.requires_grad for p in encoder.parameters())
    assert (encoder.depth, encoder.width, encoder.positions_grid) == (1, 192, (14, 14))
    assert TINY in encoder.description
    halved = {name: tensor.half().float() for name, tensor in vit.state_dict().items()}
    assert torch.equal(encoder.blocks[0].attn.qkv.weight, halved["blocks.0.attn.qkv.weight"])
    assert torch.equal(encoder.patch_weight, halved["patch_embed.proj.weight"])
    assert json.loads((tmp_path / "config.json").read_text())["architecture"] == TINY


def test_a_size_that_patches_do_not_fill_is_refused():
    with pytest.raises(OptionError, match="use a size of 48"):
        check_size(untrained_vit(TINY, 1, 0), 40)


def test_norms_biases_and_embeddings_do_not_decay(tiny):
    module = FormulaModule(PretrainRecipe(depth=1, size=32))
    optimizer = module.configure_optimizers()["optimizer"]
    decayed, others = (sorted(tuple(p.shape) for p in group["params"]) for group in optimizer.param_groups)
    learned = [*module.vit.parameters(), *module.heads.parameters()]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0]
    assert len(decayed) + len(others) == len(learned)
    assert all(len(shape) > 1 for shape in decayed) and (1, 197, 192) not in decayed
    assert {shape for shape in others if len(shape) > 1} == {(1, 1, 192), (1, 197, 192)}


def test_the_means_below_a_patch_are_its_own():
    picture = torch.zeros(1, 1, 32, 32)
    picture[..., 16:20, 4:8] = 1  # the lower left patch, its first row and second column of cells
    told = cells_below(picture, 2, 4)
    assert told.shape == (1, 4, 16)
    assert told.nonzero().tolist() == [[0, 2, 1]]
