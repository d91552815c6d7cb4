from __future__ import annotations

import json
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from mt_core.contract import Tokens
from mt_core.encoder import load_encoder
from mt_core.errors import EncoderError

BLOCK = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")


def original_layout(width: int, depth: int, *, filled: bool = True) -> OrderedDict[str, Tensor]:
    """The tensors of the original's encoder files, in their order."""
    shapes = {
        "norm1": (width,),
        "attn.qkv": (3 * width, width),
        "attn.proj": (width, width),
        "norm2": (width,),
        "mlp.fc1": (4 * width, width),
        "mlp.fc2": (width, 4 * width),
    }
    generator = torch.Generator().manual_seed(0)
    tensors: OrderedDict[str, Tensor] = OrderedDict()
    for block in range(depth):
        for part in BLOCK:
            for kind, shape in (("weight", shapes[part]), ("bias", shapes[part][:1])):
                value = 0.1 * torch.randn(shape, generator=generator) if filled else torch.zeros(shape)
                tensors[f"{block}.{part}.{kind}"] = value
    return tensors


def timm_model(**arguments: Any) -> VisionTransformer:
    torch.manual_seed(0)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 128, "depth": 2, "num_heads": 2, "num_classes": 3}
    vit = VisionTransformer(**{**sizes, **arguments})
    with torch.no_grad():
        for parameter in vit.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return vit.eval()


def tokens_of(vit: VisionTransformer, pictures: Tensor) -> Tokens:
    patches = vit.patch_embed(pictures)
    positions = vit.pos_embed if vit.no_embed_class else vit.pos_embed[:, vit.num_prefix_tokens :]
    return Tokens((patches + positions).detach())


# the original project's layout


def test_a_small_original_file_gives_its_very_tensors(tmp_path: Path) -> None:
    tensors = original_layout(64, 3)
    torch.save(tensors, tmp_path / "small.pth")
    encoder = load_encoder(tmp_path / "small.pth")
    loaded = encoder.state_dict()
    assert loaded.keys() == {f"blocks.{name}" for name in tensors}
    assert all(torch.equal(loaded[f"blocks.{name}"], tensor) for name, tensor in tensors.items())
    assert encoder.is_trained and encoder.name == str(tmp_path / "small.pth")
    assert (encoder.prefix, encoder.positions, encoder.patch_weight) == (None, None, None)
    assert encoder(Tokens(torch.zeros(1, 2, 64))).cls is None


def test_an_original_file_runs_as_pre_norm_blocks_with_torchs_epsilon(tmp_path: Path) -> None:
    tensors = original_layout(64, 1)
    torch.save(tensors, tmp_path / "small.pth")
    values = torch.randn(2, 5, 64)
    layer = torch.nn.TransformerEncoderLayer(64, 1, 256, 0.0, "gelu", batch_first=True, norm_first=True)
    theirs = {
        "self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear1.": "mlp.fc1.",
        "linear2.": "mlp.fc2.", "norm1.": "norm1.", "norm2.": "norm2.",
    }  # fmt: skip
    layer.load_state_dict({a + kind: tensors[f"0.{b}{kind}"] for a, b in theirs.items() for kind in ("weight", "bias")})
    features = load_encoder(tmp_path / "small.pth")(Tokens(values)).tokens
    torch.testing.assert_close(features, layer(values), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("width", "depth", "count", "total"),
    [(768, 12, 144, 85_054_464), pytest.param(1024, 24, 288, 302_309_376, marks=pytest.mark.slow)],
    ids=["B", "L"],
)
def test_the_originals_files_load_with_their_true_counts(
    tmp_path: Path, width: int, depth: int, count: int, total: int
) -> None:
    tensors = original_layout(width, depth, filled=False)
    last = f"{depth - 1}.mlp.fc2.weight"
    tensors[last][-1, -1] = 0.5
    assert (len(tensors), sum(tensor.numel() for tensor in tensors.values())) == (count, total)
    torch.save(tensors, tmp_path / "encoder.pth")
    del tensors
    encoder = load_encoder(tmp_path / "encoder.pth")
    loaded = encoder.state_dict()
    assert (len(loaded), encoder.num_parameters()) == (count, total)
    assert (encoder.width, encoder.depth, encoder.num_heads) == (width, depth, width // 64)
    assert loaded[f"blocks.{last}"][-1, -1] == 0.5
    paper = {768: "vit_base_patch16_clip_224.laion2b", 1024: "vit_large_patch14_clip_224.laion2b"}
    config = timm.get_pretrained_cfg(paper[width])
    assert (encoder.mean, encoder.std) == (config.mean, config.std)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda tensors: tensors.pop("1.mlp.fc1.bias"), "missing: 1.mlp.fc1.bias"),
        (lambda tensors: tensors.update({"1.extra": torch.zeros(1)}), "not expected: 1.extra"),
        (lambda tensors: tensors.update({"0.norm2.bias": torch.zeros(65)}), r"0.norm2.bias \(65,\) instead of \(64,\)"),
        (lambda tensors: tensors.update({"0.norm2.bias": torch.zeros(64).long()}), "of another shape or type"),
        (lambda tensors: tensors["0.norm2.bias"].fill_(torch.nan), "0.norm2.bias is not finite"),
        (lambda tensors: tensors.pop("0.attn.qkv.weight"), "lacks 0.attn.qkv.weight"),
        (lambda tensors: tensors.update({"90000000.norm1.weight": torch.zeros(64)}), "are no ViT"),
    ],
)
def test_a_spoiled_original_file_is_refused_by_name(tmp_path: Path, spoil: Any, said: str) -> None:
    tensors = original_layout(64, 2)
    spoil(tensors)
    torch.save(tensors, tmp_path / "spoiled.pth")
    with pytest.raises(EncoderError, match=said) as caught:
        load_encoder(tmp_path / "spoiled.pth")
    assert "spoiled.pth" in caught.value.problem and caught.value.fix


