"""What only EEG promises."""

import edfio
import mt_core as mt
import numpy as np
import pytest
import torch
from mt_core.contract import Classification
from mt_core.errors import DatasetError, InputError, MissingSplitError

from mt_plugin_eeg.dataset import EegDataset
from mt_plugin_eeg.hooks import mt_metrics, mt_tokenize
from mt_plugin_eeg.tokenizer import EegTokenizer, electrodes


def save(path, *channels, seconds=2, annotations=None):
    """An .edf file; a channel is its label, rate, unit and the frequency of a wave of 50 microvolts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    signals = []
    for label, rate, unit, hertz in channels:
        wave = 50 * {"uV": 1, "mV": 1e-3}[unit] * np.sin(2 * np.pi * hertz * np.arange(seconds * rate) / rate)
        signals.append(edfio.EdfSignal(wave, rate, label=label, physical_dimension=unit))
    edfio.Edf(signals, annotations=annotations).write(path)
    return path


def hook(batch, tokens, modality="eeg"):
    """What the hook makes of a tokenizer's answer."""
    around = mt_tokenize(modality, batch)
    next(around)
    with pytest.raises(StopIteration) as ended:
        around.send(tokens)
    return ended.value.value


def test_channels_are_told_by_their_electrodes():
    assert electrodes("EEG Fpz-Cz") == (electrodes("FPZ")[0], electrodes("Cz..")[0])
    assert electrodes("EEG T3-LE") == electrodes("T7") != electrodes("T8")
    assert electrodes("Resp oro-nasal") == electrodes("EMG submental") == (0, 0)


def test_only_eeg_is_read_in_microvolts_at_one_rate(tmp_path):
    path = save(tmp_path / "a.edf", ("EEG Cz-M1", 200, "uV", 10), ("EEG Pz", 200, "mV", 10), ("ECG", 500, "mV", 1))
    values, labels = EegTokenizer(8).read(path)
    assert labels == ("EEG Cz-M1", "EEG Pz") and values.shape == (2, 256)
    wave = 50 * np.sin(2 * np.pi * 10 * np.arange(256) / 128)
    assert np.abs(values - wave)[:, 20:-20].max() < 0.5


def test_part_of_a_file_is_read(tmp_path):
    path = save(tmp_path / "a.edf", ("Cz", 128, "uV", 3), seconds=5)
    tokenizer = EegTokenizer(8)
    whole, part = tokenizer.read(path)[0], tokenizer.read((path, 1.0, 2.0))[0]
    assert np.allclose(part, whole[:, 128:384], atol=0.01)


def test_token_is_a_second_of_a_channel_and_long_recordings_are_spread():
    tokenizer = EegTokenizer(8, EegTokenizer.Options(rate=32, tokens=6))
    seconds = np.repeat(np.arange(9.0), 32)
    item = tokenizer.prepare(tokenizer.read((np.stack([seconds, -seconds]), ["C3", "C4"])))
    assert item["patches"][:, 0].tolist() == [0, 4, 8, 0, -4, -8]
    assert item["moment"].tolist() == [0, 1, 2] * 2


@pytest.mark.parametrize("change", ["cut", "gaps", "slow", "short", "other"])
def test_what_is_no_eeg_is_refused(tmp_path, change):
    rate, label = (8 if change == "slow" else 128), ("Pulse" if change == "other" else "Cz")
    path = save(tmp_path / "a.edf", (label, rate, "uV", 1), seconds=4, annotations=[])
    content = bytearray(path.read_bytes())
    if change == "gaps":
        content[192:197] = b"EDF+D"
    path.write_bytes(content[:-100] if change == "cut" else content)
    with pytest.raises(InputError, match=r"a\.edf[\s\S]*fix"):
        EegTokenizer(8).read((path, 0.0, 0.5) if change == "short" else path)


def test_movements_are_parts_of_runs_split_by_subject(tmp_path):
    events = [edfio.EdfAnnotation(at, 1.5, text) for at, text in ((0, "T0"), (1.5, "T1"), (3, "T0"), (4.5, "T2"))]
    for name in ("S001/S001R03", "S001/S001R04", "S001/S001R06", "S100/S100R12"):
        save(tmp_path / f"{name}.edf", ("Fc5.", 160, "uV", 10), seconds=6, annotations=events)
    train, test = EegDataset.open(tmp_path), EegDataset.open(tmp_path, "test")
    assert train.task.classes == ("both feet", "both fists", "left fist", "right fist") == test.task.classes
    assert list(train.targets()) == [2, 3, 1, 0] and list(test.targets()) == [2, 3]
    assert train[1].sample == (str(tmp_path / "S001/S001R04.edf"), 4.5, 1.5)
    assert EegTokenizer(8).read(train[1].sample)[0].shape == (1, 192)
    with pytest.raises(MissingSplitError):
        EegDataset.open(tmp_path, "val")


def test_folder_is_a_class(tmp_path):
    for name in ("train/normal/a", "train/abnormal/b", "test/normal/c"):
        save(tmp_path / f"{name}.edf", ("Cz", 128, "uV", 10))
    assert [example.target for example in EegDataset.open(tmp_path)] == [0, 1]
    assert len(EegDataset.open(tmp_path, "test")) == 1
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match="S001R04"):
        EegDataset.open(tmp_path / "none")


def test_loose_electrodes_are_masked_unless_there_are_no_others():
    tokenizer = EegTokenizer(8, EegTokenizer.Options(rate=32))
    sound, flat = np.random.default_rng(0).normal(0, 10, (3, 64)), np.zeros((3, 64))
    partly = np.concatenate([sound[:2], flat[:1]])
    batch = tokenizer.collate([tokenizer.prepare(tokenizer.read(values)) for values in (sound, partly, flat)])
    tokens = tokenizer(batch)
    assert hook(batch, tokens).mask.sum(1).tolist() == [6, 4, 6]
    assert hook(batch, tokens, modality="imu") is tokens


def test_kappa_is_zero_for_a_constant_answer():
    kappa = mt_metrics("eeg", Classification(classes=("a", "b")))["kappa"]
    assert kappa(torch.tensor([0, 0, 0, 0]), torch.tensor([0, 0, 0, 1])) == 0
    assert mt_metrics("imu", Classification(classes=("a", "b"))) is None


def test_file_gives_a_vector(tmp_path):
    paths = [save(tmp_path / f"{hertz}.edf", ("Cz", 128, "uV", hertz)) for hertz in (6, 20)]
    first, second = mt.embed(mt.load("eeg"), paths)
    assert np.isfinite(first).all() and np.abs(first - second).max() > 0.01
