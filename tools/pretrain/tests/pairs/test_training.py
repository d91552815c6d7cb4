"""Pretraining on pictures with captions. The pictures are drawn here: four shapes in four colours."""

import csv
import json
import math
import os
import random
import socket
import subprocess
import sys
import tarfile
import textwrap

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer

import mt_core as mt
from mt_core.contract import Tokens
from mt_core.data.precision import has_bf16
from mt_core.encoder import Encoder
from mt_core.encoder.plain_vit import parts_of
from mt_core.encoder.timm_models import converted
from mt_core.errors import (
    DatasetError,
    MtWarning,
    OptionError,
    RunError,
    UnknownModalityError,
)
from mt_core.model import make_tokenizer
from mt_core.plugins import get, registry
from mt_pretrain import ContrastRecipe, pretrain_on_pairs
from mt_pretrain.pairs import towers, training
from mt_pretrain.pairs.encoder_file import check_writable, write_towers
from mt_pretrain.pairs.module import ContrastModule
from mt_pretrain.pairs.towers import Towers, info_nce, recall

PICTURES = {"size": 32, "patch": 8}
QUICK = {
    "epochs": 2,
    "batch_size": 16,
    "lr": 6e-3,
    "val_fraction": 0.25,
    "num_workers": 0,
    "picture_options": PICTURES,
    "caption_options": {"max_tokens": 8},
    "joint_width": 32,
}
COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 80, 230), "yellow": (230, 210, 40)}
SHAPES = ("circle", "square", "triangle", "cross")
PLUGINS = ("mt_plugin_image", "mt_plugin_text")


@pytest.fixture
def plugins():
    for plugin in PLUGINS:
        pytest.importorskip(plugin)


