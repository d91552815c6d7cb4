"""What the signals of a new plugin promise, before its author replaces them."""

import importlib
import sys

import numpy as np
import pytest
import torch

from mt_core.errors import InputError
from mt_core.scaffold import Naming, write_plugin

SIGNAL = np.arange(40.0).reshape(20, 2)


@pytest.fixture
def sonar(tmp_path, monkeypatch):
    """The tokenizer of a new plugin."""
    monkeypatch.syspath_prepend(write_plugin(Naming("sonar"), tmp_path / "new") / "src")
    yield importlib.import_module("mt_plugin_sonar.tokenizer").SonarTokenizer
    for name in [name for name in sys.modules if name.startswith("mt_plugin_sonar")]:
        del sys.modules[name]


def test_a_signal_is_the_same_from_every_kind_of_source(sonar, tmp_path):
    np.save(tmp_path / "a.npy", SIGNAL)
    np.savetxt(tmp_path / "a.csv", SIGNAL, delimiter=",")
    files = [tmp_path / "a.npy", tmp_path / "a.csv"]
    for source in (SIGNAL, *files, *(file.read_bytes() for file in files)):
        assert sonar(8).read(source).tolist() == SIGNAL.tolist()


@pytest.mark.parametrize("length, patches", [(1, 1), (16, 1), (17, 2)])
def test_a_patch_that_is_not_full_counts(sonar, length, patches):
    tokenizer = sonar(8)
    prepared = tokenizer.prepare(tokenizer.read(np.arange(length)))
    assert tokenizer(tokenizer.collate([prepared])).values.shape == (1, patches, 8)


def test_level_and_unit_change_nothing(sonar):
    tokenizer = sonar(8)
    one, other = (tokenizer.prepare(tokenizer.read(signal))["patches"] for signal in (SIGNAL, 1000 * SIGNAL + 7))
    torch.testing.assert_close(one, other)


def test_noise_is_for_training_alone(sonar):
    tokenizer = sonar(8, sonar.Options.parse({"noise": 1.0}))
    sample = tokenizer.read(SIGNAL)
    plain = tokenizer.prepare(sample)["patches"]
    noisy = tokenizer.prepare(sample, torch.Generator().manual_seed(0))["patches"]
    assert not torch.equal(plain, noisy)


@pytest.mark.parametrize(
    "source", [np.zeros((5, 9)), np.zeros((2, 2, 2)), [], [float("nan")], [1e300], ["one"], {"a": 1}], ids=str
)
def test_what_is_no_signal_is_refused_with_a_fix(sonar, source):
    with pytest.raises(InputError) as refused:
        sonar(8).read(source)
    assert refused.value.fix


def test_its_baseline_tells_the_classes_of_the_demonstration_apart(sonar):
    linear_model = pytest.importorskip("sklearn.linear_model")
    dataset = importlib.import_module("mt_plugin_sonar.dataset").SonarDataset
    baseline = importlib.import_module("mt_plugin_sonar.baseline").SonarBaseline(sonar(8))
    features, labels = {}, {}
    for split in ("train", "test"):
        demo = dataset.demo(split, size=60)
        features[split] = [baseline.features(baseline.tokenizer.read(demo[index].sample)) for index in range(60)]
        labels[split] = demo.targets()
    scale = np.abs(features["train"]).max(0)
    model = linear_model.LogisticRegression(max_iter=1000).fit(features["train"] / scale, labels["train"])
    assert model.score(features["test"] / scale, labels["test"]) > 0.5  # a third by chance
