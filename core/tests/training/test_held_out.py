"""What is held out of a folder without splits, what is said of the data before the first epoch, and what a run knows to
have seen."""

import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import mt_core as mt
from mt_core.contract import Classification, Example, ModalityDataset
from mt_core.data.sample_hash import UNKNOWN, sample_hashes
from mt_core.data.subsets import hold_out
from mt_core.errors import DatasetError, MtWarning, OptionError
from mt_core.training.run_record import read_record

pytestmark = pytest.mark.usefixtures("toy")
QUICK = {"epochs": 1, "batch_size": 8, "num_workers": 0, "lr": 1e-2}


class Listed(ModalityDataset):
    source = "a list"

    def __init__(self, samples, targets=None, groups=None, classes=("a", "b")):
        self.samples, self._groups = samples, groups
        self._targets = targets if targets is not None else [0] * len(samples)
        self.task = Classification(classes=classes)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return Example(self.samples[index], self._targets[index])

    def targets(self):
        return self._targets

    def groups(self):
        return self._groups

    @classmethod
    def open(cls, root, split="train", *, task=None, options=None):
        raise NotImplementedError

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        raise NotImplementedError


@pytest.fixture
def folder(tmp_path):
    """A folder per class without splits, 40 rising and 20 falling series, all different."""
    random = np.random.default_rng(0)
    for sign, name, count in ((1, "rising", 40), (-1, "falling", 20)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(count):
            series = sign * np.linspace(-1, 1, 16) + 0.05 * random.normal(size=16)
            np.save(tmp_path / "data" / name / f"{number:02d}.npy", series.astype(np.float32))
    return tmp_path / "data"


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


def test_a_test_part_is_held_out_by_class_and_measured_once_at_the_end(model, small_encoder, folder, tmp_path):
    result = mt.fit(model, folder, out=tmp_path / "run", **QUICK)
    record = read_record(tmp_path / "run")
    assert (record["data"]["train"], record["data"]["val"], record["data"]["test"]) == (48, 6, 6)
    assert record["test_metrics"] == result.test_metrics and result.test_metrics["samples"] == 6
    assert result.test_baseline["accuracy"] == pytest.approx(4 / 6)
    again = mt.load_run(tmp_path / "run", encoder=small_encoder)
    assert mt.evaluate(again, folder, num_workers=0) == pytest.approx(result.test_metrics)  # what it has not seen
    assert "metric of the test part" in (tmp_path / "run" / "report.html").read_text()


def test_no_test_is_held_out_where_none_is_wanted_or_the_folder_has_one(model, folder, tmp_path):
    result = mt.fit(model, folder, out=tmp_path / "whole", test_fraction=0, **QUICK)
    assert result.test_metrics is None and read_record(tmp_path / "whole")["data"]["train"] == 54
    for name in ("rising", "falling"):
        for split in ("train", "test"):
            (folder / split / name).mkdir(parents=True)
        for number, path in enumerate(sorted((folder / name).glob("*.npy"))):
            path.rename(folder / ("train" if number % 4 else "test") / name / path.name)
    result = mt.fit(model, folder, out=tmp_path / "run", **QUICK)
    record = read_record(tmp_path / "run")
    assert result.test_metrics is None and record["data"]["test"] == 0
    assert "test: 15 samples, the data's own; they are left for mt evaluate" in record["data"]["summary"]


def test_the_data_are_described_before_the_first_epoch(model, folder, tmp_path, capsys):
    for path in sorted((folder / "falling").glob("*.npy"))[8:]:
        path.unlink()
    mt.fit(model, folder, out=tmp_path / "run", show_progress=True, **QUICK)
    said = capsys.readouterr().err
    summary = read_record(tmp_path / "run")["data"]["summary"]
    assert said.startswith("\n".join(summary)) and "epoch 1/1" in said
    assert "target: one of 2 classes (train/val/test): rising 32/4/4, falling 6/1/1" in summary
    assert "train: 38 samples" in summary
    assert "val: 5 samples, held out of train by class (seed 0)" in summary
    assert any(line.startswith("imbalanced: rising has 32 samples of train and falling 6") for line in summary)
    assert "the test part is small: one of its samples is 20 % of an accuracy" in summary
    assert "imbalanced: rising" in (tmp_path / "run" / "report.html").read_text()


def test_data_of_one_class_are_refused(model, folder):
    shutil.rmtree(folder / "falling")
    with pytest.raises(DatasetError, match="all samples are of one class, 'rising'") as refused:
        mt.fit(model, folder, **QUICK)
    assert "mt info toy" in refused.value.fix


def test_data_of_which_one_class_alone_occurs_are_refused_and_so_are_data_without_labels(model):
    series = [np.linspace(0, 1, 16, dtype=np.float32)] * 8
    with pytest.raises(DatasetError, match="all samples are of one class, 'b'"):
        mt.fit(model, Listed(series, [1] * 8), **QUICK)
    with pytest.raises(DatasetError, match="none of its 7 samples has a label"):
        mt.fit(model, Listed(series, [None] * 8), **QUICK)


def test_groups_are_never_on_both_sides():
    speakers = [f"speaker {index % 20}" for index in range(200)]
    data = Listed(list(range(200)), [index % 2 for index in range(200)], speakers)
    kept, held = hold_out(data, 0.1, seed=0)
    assert not set(kept.groups()) & set(held.groups())
    assert sorted(kept.indices + held.indices) == list(range(200))
    assert len(held) == 20
    assert Counter(held.targets()) == {0: 10, 1: 10}  # each speaker is of one class


def test_a_sample_without_a_group_is_one_of_its_own_and_one_group_alone_cannot_be_parted():
    data = Listed(list(range(10)), groups=["one"] * 9 + [None])
    _, held = hold_out(data, 0.1, seed=0)
    assert held.indices == [9]
    with pytest.raises(OptionError, match="all 10 examples are of one group, 'one'"):
        hold_out(Listed(list(range(10)), groups=["one"] * 10), 0.1, seed=0)


def test_of_many_small_classes_about_the_fraction_is_held_and_each_keeps_an_example():
    data = Listed(list(range(150)), [index // 3 for index in range(150)], classes=tuple(map(str, range(50))))
    kept, held = hold_out(data, 0.1, seed=0)
    assert len(held) == 15 and len(set(kept.targets())) == 50


def test_a_run_says_where_it_is_measured_on_what_it_has_seen(model, small_encoder, folder, tmp_path):
    mt.fit(model, folder, out=tmp_path / "run", test_fraction=0, **QUICK)
    again = mt.load_run(tmp_path / "run", encoder=small_encoder)
    with pytest.warns(MtWarning, match="all 60 samples measured are the same as some that were trained on"):
        mt.evaluate(again, folder, num_workers=0)
    shutil.copytree(folder, tmp_path / "renamed")
    for number, path in enumerate(sorted((tmp_path / "renamed").rglob("*.npy"))):
        path.rename(path.with_name(f"{1000 + number}.npy"))
    np.save(tmp_path / "renamed" / "rising" / "new.npy", np.linspace(-2, 2, 16, dtype=np.float32))
    assert mt.evaluate(again, tmp_path / "renamed", num_workers=0)["samples"] == 1
    with pytest.warns(MtWarning, match="60 of the 61 samples measured"):
        assert mt.evaluate(again, tmp_path / "renamed", "all", num_workers=0)["samples"] == 61


def test_a_sample_is_known_by_its_content(tmp_path):
    for name, text in (("a.txt", "one"), ("b.txt", "one"), ("c.txt", "two")):
        (tmp_path / name).write_text(text)
    os.mkfifo(tmp_path / "pipe")
    array = np.arange(6.0)
    samples = [tmp_path / "a.txt", str(tmp_path / "b.txt"), tmp_path / "c.txt", tmp_path / "pipe", tmp_path / "none"]
    samples += [array, array.copy(), array.reshape(2, 3), {"x": 1, "y": "a"}, {"y": "a", "x": 1.0}, {"x": 1, "y": "b"}]
    samples += [pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [1, 3]}), object()]
    hashes = sample_hashes(Listed(samples)).tolist()
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[3] == hashes[4] == UNKNOWN
    assert hashes[5] == hashes[6] != hashes[7]
    assert hashes[8] == hashes[9] != hashes[10]
    assert hashes[11] == hashes[12] != hashes[13]
    assert hashes[14] == UNKNOWN


def test_a_sample_is_known_whatever_it_is_called():
    @dataclass
    class Window:
        values: np.ndarray
        name: str

    named = [Window(np.arange(3.0), "a/b.csv, steps 0 to 2"), Window(np.arange(3.0), "/data/a/b.csv, steps 0 to 2")]
    first, second, other = sample_hashes(Listed([*named, Window(np.arange(1.0, 4.0), named[0].name)])).tolist()
    assert first == second != other


def test_a_large_file_is_known_by_its_size_and_three_of_its_pieces(tmp_path):
    content = bytearray(20 << 20)
    for name, at in (("a", None), ("b", None), ("c", 0), ("d", 10 << 20), ("e", (20 << 20) - 1)):
        changed = bytearray(content)
        if at is not None:
            changed[at] = 1
        (tmp_path / name).write_bytes(changed)
    first, same, *others = sample_hashes(Listed([tmp_path / name for name in "abcde"])).tolist()
    assert first == same and len({first, *others}) == 4


def test_what_the_test_part_cannot_be_measured_on_does_not_lose_the_training(model, folder, tmp_path, monkeypatch):
    def refuse(*_args, **_settings):
        raise OptionError("the disk is gone", fix="wait")

    monkeypatch.setattr("mt_core.training.finishing.measure", refuse)
    with pytest.warns(MtWarning, match="the test part cannot be measured: the disk is gone"):
        result = mt.fit(model, folder, out=tmp_path / "run", **QUICK)
    assert result.test_metrics is None
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "complete"
