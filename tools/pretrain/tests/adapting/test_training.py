"""Runs without labels, on pictures of one colour in noise."""

import json
import random
import shutil
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

import mt_core as mt
from mt_core.errors import DatasetError, DataWarning, FingerprintError, InputError, OptionError, RunError
from mt_core.plugins import get
from mt_core.training.starting import load_adapted
from mt_pretrain import adapt
from mt_pretrain.adapting import training
from mt_pretrain.adapting.callback import AdaptCallback
from mt_pretrain.adapting.recipe import AdaptRecipe

QUICK = {"steps": 6, "batch_size": 8, "projector": 16, "num_workers": 0, "save_every": 2}
OPTIONS = {"size": 32, "patch": 16}


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    return draw(folder, 24)


def draw(folder, count, seed=0):
    rng = np.random.default_rng(seed)
    for number in range(count):
        colour = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255)])[number % 3]
        noisy = np.clip(colour + rng.normal(0, 60, (32, 32, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:02}.png")
    return folder


def run(data, out, encoder, settings=None, **more):
    return adapt(
        "image", data, out, {**QUICK, **(settings or {})}, encoder=encoder, options=OPTIONS, device="cpu", **more
    )


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


def record(folder):
    return json.loads((folder / "run.json").read_text())


def test_vectors_of_the_loaded_run_are_those_that_were_measured(pictures, small_encoder, tmp_path):
    result = run(pictures, tmp_path / "run", small_encoder)
    vectors = mt.embed(mt.load_run(tmp_path / "run", encoder=small_encoder), str(pictures)).astype(float)
    centred = vectors - vectors.mean(0)
    assert (centred**2).sum() / (vectors**2).sum() == pytest.approx(result.after.spread, rel=1e-4)
    untrained = mt.embed(mt.load("image", encoder=small_encoder, purpose="train", **OPTIONS), str(pictures))
    assert np.abs(vectors - untrained).max() > 1e-3
    assert result.is_complete and not (tmp_path / "run" / "checkpoint.ckpt").exists()


def test_a_run_holds_the_tokenizer_alone_and_the_encoder_stays_as_it_is(pictures, small_encoder, tmp_path):
    before = {name: tensor.clone() for name, tensor in small_encoder.state_dict().items()}
    run(pictures, tmp_path / "run", small_encoder)
    assert all((tensor == before[name]).all() for name, tensor in small_encoder.state_dict().items())
    names = {name.split(".")[0] for name in load_file(tmp_path / "run" / "weights.safetensors")}
    assert names == {"tokenizer"}
    assert record(tmp_path / "run")["encoder"]["fingerprint"] == small_encoder.fingerprint


def test_labels_are_never_read(pictures, small_encoder, tmp_path):
    names = sorted(path.name for path in pictures.iterdir())
    labels = ["red", "green", "blue"] * 8
    for out, order in (("as they are", labels), ("shuffled", random.Random(1).sample(labels, len(labels)))):
        rows = [f"{name},{label}" for name, label in zip(names, order, strict=True)]
        (pictures / "labels.csv").write_text("\n".join(["path,label", *rows]))
        result = run(pictures, tmp_path / out, small_encoder)
        assert "files as they lie" not in record(result.folder)["data"]["summary"][0]  # it is a dataset, with labels
    assert weights(tmp_path / "as they are") == weights(tmp_path / "shuffled")


def test_the_test_part_is_never_opened(small_encoder, tmp_path, monkeypatch):
    for split in ("train", "test"):
        for colour in ("one", "two"):
            (tmp_path / "data" / split / colour).mkdir(parents=True)
            draw(tmp_path / "data" / split / colour, 6)
    read = []
    tokenizer = get("image").tokenizer
    of_tokenizer = tokenizer.read
    monkeypatch.setattr(tokenizer, "read", lambda self, source: read.append(str(source)) or of_tokenizer(self, source))
    run(tmp_path / "data", tmp_path / "dataset", small_encoder)
    assert read and not any("/test/" in source for source in read)
    assert record(tmp_path / "dataset")["data"]["train"] == 12


def test_folders_called_test_are_left_out_of_files_without_a_layout(small_encoder, tmp_path, monkeypatch):
    for part in ("some", "Test"):
        (tmp_path / "data" / part).mkdir(parents=True)
        draw(tmp_path / "data" / part, 9)

    def refuse(*_, **__):
        raise DatasetError("no known layout")

    monkeypatch.setattr(get("image").dataset, "open", refuse)
    run(tmp_path / "data", tmp_path / "run", small_encoder)
    data = record(tmp_path / "run")["data"]
    assert data["train"] == 9
    assert "left out: 9 files in folders called test" in data["summary"]


def test_rows_of_a_table_are_samples_and_of_many_some_are_drawn(small_encoder, tmp_path):
    (tmp_path / "texts").mkdir()
    lines = ["text", *(f"this is text number {number}" for number in range(30))]
    (tmp_path / "texts" / "a.csv").write_text("\n".join(lines))
    settings = {**QUICK, "steps": 2, "max_samples": 12}
    options = {"max_tokens": 8, "vectors": "none"}
    adapt("text", tmp_path / "texts", tmp_path / "run", settings, encoder=small_encoder, options=options, device="cpu")
    assert record(tmp_path / "run")["data"]["train"] == 12


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(pictures, small_encoder, tmp_path):
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        run(pictures, tmp_path / name, small_encoder, {"seed": seed})
    assert weights(tmp_path / "one") == weights(tmp_path / "again") != weights(tmp_path / "other")


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_interrupted_becomes_the_same(pictures, small_encoder, tmp_path, monkeypatch, what):
    run(pictures, tmp_path / "whole", small_encoder)
    coming = {2, 5}  # in the first epoch of three steps, and in the second
    between = AdaptCallback.between

    def interrupted(callback, module, step):
        if step in coming:
            coming.remove(step)
            signal.raise_signal(what)
        between(callback, module, step)

    monkeypatch.setattr(AdaptCallback, "between", interrupted)
    with pytest.raises(KeyboardInterrupt, match="stopped at step 2 of 6"):
        run(pictures, tmp_path / "parts", small_encoder)
    assert mt.load_run(tmp_path / "parts", encoder=small_encoder).description.count("stopped at step 2 of 6")
    with pytest.raises(KeyboardInterrupt, match="stopped at step 5 of 6"):
        run(pictures, tmp_path / "parts", small_encoder, resume=True)
    assert run(pictures, tmp_path / "parts", small_encoder, resume=True).is_complete
    assert load_file(tmp_path / "parts" / "weights.safetensors").keys()
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert run(pictures, tmp_path / "parts", small_encoder, resume=True).step == 6  # nothing is left to do


def test_the_end_of_the_time_stops_after_a_step(pictures, small_encoder, tmp_path):
    result = run(pictures, tmp_path / "run", small_encoder, minutes=1e-9)
    assert (result.step, result.is_complete) == (1, False)
    assert record(tmp_path / "run")["status"] == "stopped"


def test_vectors_that_become_the_same_are_refused_and_no_weights_kept(pictures, small_encoder, tmp_path, monkeypatch):
    def emptied(callback, module, step):
        for parameter in module.model.tokenizer.parameters():
            parameter.data.zero_()

    monkeypatch.setattr(AdaptCallback, "between", emptied)
    with pytest.raises(RunError, match="have become nearly the same"):
        run(pictures, tmp_path / "run", small_encoder)
    assert record(tmp_path / "run")["status"] == "collapsed"
    assert not (tmp_path / "run" / "weights.safetensors").exists()
    with pytest.raises(RunError, match="--overwrite"):
        run(pictures, tmp_path / "run", small_encoder, resume=True)


def test_training_starts_from_the_adapted_tokenizer(pictures, small_encoder, tmp_path):
    run(pictures, tmp_path / "a", small_encoder)
    model = load_adapted(tmp_path / "a", "image", encoder=small_encoder, seed=3)
    samples = sorted(map(str, pictures.glob("*.png")))
    kept = {"tune": "probe", "num_workers": 0}
    mt.fit(model, samples, ["r", "g", "b"] * 8, out=tmp_path / "b", **kept)
    adapted, trained = (load_file(tmp_path / name / "weights.safetensors") for name in "ab")
    assert all(np.array_equal(adapted[name], trained[name]) for name in adapted)
    again = mt.load_run(tmp_path / "b", encoder=small_encoder)
    assert mt.predict(again, samples[:3]) == mt.predict(model, samples[:3])
    assert record(tmp_path / "b")["started_from"]["run"] == str(tmp_path / "a")
    assert again.started_from == model.started_from


def test_adapters_go_along_when_training_starts_from_them(pictures, small_encoder, tmp_path):
    pytest.importorskip("peft")
    run(pictures, tmp_path / "a", small_encoder, {"tune": "lora", "lora_rank": 2, "lr": 0.01})
    samples = sorted(map(str, pictures.glob("*.png")))
    model = load_adapted(tmp_path / "a", "image", encoder=small_encoder)
    assert model.encoder.fingerprint != small_encoder.fingerprint
    small_encoder.verify()
    for out, tune in (("b", "frozen"), ("c", "lora")):
        started = load_adapted(tmp_path / "a", "image", encoder=small_encoder)
        quick = {"tune": tune, "epochs": 1, "num_workers": 0, "lora_rank": 3}
        mt.fit(started, samples, ["r", "g", "b"] * 8, out=tmp_path / out, **quick)
        assert record(tmp_path / out)["encoder"]["fingerprint"] == small_encoder.fingerprint
        again = mt.load_run(tmp_path / out, encoder=small_encoder)
        np.testing.assert_allclose(mt.embed(again, samples[:4]), mt.embed(started, samples[:4]), atol=1e-5)
        assert mt.predict(again, samples[:1])[0].keys() == mt.predict(started, samples[:1])[0].keys()


def test_an_adapted_tokenizer_goes_with_its_encoder_alone(pictures, small_encoder, tmp_path):
    run(pictures, tmp_path / "a", small_encoder)
    with pytest.raises(FingerprintError, match="this one is random"):
        load_adapted(tmp_path / "a", "image", encoder="random/vit_tiny_patch16_224")


def test_training_starts_from_nothing_else(pictures, small_encoder, tmp_path):
    run(pictures, tmp_path / "a", small_encoder)
    with pytest.raises(RunError, match="of the modality image, not of audio"):
        load_adapted(tmp_path / "a", "audio")
    model = load_adapted(tmp_path / "a", "image", encoder=small_encoder)
    samples = sorted(map(str, pictures.glob("*.png")))
    mt.fit(model, samples, ["r", "g", "b"] * 8, out=tmp_path / "b", tune="probe", num_workers=0)
    with pytest.raises(RunError, match="trained with labels"):
        load_adapted(tmp_path / "b", "image")


def test_predictions_of_an_adapted_run_are_refused_with_what_to_do(pictures, small_encoder, tmp_path):
    run(pictures, tmp_path / "a", small_encoder)
    with pytest.raises(OptionError, match="has no head") as caught:
        mt.predict(mt.load_run(tmp_path / "a", encoder=small_encoder), [str(pictures / "00.png")])
    assert f"--from {tmp_path / 'a'}" in caught.value.fix


def test_a_file_that_cannot_be_read_is_refused_before_anything_is_written(pictures, small_encoder, tmp_path):
    (pictures / "05.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"05\.png"):
        run(pictures, tmp_path / "run", small_encoder)
    assert not (tmp_path / "run").exists()
    with pytest.warns(DataWarning, match=r"05\.png"):
        run(pictures, tmp_path / "run", small_encoder, {"skip_unreadable": True})
    assert "05.png" in (tmp_path / "run" / "errors.jsonl").read_text()


def test_too_few_samples_are_refused(small_encoder, tmp_path):
    (tmp_path / "few").mkdir()
    with pytest.raises(DatasetError, match="too few"):
        run(draw(tmp_path / "few", 5), tmp_path / "run", small_encoder)


def test_a_tokenizer_without_parameters_is_refused():
    options = mt.load("image", encoder="random/vit_tiny_patch16_224").tokenizer.options
    model = SimpleNamespace(modality="x", tokenizer=SimpleNamespace(parameters=list, options=options))
    with pytest.raises(OptionError, match="--tune lora"):
        training._check_trainable(model, AdaptRecipe())
    training._check_trainable(model, AdaptRecipe(tune="lora"))


@pytest.mark.parametrize(
    ("settings", "more"), [({"lr": 0.5}, {}), ({}, {"options": {"size": 64, "patch": 16}}), ({}, {"data": "other"})]
)
def test_a_run_goes_on_with_its_own_settings_alone(pictures, small_encoder, tmp_path, settings, more):
    run(pictures, tmp_path / "run", small_encoder, minutes=1e-9)
    shutil.copytree(pictures, tmp_path / "other")
    data = tmp_path / more.pop("data", "pictures")
    call = {"options": OPTIONS, "encoder": small_encoder, "device": "cpu", "resume": True, **more}
    with pytest.raises(RunError, match="other settings"):
        adapt("image", data, tmp_path / "run", settings, **call)
