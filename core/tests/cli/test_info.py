"""`mt info`."""

import json
from dataclasses import replace

import numpy as np


def test_a_modality_is_told_with_formats_options_layouts_and_parameters(mt, install, waves):
    install(waves)
    ran = mt("info", "waves")
    assert ran.code == 0
    told = [" ".join(line.split()) for line in ran.out.splitlines()]
    for line in (
        "waves: Waves on a string",
        "distribution fake-waves 1.0, written for contract 1.0",
        "formats .wave .wav",
        "capabilities variable_length, needs_calibration",
        "default head fake_waves:WaveHead (classification, regression)",
        "limits at least 4 numbers",
        "patch int 4 Samples in a patch.",
        "window hann | none hann Shape of the [window].",
        "rate_hz float | none none Sampling rate.",
        "wave folder files of one wave each",
    ):
        assert line in told
    assert any(line.startswith("note learns scales or categories") for line in told)


def test_parameters_are_those_that_training_changes(mt, install, waves):
    install(waves)
    assert "960 trainable, for an encoder of width 192" in mt("info", "waves").out  # 4 * 192 weights + 192 biases


def test_known_deviations_are_shown(mt, install, waves):
    deviation = {"check": "order", "reason": "waves have a beginning"}
    install(replace(waves, raw={**waves.raw, "deviations": [deviation]}))
    assert "waves have a beginning" in mt("info", "waves").out


def test_a_misspelt_modality_gets_the_nearest(mt, install, waves):
    install(waves)
    assert mt("info", "wave") == (2, "", "error: there is no modality 'wave'\n  fix: did you mean waves?\n")


def test_options_of_dataset_head_and_training_are_shown_with_the_recipes_defaults(mt, install, waves, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")  # a line an option
    recipe = {"epochs": 7, "head": {"dropout": 0.5}}
    install(replace(waves, raw={**waves.raw, "recipe": recipe, "head": "mt_core.heads:ClassificationHead"}))
    told = [" ".join(line.split()) for line in mt("info", "waves").out.splitlines()]
    for line in (
        "fold int, from 1 to 5 1 Which is the test.",
        "dropout float, from 0 below 1 0.5 Share of a vector that is dropped in training.",
        "epochs int, from 1 7 Passes over the training data, at the most.",
    ):
        assert line in told


def test_an_encoder_is_told_with_its_whole_fingerprint(mt):
    from mt_core import load_encoder

    ran = mt("info", "random/test_vit")
    told = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert "weights not trained: a control" in told
    assert "size 6 blocks, width 64, 2 heads" in told
    assert f"fingerprint {load_encoder('random/test_vit').fingerprint}" in told


def test_an_encoder_of_no_known_name_gets_the_nearest(mt):
    ran = mt("info", "random/vit_tny_patch16_224")
    assert (ran.code, ran.out) == (2, "") and "did you mean vit_tiny_patch16_224" in ran.err


def test_random_weights_in_a_file_are_not_called_trained(mt, small_encoder_file, tmp_path):
    from safetensors.torch import load_file, save_file

    assert "not trained" in mt("info", str(small_encoder_file)).out
    tensors = load_file(small_encoder_file)
    tensors["norm.weight"] = tensors["norm.weight"] * 1.01
    save_file(tensors, tmp_path / "trained.safetensors")
    told = mt("info", str(tmp_path / "trained.safetensors")).out
    assert "not trained" not in told and "of a file that does not record what they were trained on" in told


def test_a_run_is_told_with_its_data_task_and_results(mt, toy, small_encoder_file, tmp_path):
    for sign, name in ((1, "rising"), (-1, "falling")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(8):
            np.save(tmp_path / "data" / name / f"{number}.npy", sign * np.linspace(-1, 1, 12, dtype=np.float32))
    run = tmp_path / "run"
    settings = ["--epochs", "2", "--num-workers", "0", "-q", "--encoder", str(small_encoder_file)]
    assert mt("train", "toy", "--data", str(tmp_path / "data"), "--out", str(run), *settings).code == 0
    ran = mt("info", str(run))
    told = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert ran.code == 0 and "state complete, 2 epochs" in told
    assert "task classification: falling, rising" in told
    assert any(line.startswith("validation accuracy") and "always the same answer" in line for line in told)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "status": "stopped"}))
    assert "interrupted after 2 of 2 epochs; can predict" in mt("info", str(run)).out


def test_a_folder_that_is_no_run_is_told(mt, tmp_path):
    assert "holds no run" in mt("info", str(tmp_path)).err
