"""Runs of mt align, on pictures of one colour with the colour's name."""

import json
import shutil
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import mt_core as mt
from mt_core.embedding.vectors import metadata_of
from mt_core.errors import DataWarning, MtError, OptionError, RunError
from mt_fusion import zeroshot
from mt_fusion.aligning import run as aligning_run
from mt_fusion.aligning.callback import AlignCallback

INPUTS = ("photo", "caption")


def weights(folder):
    return [(folder / name / "weights.safetensors").read_bytes() for name in INPUTS]


def test_the_vectors_of_all_inputs_are_in_one_space(run, small_encoder, tmp_path):
    result = run(settings={"steps": 30, "lr": 0.01})
    photo, caption = (mt.load_run(tmp_path / "run" / name, encoder=small_encoder) for name in INPUTS)
    assert photo.head.task == caption.head.task == mt.Alignment(space=result.space, width=8, inputs=INPUTS)
    names = mt.embed(caption, [{"caption": name} for name in ("red", "green", "blue")])
    pictures = mt.embed(photo, [tmp_path / f"img/{number:02}.png" for number in range(24)])
    np.testing.assert_allclose(np.linalg.norm(pictures, axis=1), 1, rtol=1e-5)
    assert (pictures @ names.T).argmax(1).tolist() == [number % 3 for number in range(24)]
    mt.embed_files(photo, [tmp_path / "img/00.png"], tmp_path / "v.parquet", num_workers=0)
    assert metadata_of(tmp_path / "v.parquet")["space"] == result.space
    assert result.recall["photo to caption"]["recall@1"] == 1 and result.chance["photo to caption"]["recall@1"] < 0.6


def test_classes_are_found_by_their_names(run, small_encoder_file, tmp_path):
    from mt_core.encoder import load_encoder

    run(settings={"steps": 30, "lr": 0.01}, encoder=load_encoder(small_encoder_file))
    files = [tmp_path / f"img/{number:02}.png" for number in range(6)]
    found = zeroshot(tmp_path / "run", "photo", files, ["red", "green", "blue"], templates=["{}", "{}"])
    assert [record["prediction"] for record in found] == ["red", "green", "blue"] * 2
    assert sum(found[0]["probabilities"].values()) == pytest.approx(1)
    for wrong, message in (
        ({"input": "foto"}, "no input 'foto'; did you mean photo"),
        ({"labels": ["red"]}, "1 label is no choice"),
        ({"templates": ["a photo"]}, "has no {}"),
    ):
        given = {"input": "photo", "labels": ["red", "blue"], **wrong}
        with pytest.raises(OptionError, match=message.replace("{", "\\{")):
            zeroshot(tmp_path / "run", sources=files, **given)


@pytest.mark.parametrize("tune", ["probe", "tokenizer"])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tune, run, small_encoder, monkeypatch, tmp_path):
    settings = {"tune": tune, "batch_size": 8, "micro_batch": 3}
    whole = run("whole", settings)
    ending = AlignCallback.between

    def interrupted(self, module, step):
        ending(self, module, step)
        if step == 3:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(AlignCallback, "between", interrupted)
        with pytest.raises(KeyboardInterrupt, match="stopped at step 3 of 6"):
            run("stopped", settings)
    model = mt.load_run(tmp_path / "stopped/photo", encoder=small_encoder)
    assert model.provenance.endswith("stopped at step 3 of 6")
    resumed = run("stopped", settings, resume=True)
    assert resumed.is_complete and weights(tmp_path / "stopped") == weights(tmp_path / "whole")
    assert [each["recall"] for each in resumed.evaluations if each["step"] != 3] == [
        each["recall"] for each in whole.evaluations
    ]
    assert resumed.space == whole.space


def test_chunks_change_memory_and_not_the_result(run, tmp_path):
    settings = {"tune": "tokenizer", "batch_size": 12, "steps": 3, "weight_decay": 0.0}
    run("whole", {**settings, "micro_batch": 64})
    run("chunks", {**settings, "micro_batch": 5})
    for name in INPUTS:
        whole, chunks = (load_file(tmp_path / out / name / "weights.safetensors") for out in ("whole", "chunks"))
        assert all(torch.allclose(tensor, chunks[key], atol=2e-4) for key, tensor in whole.items())
    assert any(key.startswith("tokenizer.") for key in whole)


def test_adapters_of_each_input_are_kept_with_it(run, small_encoder, tmp_path):
    pytest.importorskip("peft")
    run(settings={"tune": "lora", "steps": 2, "evaluate_every": 2, "lr": 0.01, "batch_size": 8})
    model = mt.load_run(tmp_path / "run/photo", encoder=small_encoder)
    assert model.encoder.fingerprint != small_encoder.fingerprint
    assert any("lora_A" in name for name in load_file(tmp_path / "run/photo/weights.safetensors"))
    assert mt.embed(model, [tmp_path / "img/00.png"]).shape == (1, 8)


