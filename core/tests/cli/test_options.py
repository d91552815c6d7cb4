"""What the options of the commands that do the work change, on the toy modality."""

import json
import shutil
from pathlib import Path

import click
import numpy as np
import pyarrow.parquet as pq
import pytest
from click.types import FloatParamType, FloatRange, IntParamType, IntRange

from mt_core.cli import main
from mt_core.cli.train import command as train_command
from mt_core.plugins import get
from mt_core.training import Recipe

pytestmark = pytest.mark.usefixtures("toy")
BOUNDED = (IntRange, FloatRange)
CLASSES, A_CLASS = ("falling", "rising"), 8


@pytest.fixture
def data(tmp_path) -> Path:
    """A folder per class."""
    for sign, name in zip((-1, 1), CLASSES, strict=True):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(A_CLASS):
            series = sign * np.linspace(-1, 1, 12 + number, dtype=np.float32)
            np.save(tmp_path / "data" / name / f"{number}.npy", series)
    return tmp_path / "data"


@pytest.fixture
def train(data, small_encoder_file):
    """Train on the data with further options; gives the exit code and what `run.json` says."""

    def train(*options: str):
        out = data.parent / "run"
        common = ["--num-workers", "0", "-q", "--encoder", str(small_encoder_file)]
        epochs = [] if "--epochs" in options else ["--epochs", "1"]
        code = main(["train", "toy", "--data", str(data), "--out", str(out), *epochs, *common, *options])
        record = out / "run.json"
        return code, json.loads(record.read_text()) if record.is_file() else {}

    return train


@pytest.fixture
def run(train, data, capsys) -> str:
    code, _ = train()
    capsys.readouterr()
    assert code == 0
    return str(data.parent / "run")


@pytest.fixture
def collated(monkeypatch) -> list[int]:
    """The sizes of the batches that this process puts together."""
    tokenizer, sizes = get("toy").tokenizer, []
    collate = tokenizer.collate

    def watched(self, items):
        sizes.append(len(items))
        return collate(self, items)

    monkeypatch.setattr(tokenizer, "collate", watched)
    return sizes


# train


@pytest.mark.parametrize(
    ("options", "setting", "value"),
    [
        (("--tune", "probe"), "tune", "probe"),
        (("-S", "weight_decay=0.25"), "weight_decay", 0.25),
        (("-S", "patience=3"), "patience", 3),
        (("--keep", "last"), "keep", "last"),
        (("--set", "max-minutes=5"), "max_minutes", 5.0),
        (("-S", "keep=last"), "keep", "last"),
        (("-S", "warmup=0.25"), "warmup", 0.25),
        (("-H", "dropout=0.5"), "head", {"dropout": 0.5}),
        (("--seed", "7"), "seed", 7),
        (("--skip-unreadable",), "skip_unreadable", True),
        (("--batch-size", "5"), "batch_size", 5),
        (("--lr", "0.5"), "lr", 0.5),
    ],
)
def test_a_setting_of_training_is_what_the_option_says_and_not_what_is_the_default(train, options, setting, value):
    code, record = train(*options)
    assert (code, record["recipe"][setting]) == (0, value)
    plain = Recipe.parse(get("toy").manifest.recipe)
    assert getattr(plain, setting) != value


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-S", "epochs=3"), "epochs is given twice: --epochs and -S epochs=3"),
        (("-S", "epoch=3"), "there is no setting 'epoch'; did you mean epochs?"),
        (("-S", "lr=fast"), "setting lr=fast should be a valid number"),
        (("-O", "drpout=0.5"), "there is no option 'drpout'; did you mean dropout?"),
        (("-O", "warmup=0.5"), "give it as: -S warmup=0.5"),
        (("-S", "noise=0.5"), "give it as: -O noise=0.5"),
        (("-D", "noise=0.5"), "give it as: -O noise=0.5"),
        (("-H", "drop_out=0.5"), "there is no option 'drop_out'; did you mean dropout?"),
        (("--epoch", "3"), "--epochs"),
    ],
)
def test_what_no_option_takes_is_told_with_what_is_meant(train, capsys, options, said):
    code, record = train("--epochs", "1", *options)
    assert (code, record) == (2, {}) and said in capsys.readouterr().err