def drawn(colour, shape, seed):
    from PIL import Image, ImageDraw

    draw = random.Random(seed)
    picture = Image.new("RGB", (32, 32), tuple(draw.randrange(50) for _ in range(3)))
    side = draw.randrange(14, 24)
    left, top = draw.randrange(32 - side), draw.randrange(32 - side)
    box, third, fill = (left, top, left + side, top + side), side // 3, COLOURS[colour]
    pen = ImageDraw.Draw(picture)
    if shape == "circle":
        pen.ellipse(box, fill)
    elif shape == "square":
        pen.rectangle(box, fill)
    elif shape == "triangle":
        pen.polygon([(left, top + side), (left + side, top + side), (left + side // 2, top)], fill)
    else:
        pen.rectangle((left + third, top, left + 2 * third, top + side), fill)
        pen.rectangle((left, top + third, left + side, top + 2 * third), fill)
    return picture


def write_pairs(folder, count, *, shuffled=False):
    folder.mkdir()
    things = [(list(COLOURS)[index % 4], SHAPES[index // 4 % 4]) for index in range(count)]
    captions = [f"a {colour} {shape}" for colour, shape in things]
    if shuffled:
        random.Random(0).shuffle(captions)
    for index, (colour, shape) in enumerate(things):
        drawn(colour, shape, index).save(folder / f"{index:04}.png")
        (folder / f"{index:04}.txt").write_text(captions[index])
    return folder


def write_tar(folder, path):
    with tarfile.open(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    return path


@pytest.fixture
def few(tmp_path, plugins):
    return write_pairs(tmp_path / "few", 64)


@pytest.fixture
def run(small_encoder_file, tmp_path):
    """A short run on pairs, into a folder of this name."""

    def run(data, name="run", *, resume=False, minutes=None, encoder=small_encoder_file, **recipe):
        return pretrain_on_pairs(
            data,
            tmp_path / name,
            encoder=encoder,
            recipe={**QUICK, **recipe},
            resume=resume,
            minutes=minutes,
            device="cpu",
        )

    return run


def learned(folder):
    """Every tensor that a run has written, by file and name."""
    return {
        f"{path.name} {name}": tensor
        for path in sorted(folder.glob("*.safetensors"))
        for name, tensor in load_file(path).items()
    }


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


# the objective


def unit(*shape, seed):
    return torch.nn.functional.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_the_loss_is_the_mean_cross_entropy_in_both_directions():
    pictures, captions, scale = unit(3, 4, seed=0), unit(3, 4, seed=1), 5.0
    near = [
        [scale * sum(p * c for p, c in zip(a, b, strict=True)) for b in captions.tolist()] for a in pictures.tolist()
    ]
    expected = 0.0
    for i in range(3):
        expected -= math.log(math.exp(near[i][i]) / sum(math.exp(near[i][j]) for j in range(3))) / 6
        expected -= math.log(math.exp(near[i][i]) / sum(math.exp(near[j][i]) for j in range(3))) / 6
    told = float(info_nce(pictures, captions, pictures, captions, torch.tensor(scale), 0))
    assert told == pytest.approx(expected, rel=1e-5)


def test_the_mean_over_processes_is_the_loss_of_all_pairs_at_once():
    pictures, captions, scale = unit(6, 4, seed=0), unit(6, 4, seed=1), torch.tensor(9.0)
    parts = [info_nce(pictures[at : at + 3], captions[at : at + 3], pictures, captions, scale, at) for at in (0, 3)]
    torch.testing.assert_close(sum(parts) / 2, info_nce(pictures, captions, pictures, captions, scale, 0))


def test_recall_counts_pictures_whose_own_caption_is_among_the_nearest():
    captions = torch.eye(3)
    pictures = torch.tensor([[1.0, 0, 0], [0.9, 0.8, 0], [0.7, 0.8, 0.6], [0, 0, 1.0]])
    own = torch.tensor([0, 1, 2, 2])
    assert [recall(pictures, captions, own, at) for at in (1, 2, 3)] == [0.5, 0.75, 1.0]


def test_recall_gives_nothing_for_features_that_are_all_the_same():
    assert recall(torch.ones(4, 2), torch.ones(3, 2), torch.tensor([0, 1, 2, 0]), 1) == 0


def test_the_temperature_starts_at_0_07_and_similarities_are_multiplied_by_100_at_most(few, run, monkeypatch):
    rows = run(few, "usual", epochs=1, lr=1e-8).history
    assert rows[0]["scale"] == pytest.approx(1 / 0.07, rel=1e-4)
    monkeypatch.setattr(towers, "FIRST_SCALE", 150)
    rows = run(few, "sharp", epochs=1, lr=1e-8).history
    assert rows[0]["scale"] == pytest.approx(100, rel=1e-5)


# learning


@pytest.mark.parametrize("shuffled", [False, True], ids=["own captions", "shuffled captions"])
def test_held_out_pictures_find_their_captions_only_where_captions_tell_of_pictures(plugins, run, tmp_path, shuffled):
    scores = run(write_pairs(tmp_path / "pairs", 256, shuffled=shuffled), epochs=6, batch_size=32).scores
    assert scores["chance"] == 1 / 16
    if shuffled:
        assert scores["recall_at_1"] < 0.15 and scores["recall_at_5"] < 0.5
    else:
        assert scores["recall_at_1"] > 0.25 and scores["recall_at_5"] > 0.9


def test_every_part_learns_and_the_encoder_that_was_given_stays_as_it_was(few, run, small_encoder, tmp_path):
    before = {name: tensor.clone() for name, tensor in small_encoder.state_dict().items()}
    run(few, encoder=small_encoder)
    small_encoder.verify()
    assert small_encoder.is_frozen and same(before, small_encoder.state_dict())
    written = learned(tmp_path / "run")
    assert not torch.allclose(
        written["encoder.safetensors blocks.0.mlp.fc1.weight"].float(), before["blocks.0.mlp.fc1.weight"]
    )
    assert not torch.allclose(written["encoder.safetensors cls_token"][0].float(), before["prefix"], atol=1e-3)


def test_gradients_reach_every_parameter(plugins, small_encoder):
    recipe = ContrastRecipe.parse(QUICK)
    made = training._towers(recipe, small_encoder)
    pictures = [made.picture.prepare(made.picture.read(drawn(colour, "cross", 0))) for colour in ("red", "blue")]
    captions = [made.caption.prepare(made.caption.read({"text": text})) for text in ("a red cross", "a cross")]
    features = made({"picture": made.picture.collate(pictures), "caption": made.caption.collate(captions)})
    assert [each.shape for each in features] == [(2, 32), (2, 32)]
    torch.testing.assert_close(torch.stack(features).norm(dim=-1), torch.ones(2, 2))
    info_nce(*features, *features, made.log_scale.exp(), 0).backward()
    without = [name for name, parameter in made.named_parameters() if parameter.grad is None]
    assert without == []


def test_two_towers_share_one_encoder_unless_told_otherwise(few, run, tmp_path):
    run(few, "shared")
    run(few, "separate", separate=True)
    assert not (tmp_path / "shared" / "caption").exists()
    own = mt.load_encoder(tmp_path / "separate" / "caption" / "encoder.safetensors")
    pictures = mt.load_encoder(tmp_path / "separate" / "encoder.safetensors")
    assert own.is_frozen and own.fingerprint != pictures.fingerprint


def test_a_moving_average_is_what_is_kept(few, run, tmp_path):
    run(few, "last")
    run(few, "average", ema=0.99)
    assert not same(learned(tmp_path / "last"), learned(tmp_path / "average"))


@pytest.mark.skipif(not has_bf16(torch.device("cpu")), reason="this CPU has no bfloat16 arithmetic")
def test_in_bfloat16_it_learns_about_the_same(few, run):
    exact, rounded = (run(few, precision, precision=precision).history for precision in ("32", "bf16"))
    losses = [[row["train_loss"] for row in rows] for rows in (exact, rounded)]
    assert losses[0] != losses[1] and losses[1] == pytest.approx(losses[0], rel=0.02)


# going on


class Stopping:
    """Ctrl-C at a step, once."""

    def __init__(self, monkeypatch, at):
        self.at, self.step = at, ContrastModule.training_step
        monkeypatch.setattr(ContrastModule, "training_step", lambda module, *batch: self(module, *batch))

    def __call__(self, module, *batch):
        if module.global_step == self.at:
            self.at = None
            raise KeyboardInterrupt
        return self.step(module, *batch)


@pytest.mark.parametrize(("layout", "recipe"), [("folder", {}), ("tar", {"ema": 0.9, "num_workers": 1})])
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(few, run, tmp_path, monkeypatch, layout, recipe):
    data = few if layout == "folder" else write_tar(few, tmp_path / "few.tar")
    whole = run(data, "whole", epochs=3, **recipe)
    Stopping(monkeypatch, at=4)  # in the second epoch of three steps
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        run(data, "broken", epochs=3, **recipe)
    assert not (tmp_path / "broken" / "encoder.safetensors").exists()
    resumed = run(data, "broken", resume=True, epochs=3, **recipe)
    assert same(learned(tmp_path / "whole"), learned(tmp_path / "broken"))
    assert resumed.scores == whole.scores and len(resumed.history) == 3
    assert not (tmp_path / "broken" / "checkpoints").exists()


def test_a_run_whose_time_is_up_has_an_encoder_and_goes_on(few, run, tmp_path):
    run(few, "whole")
    stopped = run(few, "stopped", minutes=1e-6)
    assert not stopped.is_complete and len(stopped.history) == 1
    assert mt.load_encoder(stopped.encoder).is_trained
    resumed = run(few, "stopped", resume=True)
    assert resumed.is_complete and same(learned(tmp_path / "whole"), learned(tmp_path / "stopped"))


def test_a_run_killed_before_its_files_were_written_only_writes_them(few, run, tmp_path, monkeypatch):
    run(few, "whole", ema=0.9)
    with monkeypatch.context() as broken:
        broken.setattr(training, "write_towers", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(few, "killed", ema=0.9)
    assert run(few, "killed", resume=True, ema=0.9).is_complete
    assert same(learned(tmp_path / "whole"), learned(tmp_path / "killed"))


def test_a_run_goes_on_only_as_it_was_begun(few, run, tmp_path):
    run(few, "begun", minutes=1e-6)
    for change in ({"lr": 1e-4}, {"encoder": "random/vit_tiny_patch16_224"}):
        with pytest.raises(RunError, match=r"started with other settings \((lr|encoder)\)"):
            run(few, "begun", resume=True, **change)
    (few / "0000.txt").unlink()
    with pytest.raises(RunError, match=r"started with other settings \(data\)"):
        run(few, "begun", resume=True)


def test_a_folder_in_use_and_one_without_a_run_are_refused(few, run, tmp_path):
    with pytest.raises(RunError, match="holds no run on pairs"):
        run(few, "nowhere", resume=True)
    run(few)
    with pytest.raises(RunError, match="is not empty"):
        run(few)


def test_resuming_a_complete_run_gives_what_it_gave(few, run, tmp_path, monkeypatch):
    result = run(few)
    written = learned(tmp_path / "run")
    monkeypatch.setattr(ContrastModule, "training_step", None)
    assert run(few, resume=True) == result and result.is_complete
    assert same(learned(tmp_path / "run"), written)
    with pytest.raises(RunError, match=r"started with other settings \(lr\)"):
        run(few, resume=True, lr=1e-5)


# what is written


def test_the_encoder_loads_frozen_and_a_tokenizer_starts_from_what_was_learned(few, run, tmp_path):
    result = run(few)
    loaded = mt.load_encoder(result.encoder)
    assert loaded.is_frozen and loaded.is_trained
    record = json.loads((tmp_path / "run" / "pretrain-pairs.json").read_text())
    assert record["status"] == "complete" and record["result"]["fingerprint"] == loaded.fingerprint
    assert load_file(result.encoder)["pos_embed"].dtype == torch.float16
    model = mt.load("image", encoder=loaded, **PICTURES)
    tokenizer = load_file(tmp_path / "run" / "picture-tokenizer.safetensors")
    for name, tensor in model.tokenizer.state_dict().items():
        torch.testing.assert_close(tensor, tokenizer[name], rtol=1e-3, atol=1e-5)
    assert mt.embed(model, [drawn("red", "circle", 0)]).shape == (1, 64)


def test_the_tokenizer_of_captions_can_be_made_again_from_its_file(few, run, tmp_path):
    encoder = mt.load_encoder(run(few).encoder)
    path = tmp_path / "run" / "caption-tokenizer.safetensors"
    with safe_open(path, "pt") as file:
        made = file.metadata()
    tokenizer = make_tokenizer(get(made["modality"]).tokenizer, encoder, json.loads(made["options"]), seed=1)
    tokenizer.restore(json.loads(made["calibration"]))
    tokenizer.load_state_dict(load_file(path))
    assert tokenizer.options.max_tokens == 8
    assert len(tokenizer.table.weight) < 40  # of the few words that occur


def test_a_line_is_written_for_each_epoch(few, run, tmp_path):
    result = run(few)
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"train_loss", "val_recall_at_1", "val_recall_at_5", "scale"} <= rows[0].keys()
    assert float(rows[1]["val_recall_at_1"]) == result.scores["recall_at_1"]


VITS = {
    "usual": {},
    "registers": {"reg_tokens": 4},
    "registers without positions": {"reg_tokens": 2, "no_embed_class": True},
    "no [CLS]": {"class_token": False, "global_pool": "avg", "fc_norm": False},
    "scaled layers": {"init_values": 0.1, "qk_norm": True},
    "CLIP's": {"pre_norm": True, "norm_layer": torch.nn.LayerNorm, "act_layer": "quick_gelu"},
}


def towers_on(vit, name="x.safetensors", **image):
    parts, mean, std = parts_of(converted(vit, name)), (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    encoder = Encoder(parts, name=name, description="", is_trained=True, mean=mean, std=std)
    tokenizer = make_tokenizer(get("image").tokenizer, encoder, {**PICTURES, **image}, 0)
    return Towers(tokenizer, make_tokenizer(get("text").tokenizer, encoder, {}, 0), encoder, None, 8)


@pytest.mark.parametrize("kind", VITS)
def test_any_plain_vit_is_the_same_after_writing(plugins, tmp_path, kind):
    torch.manual_seed(0)
    vit = VisionTransformer(img_size=64, embed_dim=64, depth=1, num_heads=2, num_classes=0, mlp_ratio=2, **VITS[kind])
    made = towers_on(vit)
    torch.nn.init.normal_(made.picture.patches.project.bias)
    check_writable(made)
    loaded = mt.load_encoder(write_towers(made, tmp_path, ContrastRecipe()))
    adopted = make_tokenizer(get("image").tokenizer, loaded, PICTURES, 1)
    batch = adopted.collate([adopted.prepare(adopted.read(drawn("red", "circle", 0)))])
    tokens = Tokens(torch.randn(2, 5, 64))
    with torch.no_grad():
        torch.testing.assert_close(loaded(tokens).pooled, made.encoder(tokens).pooled, rtol=1e-2, atol=1e-2)
        torch.testing.assert_close(adopted(batch).values, made.picture(batch).values, rtol=1e-2, atol=1e-2)
    assert (loaded.mean, loaded.std) == (made.encoder.mean, made.encoder.std)
    assert loaded.has_cls == made.encoder.has_cls and loaded.positions_grid == (4, 4)
    activation = [type(encoder.blocks[0].mlp.act).__name__ for encoder in (loaded, made.encoder)]
    assert activation[0] == activation[1]
    assert loaded.blocks[0].norm1.eps == made.encoder.blocks[0].norm1.eps


def test_what_could_not_be_written_is_refused_before_anything_is_learned(few, run):
    with pytest.raises(OptionError, match="has no blocks"):
        run(few, encoder="none/vit_tiny_patch16_224")
    with pytest.raises(OptionError, match="more than one linear map"):
        run(few, picture_options={**PICTURES, "stem": "conv"})
    vit = VisionTransformer(img_size=32, embed_dim=64, depth=1, num_heads=2, num_classes=0, act_layer="relu")
    with pytest.raises(OptionError, match="epsilon 1e-06 and ReLU"):
        check_writable(towers_on(vit))


# what goes wrong


def test_damaged_pictures_are_skipped_and_reported_once_at_the_end(few, run, tmp_path):
    for number in (8, 9):
        (few / f"{number:04}.png").write_bytes(b"damaged")
    (few / "0010.txt").unlink()
    told = pytest.warns(MtWarning, match="few.tar: 3 skipped, the first: few.tar/0010 has no caption")
    with told as warned:
        run(write_tar(few, tmp_path / "few.tar"), epochs=3)
    assert len(warned) == 1
    assert json.loads((tmp_path / "run" / "pretrain-pairs.json").read_text())["skipped"] == 3


def test_pictures_all_damaged_are_an_error_that_names_one(few, run, tmp_path):
    for picture in few.glob("*.png"):
        picture.write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=r"held out have 0 different captions \(\d+ skipped, the first: 00\d\d.png"):
        run(few)
    assert not (tmp_path / "run").exists()


def test_only_the_pictures_to_train_on_damaged_are_an_error_that_names_one(few, run):
    from mt_pretrain.pairs.batches import PairReader

    held_out = PairReader(None, None, None, 16, 0.25, 0).is_held_out
    for picture in few.glob("*.png"):
        if not held_out(picture.name):
            picture.write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=r"0 pairs can be read, a batch has 16; \d+ skipped, the first: 00"):
        run(few)


def test_too_few_pairs_for_a_batch_and_unknown_settings_are_refused(few, run):
    with pytest.raises(OptionError, match="pairs to train on do not fill a batch of 64"):
        run(few, batch_size=64)
    with pytest.raises(OptionError, match="minutes=-1 is no time"):
        run(few, minutes=-1)
    with pytest.raises(OptionError, match="did you mean batch_size"):
        run(few, batchsize=3)
    with pytest.raises(OptionError, match="no option 'sise'; did you mean size"):
        run(few, picture_options={"sise": 3})
    with pytest.raises(OptionError, match="cannot be used"):
        pretrain_on_pairs(few, few / "out", device="abacus")


def test_the_default_options_are_those_of_the_default_modalities():
    usual = ContrastRecipe.parse({"picture_options": {"size": 64}})
    assert (usual.picture_options, usual.caption_options) == ({"flip": False, "size": 64}, {"max_tokens": 77})
    other = ContrastRecipe.parse(
        {"picture_modality": "infrared", "caption_modality": "dna", "caption_options": {"k": 3}}
    )
    assert (other.picture_options, other.caption_options) == ({}, {"k": 3})
    assert ContrastRecipe.parse(other.model_dump()) == other


def test_any_modality_of_pictures_and_any_of_texts_will_do(few, run, tmp_path, monkeypatch):
    get_plugin = training.get
    asked = []
    monkeypatch.setattr(training, "get", lambda name: asked.append(name) or get_plugin(name.removeprefix("other-")))
    run(few, picture_modality="other-image", caption_modality="other-text")
    assert set(asked) == {"other-image", "other-text"}
    with safe_open(tmp_path / "run" / "caption-tokenizer.safetensors", "pt") as file:
        assert file.metadata()["modality"] == "other-text"


def test_a_modality_of_no_pictures_is_refused(few, run):
    with pytest.raises(OptionError, match="patches of TextTokenizer are more than one linear map of a picture"):
        run(few, picture_modality="text", picture_options={})


def test_a_loss_that_is_no_number_ends_the_run(few, run, monkeypatch):
    monkeypatch.setattr(towers, "FIRST_SCALE", float("nan"))
    with pytest.raises(RunError, match="the loss is nan at step 0"):
        run(few)


def test_a_missing_plugin_has_the_line_that_installs_it(tmp_path, monkeypatch):
    found = registry.discover()
    monkeypatch.setattr(registry, "discover", lambda: [each for each in found if each.name != "text"])
    registry.reset()
    try:
        with pytest.raises(UnknownModalityError, match="mt-plugin-text"):
            pretrain_on_pairs(tmp_path, tmp_path / "out", device="cpu")
    finally:
        registry.reset()


# several processes

GRADIENTS = """
    import os, sys, torch
    from lightning.fabric.utilities.distributed import _all_gather_ddp_if_available as of_all
    from torch.nn.parallel import DistributedDataParallel
    from mt_pretrain.pairs.towers import info_nce

    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.p, self.c = torch.nn.Linear(6, 4), torch.nn.Linear(5, 4)
            self.scale = torch.nn.Parameter(torch.tensor(2.0))
        def forward(self, pictures, captions):
            return self.p(pictures), self.c(captions), self.scale

    torch.set_num_threads(1)
    torch.manual_seed(0)
    whole, pictures, captions = Two(), torch.randn(8, 6), torch.randn(8, 5)
    p, c, scale = whole(pictures, captions)
    info_nce(p, c, p, c, scale, 0).backward()
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    half = Two()
    half.load_state_dict(whole.state_dict())
    half, mine = DistributedDataParallel(half), slice(4 * rank, 4 * rank + 4)
    p, c, scale = half(pictures[mine], captions[mine])
    every_p, every_c = (of_all(each, sync_grads=True).flatten(0, 1) for each in (p, c))
    info_nce(p, c, every_p, every_c, scale, 4 * rank).backward()
    for one, other in zip(whole.parameters(), half.parameters(), strict=True):
        assert one.grad.abs().max() > 1e-3
        torch.testing.assert_close(one.grad, other.grad)
    torch.distributed.destroy_process_group()
    print("equal")
"""

A_RUN = """
    import sys, torch
    from mt_pretrain.pairs.training import pretrain_on_pairs

    if __name__ == "__main__":
        torch.set_num_threads(1)
        data, out, encoder, recipe = sys.argv[1:]
        result = pretrain_on_pairs(data, out, encoder=encoder, recipe=eval(recipe), device="cpu", devices=2)
        print(result.scores["recall_at_1"], result.is_complete)
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@pytest.mark.slow
def test_the_gradients_of_two_processes_are_those_of_one_with_all_pairs(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(GRADIENTS))
    where = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    processes = [
        subprocess.Popen([sys.executable, script], env={**where, "RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    assert [process.communicate(timeout=120)[0].strip() for process in processes] == ["equal", "equal"]


@pytest.mark.slow
def test_two_processes_learn_one_encoder(plugins, tmp_path, small_encoder_file):
    data = write_pairs(tmp_path / "pairs", 96)
    (data / "0020.png").write_bytes(b"damaged")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(A_RUN))
    recipe = {**QUICK, "batch_size": 12, "epochs": 12}
    command = [sys.executable, script, data, tmp_path / "run", small_encoder_file, repr(recipe)]
    where = {**os.environ, "MASTER_PORT": free_port()}
    ran = subprocess.run(command, env=where, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    assert len(set(ran.stdout.split("\n")) - {""}) == 1  # both processes say the same
    assert float(ran.stdout.split()[0]) > 0.125
    assert ran.stderr.count("skipped, the first: 0020.png") == 1
    assert mt.load_encoder(tmp_path / "run" / "encoder.safetensors").is_frozen
    assert len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) == 13
