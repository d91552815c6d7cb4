"""What `fit`, `evaluate` and `load_run` refuse, and what they say."""

import json

import pytest

import mt_core as mt
from mt_core.errors import OptionError, RunError, UnknownModalityError
from mt_core.heads import ClassificationHead
from mt_core.plugins import get
from mt_core.training import Recipe

pytestmark = pytest.mark.usefixtures("toy")
QUICK = {"epochs": 2, "batch_size": 8, "num_workers": 0, "lr": 1e-2}


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


def demo(split="train", size=48):
    return get("toy").dataset.demo(split, size=size)


def test_an_unknown_setting_names_those_that_there_are(model):
    with pytest.raises(OptionError, match=r"no setting 'epoch'; did you mean epochs\?"):
        mt.fit(model, demo(), epoch=3)


def test_settings_beside_a_recipe_are_refused(model):
    with pytest.raises(OptionError, match="epochs, nonsense came beside it"):
        mt.fit(model, demo(), recipe=Recipe(), epochs=3, nonsense=7)


def test_options_of_a_folder_are_refused_beside_a_dataset(model):
    with pytest.raises(OptionError, match="data_options are for a folder"):
        mt.fit(model, demo(), data_options={"fold": 1})
    mt.fit(model, demo(), **QUICK)
    with pytest.raises(OptionError, match="data_options are for a folder"):
        mt.evaluate(model, demo("test"), data_options={"fold": 1})


def test_an_argument_that_evaluate_does_not_have_is_refused(model):
    with pytest.raises(TypeError, match="nonsense"):
        mt.evaluate(model, demo("test"), nonsense=1)


@pytest.mark.parametrize("part", ["tokenizer", "head", "data"])
def test_an_option_that_the_installed_plugin_does_not_know_is_told(model, small_encoder, tmp_path, part):
    mt.fit(model, demo(), out=tmp_path / "run", **QUICK)
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    record[part]["options"] = {**(record[part]["options"] or {}), "later": 1}
    path.write_text(json.dumps(record))
    with pytest.raises(RunError, match=r"no option 'later'[\s\S]*mt-plugin-toy==1\.0"):
        mt.load_run(tmp_path / "run", encoder=small_encoder)


def test_a_run_says_all_options_of_its_parts(model, tmp_path):
    mt.fit(model, demo(), out=tmp_path / "run", head={"dropout": 0.25}, **QUICK)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["tokenizer"]["options"] == {"dropout": 0.1, "noise": 0.05}
    assert record["head"]["options"] == ClassificationHead.Options(dropout=0.25).model_dump()
    assert record["recipe"]["warmup"] == Recipe().warmup and record["data"]["options"] is None


def test_a_modality_is_never_a_folder_of_the_same_name(model, tmp_path, monkeypatch, small_encoder):
    mt.fit(model, demo(), out=tmp_path / "toy", **QUICK)
    monkeypatch.chdir(tmp_path)
    assert mt.load("toy", encoder=small_encoder).head is None
    assert mt.load_run("toy", encoder=small_encoder).head is not None


def test_a_folder_given_as_a_modality_is_told_of_load_run(tmp_path):
    with pytest.raises(UnknownModalityError, match=r"mt\.load_run\("):
        mt.load(str(tmp_path))


def test_an_untrained_model_says_that_it_has_no_head(model):
    with pytest.raises(OptionError, match="has not been trained"):
        mt.predict(model, [demo()[0].sample])


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        mt.load_run(tmp_path)


def test_a_damaged_run_says_which_file(model, small_encoder, tmp_path):
    mt.fit(model, demo(), out=tmp_path / "run", **QUICK)
    weights = tmp_path / "run" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(RunError, match=r"weights\.safetensors"):
        mt.load_run(tmp_path / "run", encoder=small_encoder)