def test_the_seed_is_that_of_the_tokenizers_weights_too(train):
    _, record = train("--seed", "7")
    assert record["tokenizer"]["seed"] == 7


def test_the_part_of_the_data_that_selects_is_as_large_as_the_option_says(train):
    _, record = train("-S", "val_fraction=0.25", "-S", "test_fraction=0")
    assert (record["data"]["train"], record["data"]["val"]) == (12, 4)


def test_training_stops_when_its_minutes_are_up(train, capsys):
    code, record = train("--max-minutes", "1e-9", "--batch-size", "4")
    assert (code, record["status"], record["stopped_after"]) == (0, "stopped", 0.3333)  # the first of three batches
    assert "stopped after 0.3333 of 1 epochs" in capsys.readouterr().err


def test_samples_that_cannot_be_read_are_left_out_where_the_option_says_so(train, data, capsys):
    for number in range(4):
        (data / "rising" / f"bad{number}.npy").write_bytes(b"no series")
    assert train()[0] == 2
    shutil.rmtree(data.parent / "run")
    assert train("--skip-unreadable")[0] == 0
    assert "skipped in 4 files:" in capsys.readouterr().err
    shutil.rmtree(data.parent / "run")
    assert train("--skip-unreadable", "--strict")[0] == 2
    assert "choose one" in capsys.readouterr().err


def test_a_run_is_written_over_only_where_the_option_says_so(train, capsys):
    assert train("--seed", "1")[0] == 0
    assert train("--seed", "2")[0] == 2
    assert "--overwrite it" in capsys.readouterr().err
    code, record = train("--seed", "2", "--overwrite")
    assert (code, record["recipe"]["seed"]) == (0, 2)


def test_an_interrupted_run_is_gone_on_with_where_the_option_says_so(train, monkeypatch, capsys, collated):
    dataset = get("toy").dataset
    get_item, left = dataset.__getitem__, iter(range(40))

    def interrupted(self, index):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return get_item(self, index)

    settings = ("--epochs", "3", "--batch-size", "7")
    monkeypatch.setattr(dataset, "__getitem__", interrupted)
    assert train(*settings)[0] == 130
    assert "--resume" in capsys.readouterr().err
    monkeypatch.setattr(dataset, "__getitem__", get_item)
    collated.clear()
    code, record = train(*settings, "--resume")
    assert (code, record["status"]) == (0, "complete")
    assert sum(collated) < 3 * 2 * A_CLASS  # not all three epochs anew
    assert train(*settings, "--resume")[0] == 0
    assert "is complete" in capsys.readouterr().err


# embed


def test_a_name_is_a_modality_and_its_folder_has_a_dot_before_it(run, data, monkeypatch, small_encoder_file, capsys):
    Path(run).rename(data.parent / "toy")
    monkeypatch.chdir(data.parent)
    for name, said in (("toy", "tokenizer untrained"), ("./toy", "trained on")):
        arguments = ["embed", name, "data", "-o", f"{said}.parquet", "--num-workers", "0"]
        assert main([*arguments, "--encoder", str(small_encoder_file)]) == 0
        assert said in capsys.readouterr().err


def embed(data, encoder, *options: str) -> int:
    out = str(data.parent / "v.parquet")
    return main(["embed", "toy", str(data), "-o", out, "-q", "--num-workers", "0", "--encoder", str(encoder), *options])


def test_the_pooling_decides_how_wide_a_vector_is(data, small_encoder_file):
    assert embed(data, small_encoder_file, "--pool", "mean+max") == 0
    table = pq.read_table(data.parent / "v.parquet")
    assert {len(vector) for vector in table["vector"].to_pylist()} == {2 * 64}