def test_one_flipped_bit_changes_the_fingerprint(tmp_path: Path) -> None:
    tensors = original_layout(64, 2)
    save_file(tensors, tmp_path / "a.safetensors")
    tensors["1.attn.proj.bias"].view(torch.int32)[7] ^= 1
    save_file(tensors, tmp_path / "b.safetensors")
    a, b = load_encoder(tmp_path / "a.safetensors"), load_encoder(tmp_path / "b.safetensors")
    assert a.fingerprint != b.fingerprint


def test_the_same_tensors_in_another_format_are_the_same_encoder(tmp_path: Path) -> None:
    tensors = original_layout(64, 2)
    save_file(tensors, tmp_path / "a.safetensors")
    torch.save({"state_dict": tensors}, tmp_path / "b.pth")
    torch.save({"model": tensors, "epoch": 3}, tmp_path / "c.bin", _use_new_zipfile_serialization=False)
    assert len({load_encoder(file).fingerprint for file in tmp_path.iterdir()}) == 1


def test_what_is_loaded_does_not_change_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file(original_layout(64, 2), file)
    encoder = load_encoder(file)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    with file.open("r+b") as opened:
        opened.seek(-64, 2)
        opened.write(b"\x11" * 64)
    assert load_encoder(file).fingerprint != encoder.fingerprint
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())
    encoder.verify()


# timm's layout


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"pre_norm": True, "norm_layer": lambda width, **rest: torch.nn.LayerNorm(width, 1e-5)},
        {"reg_tokens": 4, "no_embed_class": True, "init_values": 0.3, "qk_norm": True},
        {"class_token": False, "global_pool": "avg", "fc_norm": False, "qkv_bias": False},
    ],
    ids=["plain", "clip", "registers", "no cls"],
)
def test_a_timm_file_without_a_config_is_inferred_from_its_shapes(tmp_path: Path, arguments: dict[str, Any]) -> None:
    vit = timm_model(**arguments)
    torch.save(vit.state_dict(), tmp_path / "model.pth")
    encoder = load_encoder(str(tmp_path / "model.pth"))
    assert "inferred from the shapes" in encoder.description
    pictures = torch.randn(2, 3, 32, 32)
    expected = vit.forward_features(pictures)[:, vit.num_prefix_tokens :]
    torch.testing.assert_close(encoder(tokens_of(vit, pictures)).tokens, expected, rtol=0, atol=1e-5)


