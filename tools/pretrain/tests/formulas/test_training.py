"""Runs: the same again, the same after an interruption, and refusals."""

import json
import shutil
import signal

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import mt_core as mt
from mt_core.cli import main
from mt_core.errors import EncoderError, OptionError, RunError
from mt_pretrain import PretrainRecipe, pretrain
from mt_pretrain.formulas import callback, module, scoring
from mt_pretrain.formulas.callback import CHECKPOINT
from mt_pretrain.formulas.drawing import FAMILIES

FILES = {"pretrain.json", "progress.jsonl", "encoder.safetensors", "config.json", "sheet.png", "report.html"}


def record(folder):
    return json.loads((folder / "pretrain.json").read_text())


def same(one, other):
    """Whether two nests are equal, each tensor bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def interrupted(folder, settings, **options):
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        pretrain(folder, settings, **options)


def checkpoint(folder):
    return torch.load(folder / CHECKPOINT, weights_only=True)


def test_a_seed_gives_the_same_encoder_again_and_another_seed_another(unscored, tiny, tmp_path):
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        torch.manual_seed(len(name))
        pretrain(tmp_path / name, {**tiny, "steps": 10, "seed": seed})
    one, again, other = (load_file(tmp_path / name / "encoder.safetensors") for name in ("one", "again", "other"))
    assert same(one, again) and not same(one, other)


@pytest.mark.slow
def test_a_run_that_was_interrupted_becomes_the_same(unscored, tiny, tmp_path, signal_at, monkeypatch):
    monkeypatch.setattr(callback, "STEPS_A_ROW", 5)
    settings = {**tiny, "steps": 20, "save_every": 4}
    signal_at(17, signal.SIGINT)
    interrupted(tmp_path / "whole", settings)
    for step, what in ((6, signal.SIGINT), (14, signal.SIGTERM), (17, signal.SIGINT)):
        signal_at(step, what)
    interrupted(tmp_path / "parts", settings)
    assert record(tmp_path / "parts")["step"] == 7
    interrupted(tmp_path / "parts", {}, resume=True)
    interrupted(tmp_path / "parts", {}, resume=True)
    whole, parts = checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "parts")
    assert whole["global_step"] == parts["global_step"] == 18
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert same(whole[part], parts[part])
    rows = [next(iter(one["callbacks"].values()))["rows"] for one in (whole, parts)]
    timed = {"seconds", "pictures_per_second"}
    assert len(rows[0]) == 3 and same(
        *[[{k: v for k, v in row.items() if k not in timed} for row in of] for of in rows]
    )
    ends = [pretrain(tmp_path / name, resume=True) for name in ("whole", "parts")]
    assert all(end.is_complete and end.step == 20 for end in ends)
    assert same(*(load_file(end.encoder) for end in ends))


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_a_step_was_saved_stops_after_the_next_one(unscored, tiny, tmp_path, monkeypatch, what):
    save, coming = callback.PretrainCallback._save, [what]

    def saved(*arguments):
        save(*arguments)
        if coming:
            signal.raise_signal(coming.pop())

    monkeypatch.setattr(callback.PretrainCallback, "_save", saved)
    interrupted(tmp_path, {**tiny, "steps": 20, "save_every": 2})
    assert checkpoint(tmp_path)["global_step"] == record(tmp_path)["step"] == 3


def test_a_second_ctrl_c_ends_a_run_at_once(unscored, tiny, tmp_path, signal_at, monkeypatch):
    interrupt = callback.PretrainCallback.interrupt

    def pressed_again(between):
        interrupt(between)
        monkeypatch.setattr(module, "tokens_of", lambda *_: signal.raise_signal(signal.SIGINT))

    monkeypatch.setattr(callback.PretrainCallback, "interrupt", pressed_again)
    signal_at(3, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="stopped at once"):
        pretrain(tmp_path, {**tiny, "steps": 20, "save_every": 2})
    assert checkpoint(tmp_path)["global_step"] == 2


def test_a_signal_during_the_last_step_changes_nothing(unscored, tiny, tmp_path, signal_at):
    signal_at(2, signal.SIGTERM)
    assert pretrain(tmp_path, {**tiny, "steps": 3}).is_complete
    assert not (tmp_path / CHECKPOINT).exists()


def test_what_is_lost_since_the_last_checkpoint_is_done_again(unscored, tiny, tmp_path, monkeypatch):
    settings = {**tiny, "steps": 12, "save_every": 5}
    pretrain(tmp_path / "whole", settings)
    drawing = module.draw

    def killed(seed, step, **options):
        if step == 8:
            raise MemoryError
        return drawing(seed, step, **options)

    monkeypatch.setattr(module, "draw", killed)
    with pytest.raises(MemoryError):
        pretrain(tmp_path / "killed", settings)
    monkeypatch.setattr(module, "draw", drawing)
    assert checkpoint(tmp_path / "killed")["global_step"] == 5
    pretrain(tmp_path / "killed", resume=True)
    assert same(*(load_file(tmp_path / name / "encoder.safetensors") for name in ("whole", "killed")))


def test_an_encoder_is_trained_further_and_the_record_says_which(unscored, tiny, tmp_path):
    first = pretrain(tmp_path / "first", {**tiny, "steps": 2}).encoder
    further = pretrain(tmp_path / "further", {**tiny, "steps": 1, "lr": 1e-12}, encoder=first).encoder
    assert record(tmp_path / "further")["start"]["fingerprint"] == mt.load_encoder(first).fingerprint
    assert record(tmp_path / "first")["start"] is None
    before, after = (load_file(path) for path in (first, further))
    assert all(torch.allclose(after[name], before[name], atol=1e-3) for name in before)


def test_a_run_killed_before_its_first_checkpoint_begins_again_with_its_encoder(unscored, tiny, tmp_path, monkeypatch):
    first, settings = pretrain(tmp_path / "first", {**tiny, "steps": 2}).encoder, {**tiny, "steps": 2, "save_every": 2}
    whole = pretrain(tmp_path / "whole", settings, encoder=first).encoder
    drawing = module.draw

    def killed(seed, step, **options):
        if step == 1:
            raise MemoryError
        return drawing(seed, step, **options)

    monkeypatch.setattr(module, "draw", killed)
    with pytest.raises(MemoryError):
        pretrain(tmp_path / "killed", settings, encoder=first)
    monkeypatch.setattr(module, "draw", drawing)
    assert not (tmp_path / "killed" / CHECKPOINT).exists()
    again = pretrain(tmp_path / "killed", resume=True).encoder
    assert same(load_file(again), load_file(whole))


def test_a_run_that_goes_on_is_not_given_another_encoder(unscored, tiny, tmp_path):
    pretrain(tmp_path / "run", {**tiny, "steps": 3}, minutes=1e-9)
    with pytest.raises(RunError, match="start"):
        pretrain(tmp_path / "run", encoder="mt-tiny", resume=True)


def test_a_time_limit_stops_and_leaves_the_schedule(unscored, tiny, tmp_path):
    settings = {**tiny, "steps": 3}
    pretrain(tmp_path / "whole", settings)
    stopped = pretrain(tmp_path / "parts", settings, minutes=1e-9)
    assert (stopped.step, stopped.is_complete) == (1, False)
    for step in (2, 3):
        assert pretrain(tmp_path / "parts", resume=True, minutes=1e-9).step == step
    assert same(*(load_file(tmp_path / name / "encoder.safetensors") for name in ("whole", "parts")))
    assert record(tmp_path / "parts")["recipe"] == record(tmp_path / "whole")["recipe"]


def test_a_run_folder_has_all_its_files(unscored, tiny, tmp_path):
    result = pretrain(tmp_path, {**tiny, "steps": 2})
    assert {path.name for path in tmp_path.iterdir()} == FILES
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (16 * 32, len(FAMILIES) * 32)
        dark, light = sheet.convert("L").getextrema()
        assert light - dark > 150
    page = (tmp_path / "report.html").read_text()
    assert (
        page.count('src="data:image/png') == 1 and "Losses of training" in page and "2 of 2 steps, 16 pictures" in page
    )
    encoder = mt.load_encoder(result.encoder)
    assert encoder.is_frozen and encoder.fingerprint == record(tmp_path)["encoder"]["fingerprint"]
    assert encoder.fingerprint != mt.load_encoder("random/vit_tiny_patch16_224").fingerprint
    assert record(tmp_path)["status"] == "complete"


@pytest.mark.slow
def test_training_learns(unscored, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(callback, "STEPS_A_ROW", 20)
    learning, control = (
        pretrain(tmp_path / str(lr), {**tiny, "steps": 40, "lr": lr}).rows for lr in (4e-3, 1e-9)
    )  # on the same pictures
    assert [row["step"] for row in learning] == [20, 40]
    for name, share in (("patch_loss", 0.8), ("whole_loss", 0.96)):
        assert learning[-1][name] < share * control[-1][name]


def test_the_first_score_is_that_of_the_random_control(tiny, tmp_path, monkeypatch):
    pytest.importorskip("mt_plugin_image")
    pytest.importorskip("sklearn")
    for limit in ("NUM_TRAIN", "NUM_TEST"):
        monkeypatch.setattr(scoring, limit, 50)
    scored = [row for row in pretrain(tmp_path, {**tiny, "steps": 4, "score_every": 2}).rows if "scores" in row]
    assert [row["step"] for row in scored] == [0, 2, 4]
    assert all(set(row["scores"]["scikit-learn digits"]) == {"knn", "probe"} for row in scored)
    later = pretrain(tmp_path / "later", {**tiny, "steps": 1, "lr": 1e-2}).rows
    assert later[0]["scores"] == scored[0]["scores"]
    lines = (tmp_path / "progress.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 2, 4, 4]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"steps": 0}, OptionError, "steps=0"),
        ({"batch_size": 6}, OptionError, "batch_size=6"),
        ({"categories": 10}, OptionError, "categories=10"),
        ({"size": 40}, OptionError, "use a size of 48"),
        ({"ema": 1}, OptionError, "ema=1"),
        ({"tune": "full"}, OptionError, "the settings and their defaults are"),
        ({"precision": "8"}, OptionError, "precision=8"),
        ({"architecture": "resnet18"}, EncoderError, "not a plain ViT"),
    ],
)
def test_a_setting_that_does_not_fit_leaves_nothing_behind(unscored, tiny, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        pretrain(tmp_path / "run", {**tiny, "steps": 1, **settings})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "options", [{"minutes": 0}, {"minutes": float("nan")}, {"device": "abacus"}, {"device": "meta"}]
)
def test_an_option_that_cannot_be_leaves_nothing_behind(unscored, tiny, tmp_path, options):
    with pytest.raises(OptionError):
        pretrain(tmp_path / "run", {**tiny, "steps": 1}, **options)
    assert not (tmp_path / "run").exists()


def test_every_field_of_the_recipe_is_described():
    assert [name for name, field in PretrainRecipe.model_fields.items() if not (field.description or "").strip()] == []


@pytest.fixture
def stopped(unscored, tiny, one_of_four, tmp_path):
    """A run of one step of four."""
    return shutil.copytree(one_of_four, tmp_path / "run")


def cut(path):
    path.write_bytes(path.read_bytes()[:5000])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def code(path):
    torch.save({"state_dict": cut}, path)


def other(path):
    torch.save({**torch.load(path, weights_only=True), "state_dict": {"vit": torch.zeros(1)}}, path)


def nothing(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, flip, code, other, nothing])
def test_a_damaged_checkpoint_is_refused(stopped, damage):
    damage(stopped / CHECKPOINT)
    with pytest.raises(RunError, match=CHECKPOINT):
        pretrain(stopped, resume=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "status": "training", "recipe": {"steps": -1}}'])
def test_a_damaged_record_is_refused(stopped, text):
    (stopped / "pretrain.json").write_text(text)
    with pytest.raises(RunError, match="cannot be read"):
        pretrain(stopped, resume=True)


def test_a_run_goes_on_by_its_own_recipe_only(stopped, tmp_path):
    with pytest.raises(RunError, match=r"other settings \(seed\)"):
        pretrain(stopped, {"seed": 1}, resume=True)
    with pytest.raises(RunError, match=r"other settings \(score\)"):
        pretrain(stopped, score=[tmp_path], resume=True)
    assert pretrain(stopped, {"seed": 0}, resume=True).is_complete


def test_resuming_a_complete_run_gives_what_it_gave(unscored, tiny, tmp_path, monkeypatch):
    result = pretrain(tmp_path, {**tiny, "steps": 2})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(module, "draw", None)
    assert pretrain(tmp_path, resume=True) == result and result.is_complete
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with pytest.raises(RunError, match=r"other settings \(seed\)"):
        pretrain(tmp_path, {"seed": 1}, resume=True)


def test_a_folder_in_the_way_is_kept(stopped, tiny, tmp_path):
    with pytest.raises(RunError, match="holds a run already"):
        pretrain(stopped, tiny)
    with pytest.raises(RunError, match="not empty"):
        pretrain(tmp_path, tiny)
    with pytest.raises(RunError, match="no run on drawn pictures"):
        pretrain(tmp_path, resume=True)
    assert (stopped / CHECKPOINT).is_file()


def test_the_command_pretrains_and_goes_on(unscored, tiny, tmp_path, capsys):
    out = str(tmp_path / "run")
    small = ["--size", "32", "--batch-size", "8", "-S", "categories=16", "--set", "depth=1", "--precision", "32"]
    made = ["pretrain", "--out", out, "--seed", "3", "--steps", "3", "--minutes", "1e-9", "--device", "cpu", *small]
    assert main([*made, "--quiet"]) == 0
    told = capsys.readouterr()
    assert "go on with: mt pretrain" in told.out and told.err == ""
    assert main(["pretrain", "--out", out, "--resume"]) == 0
    told = capsys.readouterr()
    assert "encoder.safetensors" in told.out and "step 3/3: loss" in told.err
    assert record(tmp_path / "run")["recipe"]["seed"] == 3


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_the_command_is_stopped_by_ctrl_c_and_by_sigterm(unscored, tiny, tmp_path, capsys, signal_at, what):
    signal_at(1, what)
    before = signal.getsignal(what)
    out = str(tmp_path / "run")
    small = ["--size", "32", "--batch-size", "8", "-S", "categories=16", "-S", "depth=1"]
    assert main(["pretrain", "--out", out, "--steps", "9", *small]) == 130
    assert "stopped at step 2 of 9" in capsys.readouterr().err
    assert checkpoint(tmp_path / "run")["global_step"] == 2
    assert signal.getsignal(what) is before
    assert mt.load_encoder(tmp_path / "run" / "encoder.safetensors").is_frozen


def test_the_command_scores_on_a_folder(tiny, tmp_path, capsys):
    pytest.importorskip("mt_plugin_image")
    for name, grey in (("dark", 40), ("light", 220)):
        (tmp_path / "greys" / name).mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (9, 9), (grey + number,) * 3).save(tmp_path / "greys" / name / f"{number}.png")
    small = ["--steps", "1", "--size", "32", "--batch-size", "8", "-S", "categories=16", "-S", "depth=1"]
    assert main(["pretrain", "--out", str(tmp_path / "run"), "--score", str(tmp_path / "greys"), *small]) == 0
    assert "greys knn: 1.0000 (random 1.0000)" in capsys.readouterr().out