def test_a_file_that_cannot_be_read_is_named_and_left_out(run, tmp_path):
    (tmp_path / "img/04.png").write_bytes(b"no picture")
    for tune in ("probe", "tokenizer"):
        with pytest.warns(DataWarning, match=r"04\.png"):
            result = run(tune, {"tune": tune, "steps": 2, "batch_size": 8})
        assert "04.png" in (result.folder / "errors.jsonl").read_text()
    with pytest.raises(MtError, match=r"04\.png"):
        run("strict", strict=True)


def test_vectors_that_exist_stay_and_the_others_come_to_them(run, small_encoder, pairs, tmp_path):
    mt.embed_files(
        mt.load("image", encoder=small_encoder, size=32, patch=16),
        [tmp_path / f"img/{number:02}.png" for number in range(24)],
        tmp_path / "v.parquet",
        num_workers=0,
    )
    result = run(inputs="caption=text", anchor=tmp_path / "v.parquet", options={}, settings={"steps": 40, "lr": 0.02})
    from mt_core.embedding.spaces import space_of

    assert result.space == space_of(metadata_of(tmp_path / "v.parquet"))
    assert sorted(result.recall) == ["anchor to caption", "caption to anchor"]
    model = mt.load_run(tmp_path / "run/caption", encoder=small_encoder)
    assert model.head.task.width == 64 and model.head.task.space == result.space
    assert result.recall["anchor to caption"]["recall@1"] > 0.9


def test_an_anchor_that_no_row_names_is_refused(run, small_encoder, tmp_path):
    model = mt.load("image", encoder=small_encoder, size=32, patch=16)
    (tmp_path / "other.png").write_bytes((tmp_path / "img/00.png").read_bytes())
    mt.embed_files(model, [tmp_path / "other.png"], tmp_path / "v.parquet", num_workers=0)
    with pytest.raises(MtError, match="no row names a source of"):
        run(inputs="caption=text", anchor=tmp_path / "v.parquet", options={})
    with pytest.raises(OptionError, match="no column 'nr'"):
        run(inputs="caption=text", anchor=tmp_path / "v.parquet", key="nr", options={})


def test_vectors_that_become_the_same_are_refused(run, monkeypatch, tmp_path):
    monkeypatch.setattr(aligning_run, "_LEAST_SPREAD", 1e6)
    with pytest.raises(RunError, match="have become nearly the same by step 6"):
        run()
    assert not (tmp_path / "run/photo/weights.safetensors").exists()
    with pytest.raises(RunError, match="because its vectors became the same"):
        run(resume=True)


def test_another_recipe_or_folder_is_refused(run, tmp_path):
    run()
    with pytest.raises(RunError, match="holds a run already"):
        run()
    assert run(resume=True).is_complete
    with pytest.raises(RunError, match="lr"):
        run(settings={"lr": 0.5}, resume=True)
    with pytest.raises(OptionError, match="1 input is named"):
        run("one", inputs="photo=image", overwrite=True)
    with pytest.raises(OptionError, match="options of 'photos', which is no input"):
        run("two", options={"photos": {}})


def test_the_record_says_how_the_best_step_was_found(run, tmp_path):
    result = run(settings={"loss": "sigmoid"})
    record = json.loads((tmp_path / "run/align.json").read_text())
    assert [each["step"] for each in record["evaluations"]] == [0, 2, 4, 6]
    best = max(record["evaluations"][1:], key=lambda each: each["score"])
    assert record["kept_step"] == best["step"] == result.kept_step and record["recall"] == best["recall"]
    assert record["data"]["train"] + record["data"]["val"] == 24
    shutil.rmtree(tmp_path / "run")


def test_three_inputs_learn_from_the_rows_that_have_two_of_them(run, pairs, tmp_path):
    lines = pairs.read_text().splitlines()
    rows = [lines[0] + ",other"] + [
        f"{line},img/{23 - at:02}.png" if at % 4 else f"{line.split(',')[0]},,img/{23 - at:02}.png"
        for at, line in enumerate(lines[1:])
    ]
    pairs.write_text("\n".join(rows) + "\n")
    options = {name: {"size": 32, "patch": 16} for name in ("photo", "other")}
    result = run(inputs="photo=image,caption=text,other=image", options=options)
    assert len(result.recall) == 6 and (tmp_path / "run/other/run.json").is_file()