def test_a_config_beside_the_file_names_architecture_and_normalisation(tmp_path: Path) -> None:
    torch.manual_seed(0)
    vit = timm.create_model("test_vit", num_classes=7)
    save_file(vit.state_dict(), tmp_path / "model.safetensors")
    config = {"architecture": "test_vit", "pretrained_cfg": {"mean": [0.1, 0.2, 0.3], "std": [1, 2, 3]}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    encoder = load_encoder(tmp_path / "model.safetensors")
    assert (encoder.mean, encoder.std) == ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert encoder.description.startswith("model.safetensors: test_vit in timm's layout, not trained")
    assert encoder.num_heads == 2  # the shapes alone would say one head of 64
    theirs = vit.state_dict()
    for name, tensor in encoder.state_dict().items():
        if name.startswith(("blocks.", "norm.")):
            assert torch.equal(tensor, theirs[name])
    assert torch.equal(encoder.prefix, theirs["cls_token"][0])
    assert torch.equal(torch.cat([encoder.prefix_positions, encoder.positions]), theirs["pos_embed"][0])
    assert torch.equal(encoder.patch_weight, theirs["patch_embed.proj.weight"])
    assert torch.equal(encoder.patch_bias, theirs["patch_embed.proj.bias"])


def test_the_named_architecture_wins_over_the_config(tmp_path: Path) -> None:
    save_file(timm.create_model("test_vit", num_classes=0).state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"architecture": "vit_tiny_patch16_224"}')
    with pytest.raises(EncoderError, match="does not hold the weights of vit_tiny_patch16_224"):
        load_encoder(tmp_path / "model.safetensors")
    assert load_encoder(tmp_path / "model.safetensors", architecture="test_vit").width == 64


def test_a_named_architecture_takes_positions_of_another_image_size(tmp_path: Path) -> None:
    vit = timm.create_model("test_vit", num_classes=0, img_size=64)
    save_file(vit.state_dict(), tmp_path / "model.safetensors")
    encoder = load_encoder(tmp_path / "model.safetensors", architecture="test_vit")
    assert encoder.positions_grid == (4, 4)


def test_weights_in_half_precision_are_widened_exactly(tmp_path: Path) -> None:
    tensors = {name: tensor.bfloat16() for name, tensor in timm_model().state_dict().items()}
    save_file(tensors, tmp_path / "model.safetensors")
    weight = load_encoder(tmp_path / "model.safetensors").state_dict()["blocks.1.mlp.fc2.weight"]
    assert weight.dtype == torch.float32
    assert torch.equal(weight, tensors["blocks.1.mlp.fc2.weight"].float())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{", "config.json is no JSON"),
        ('{"architecture": "resnet18"}', "resnet18 is not a plain ViT"),
        ('{"architecture": "vit_huge"}', "timm has no model called 'vit_huge'"),
        ('{"architecture": "test_vit", "model_args": 3}', "model_args is no mapping"),
        ('{"architecture": "test_vit", "pretrained_cfg": {"mean": [1]}}', "has mean"),
        ('{"architecture": "test_vit", "model_args": {"wings": 2}}', "wings"),
    ],
)
def test_a_bad_config_is_explained(tmp_path: Path, config: str, said: str) -> None:
    save_file(timm.create_model("test_vit", num_classes=0).state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(EncoderError, match=said):
        load_encoder(tmp_path / "model.safetensors")


def test_shapes_that_do_not_tell_the_architecture_ask_for_its_name(tmp_path: Path) -> None:
    tensors = timm_model().state_dict()
    del tensors["pos_embed"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(EncoderError, match="cannot be inferred from the shapes") as caught:
        load_encoder(tmp_path / "model.safetensors")
    assert "architecture" in caught.value.fix


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 2), (1, 1, 1, 1)])
def test_no_misshapen_tensor_gets_past(tmp_path: Path, shape: tuple[int, ...]) -> None:
    tensors = timm_model(depth=1, reg_tokens=1).state_dict()
    for layout in ({name: value for name, value in tensors.items() if "head" not in name}, original_layout(64, 1)):
        for name in layout:
            save_file({**layout, name: torch.zeros(shape)}, tmp_path / "model.safetensors")
            with pytest.raises(EncoderError):
                load_encoder(tmp_path / "model.safetensors")


def test_a_file_in_no_known_layout_names_what_it_holds(tmp_path: Path) -> None:
    save_file({"encoder.layer.0.weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(EncoderError, match=r"no layout that is known here; its tensors are encoder\.layer\.0\.weight"):
        load_encoder(tmp_path / "model.safetensors")


# files that are not what they should be


class _Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this file runs code",))


def _truncated(file: Path) -> None:
    torch.save(original_layout(64, 1), file) if file.suffix == ".pth" else save_file(original_layout(64, 1), file)
    file.write_bytes(file.read_bytes()[:-1000])


def _script_archive(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.txt", "no tensors")


BAD_FILES: dict[str, Any] = {
    "empty.pth": lambda file: file.write_bytes(b""),
    "empty.safetensors": lambda file: file.write_bytes(b""),
    "truncated.pth": _truncated,
    "truncated.safetensors": _truncated,
    "garbage.pth": lambda file: file.write_bytes(bytes(range(256)) * 9),
    "garbage.safetensors": lambda file: file.write_bytes(bytes(range(256)) * 9),
    "huge-header.safetensors": lambda file: file.write_bytes(b"\xff" * 7 + b"\x0f" + b"{}"),
    "text.bin": lambda file: file.write_text("version https://git-lfs.github.com/spec/v1\n"),
    "code.pth": lambda file: torch.save({"0.norm1.weight": _Code()}, file),
    "bare-pickle.pt": lambda file: file.write_bytes(pickle.dumps(_Code())),
    "module.pth": lambda file: torch.save(torch.nn.Linear(2, 2), file),
    "list.pth": lambda file: torch.save([torch.zeros(2)], file),
    "numbers.pth": lambda file: torch.save({"epoch": 3}, file),
    "no-tensor.pth": lambda file: torch.save({}, file),
    "no-tensor.safetensors": lambda file: save_file({}, file),
    "zip.pt": _script_archive,
    "missing.safetensors": lambda file: None,
    "weights.ckpt": lambda file: file.write_bytes(b"x"),
    "folder.safetensors": lambda file: file.mkdir(),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_its_name_and_a_way_on(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    BAD_FILES[name](tmp_path / name)
    with pytest.raises(EncoderError) as caught:
        load_encoder(tmp_path / name)
    assert name in caught.value.problem and caught.value.fix
    assert "runs code" not in capsys.readouterr().out