def test_vectors_are_made_anew_where_the_option_says_so(data, small_encoder_file, capsys):
    assert embed(data, small_encoder_file) == 0
    assert embed(data, small_encoder_file, "--pool", "max") == 2
    assert "v.parquet" in capsys.readouterr().err
    assert embed(data, small_encoder_file, "--pool", "max", "--overwrite") == 0
    assert len(pq.read_table(data.parent / "v.parquet")) == 2 * A_CLASS


# evaluate


def test_the_split_that_the_option_names_is_measured(run, data, capsys):
    for split in ("train", "test"):
        (data / split).mkdir()
    for name in CLASSES:
        shutil.move(data / name, data / "train" / name)
        (data / "test" / name).mkdir()
        np.save(data / "test" / name / "0.npy", np.float32([0, 1, 0, 2]))
    samples = {}
    for split in ("train", "test"):
        assert main(["evaluate", run, "--data", str(data), "--split", split, "--json", "-q"]) == 0
        samples[split] = json.loads(capsys.readouterr().out)["metrics"]["samples"]
    assert samples == {"train": 2 * A_CLASS, "test": 2}
    assert main(["evaluate", run, "--data", str(data), "--split", "val"]) == 2
    assert "has no val" in capsys.readouterr().err


def test_without_readers_this_process_makes_batches_of_the_size_that_the_option_says(run, data, collated):
    assert (
        main(
            ["evaluate", run, "--data", str(data), "--split", "train", "--batch-size", "5", "--num-workers", "0", "-q"]
        )
        == 0
    )
    assert collated == [5, 5, 5, 1]
    collated.clear()
    assert (
        main(
            ["evaluate", run, "--data", str(data), "--split", "train", "--batch-size", "5", "--num-workers", "1", "-q"]
        )
        == 0
    )
    assert collated == []


# predict


def test_a_run_whose_encoder_has_moved_predicts_with_the_file_that_the_option_names(
    data, small_encoder_file, tmp_path, capsys
):
    here, moved = tmp_path / "here.safetensors", tmp_path / "moved.safetensors"
    shutil.copy(small_encoder_file, here)
    settings = ["--encoder", str(here), "--epochs", "1", "--num-workers", "0", "-q"]
    assert main(["train", "toy", "--data", str(data), "--out", str(tmp_path / "run"), *settings]) == 0
    here.rename(moved)
    predict = ["predict", str(tmp_path / "run"), str(data / "rising" / "0.npy")]
    assert main(predict) == 2
    assert "here.safetensors" in capsys.readouterr().err
    assert main([*predict, "--encoder", str(moved)]) == 0
    assert capsys.readouterr().out.split()[1] in CLASSES


def test_predictions_go_through_in_batches_of_the_size_that_the_option_says(run, data, collated, capsys):
    assert main(["predict", run, str(data / "rising"), "--batch-size", "3"]) == 0
    assert collated == [3, 3, 2]
    assert len(capsys.readouterr().out.splitlines()) == A_CLASS


# what several have


@pytest.mark.parametrize("command", ["train", "embed", "evaluate", "predict"])
def test_bfloat16_is_refused_where_the_machine_would_only_emulate_it(command, run, data, monkeypatch, capsys):
    monkeypatch.setattr("mt_core.data.precision.has_bf16", lambda device: False)
    told = {
        "train": ["toy", "--data", str(data), "--out", f"{run}2"],
        "embed": [run, str(data), "-o", f"{run}.parquet"],
        "evaluate": [run, "--data", str(data)],
        "predict": [run, str(data)],
    }
    assert main([command, *told[command], "--precision", "bf16"]) == 2
    assert "use precision 32" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "embed", "evaluate", "predict"])
def test_a_device_that_there_is_not_is_told(command, run, data, capsys):
    told = {
        "train": ["toy", "--data", str(data), "--out", f"{run}2"],
        "embed": [run, str(data), "-o", f"{run}.parquet"],
        "evaluate": [run, "--data", str(data)],
        "predict": [run, str(data)],
    }
    assert main([command, *told[command], "--device", "warp"]) == 2
    assert "device='warp' cannot be used" in capsys.readouterr().err


