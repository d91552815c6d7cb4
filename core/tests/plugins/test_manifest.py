"""Manifests that are not as they should be: each says whose, which key, and what belongs there."""

import tomllib
from pathlib import Path

import pytest

from mt_core.errors import ContractError
from mt_core.plugins import manifest as module
from mt_core.plugins.discovery import PluginMetadata
from mt_core.plugins.manifest import Manifest, manifest_of, unknown_keys

WHOLE = {
    "contract": "1.0",
    "name": "waves",
    "summary": "Waves on a string",
    "tokenizer": "fake_waves.tokenizer:WaveTokenizer",
    "dataset": "fake_waves.dataset:WaveDataset",
    "head": "mt_core.heads:ClassificationHead",
    "deviations": [{"check": "order", "reason": "waves have a beginning"}],
}


def manifest(**changes):
    raw = {key: value for key, value in {**WHOLE, **changes}.items() if value is not None}
    return manifest_of(PluginMetadata("waves", "fake-waves", "1.0", Path("plugin.toml"), raw))


def refused(**changes):
    with pytest.raises(ContractError) as caught:
        manifest(**changes)
    return caught.value


def test_a_whole_manifest_is_read_and_cannot_be_changed():
    read = manifest()
    assert read.deviations[0].reason == "waves have a beginning"
    with pytest.raises(ValueError, match="frozen"):
        read.name = "tides"


def test_a_missing_key_is_named_with_its_distribution_and_meaning():
    error = refused(tokenizer=None)
    assert error.problem == "fake-waves 1.0: tokenizer in plugin.toml: Field required"
    assert error.fix == (
        'correct it, or ask the authors of fake-waves to. tokenizer: The `Tokenizer`, as "package.module:Class".'
    )


@pytest.mark.parametrize("reference", ["WaveTokenizer", "fake.tokenizer", "fake:", ":Wave", "fake/x.py:Wave", "a:b:c"])
def test_a_reference_that_is_not_module_and_class_is_refused(reference):
    assert "tokenizer in plugin.toml" in refused(tokenizer=reference).problem


def test_an_unknown_capability_is_refused_with_those_there_are():
    error = refused(capabilities=["variable_lenght"])
    assert "capabilities.0" in error.problem and "'variable_length'" in error.problem


@pytest.mark.parametrize("suffix", ["wave", ".WAVE", ""])
def test_a_suffix_has_a_dot_and_small_letters(suffix):
    assert "suffixes.0" in refused(suffixes=[suffix]).problem


def test_a_deviation_without_a_reason_is_refused():
    assert "deviations.0.reason" in refused(deviations=[{"check": "order"}]).problem


def test_hooks_are_a_module():
    assert "hooks in plugin.toml" in refused(hooks="fake_waves.hooks:Hooks").problem


def test_unknown_keys_pass_and_are_told():
    assert manifest(colour="blue").name == "waves"
    assert unknown_keys({**WHOLE, "colour": "blue"}) == ("colour",)
    assert unknown_keys({"deviations": [{"check": "a", "reason": "b", "until": "c"}]}) == ("deviations.0.until",)
    assert unknown_keys(WHOLE) == ()


def test_every_field_is_described():
    assert all(field.description for field in Manifest.model_fields.values())


def test_the_example_in_the_documentation_is_a_manifest():
    example = module.__doc__.split("\n\n", 1)[1]
    assert Manifest.model_validate(tomllib.loads(example)).name == "pointcloud"