# demo


def test_the_demonstration_goes_where_the_option_says_and_takes_no_longer(
    small_encoder_file, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("MT_PLUGINS", "toy")
    out = tmp_path / "shown"
    arguments = ["demo", "--out", str(out), "--seconds", "60", "--encoder", str(small_encoder_file)]
    monkeypatch.setattr("mt_core.demo.TRAIN_SAMPLES", 32)
    monkeypatch.setattr("mt_core.demo.TEST_SAMPLES", 8)
    assert main(arguments) == 0
    assert f"report: {out / 'report.html'}" in capsys.readouterr().out
    assert "<h2>toy</h2>" in (out / "report.html").read_text()
    record = json.loads((out / "runs" / "toy" / "run.json").read_text())
    assert record["recipe"]["max_minutes"] == 1
    assert record["encoder"]["name"] == str(small_encoder_file)


def bounded(of_controls: bool) -> list[click.Parameter]:
    """The bounded numbers of `mt train`: settings of the training, or of its controls, which are no settings of it."""
    numbers = [option for option in train_command.params if isinstance(option.type, BOUNDED)]
    return [option for option in numbers if str(option.name).startswith("control_") == of_controls]


@pytest.mark.parametrize("option", bounded(of_controls=False))
def test_a_number_has_the_bounds_that_its_setting_has(option):
    sign = {"ge": "min", "gt": "min", "le": "max", "lt": "max"}
    setting = {
        side: (getattr(bound, name), name in ("gt", "lt"))
        for bound in Recipe.model_fields[option.name].metadata
        for name, side in sign.items()
        if hasattr(bound, name)
    }
    kind = option.type
    bounds = {"min": (kind.min, kind.min_open), "max": (kind.max, kind.max_open)}
    assert setting == {side: bound for side, bound in bounds.items() if bound[0] is not None}
    assert isinstance(kind, IntRange) == ("int" in str(Recipe.model_fields[option.name].annotation))


def test_every_number_of_the_training_has_bounds():
    assert (len(bounded(of_controls=False)), len(bounded(of_controls=True))) == (8, 2)
    numbers = [option for option in train_command.params if type(option.type) in (IntParamType, FloatParamType)]
    assert numbers == []


def test_what_cannot_be_read_is_left_out_of_an_evaluation_where_it_is_asked_to(run, data, capsys):
    (data / CLASSES[0] / "broken.npy").write_bytes(b"no array")
    command = ["evaluate", run, "--data", str(data), "--split", "train", "--seconds-a-sample", "60"]
    assert main(command) == 2 and "broken.npy" in capsys.readouterr().err
    assert main([*command, "--skip-unreadable"]) == 0
    shown = capsys.readouterr()
    assert f"{2 * A_CLASS} samples (1 of {2 * A_CLASS + 1} left out)" in shown.out
    assert "skipped in 1 file: " in shown.err and "broken.npy" in shown.err
    assert main([*command, "--skip-unreadable", "--strict"]) == 2 and "choose one" in capsys.readouterr().err


def test_a_sample_has_so_many_seconds_to_be_read(run, data, monkeypatch, capsys):
    limits = []

    def read(tokenizer, sources, num_workers, *, first=(0, 0), seconds_a_sample, strict):
        limits.append((num_workers, seconds_a_sample))
        return iter(())

    monkeypatch.setattr("mt_core.embedding.engine.read_sources", read)
    monkeypatch.setattr("mt_core.embedding.memory.read_sources", read)
    file = str(data / CLASSES[0] / "0.npy")
    assert main(["embed", run, file, "-o", f"{run}.parquet", "--num-workers", "2", "--seconds-a-sample", "7"]) == 0
    assert main(["predict", run, file, "--num-workers", "3", "--seconds-a-sample", "8"]) == 0
    assert limits == [(2, 7.0), (3, 8.0)]
